using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Bench.Load;

/// <summary>Client connections to loopback.</summary>
internal static class Loopback
{
    public static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    public static int Descriptor(this Socket socket) => (int)socket.Handle;

    /// <summary>Sends a head and reads one back, to its empty line and no further.</summary>
    /// <exception cref="BenchException">The answer is not a 200, or the peer closed.</exception>
    public static void Exchange(this Socket socket, string head)
    {
        socket.ReceiveTimeout = 10_000;
        socket.Send(Encoding.ASCII.GetBytes(head));
        StringBuilder answer = new();
        byte[] one = new byte[1];
        while (!(answer.Length >= 4 && answer.ToString(answer.Length - 4, 4) == "\r\n\r\n"))
        {
            if (answer.Length > 8192 || socket.Receive(one) == 0) throw new BenchException($"no whole answer to a request: {answer}");
            answer.Append((char)one[0]);
        }

        if (!answer.ToString().StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) throw new BenchException($"refused: {answer.ToString().Split('\r')[0]}");
    }
}
