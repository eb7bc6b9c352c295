using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Edge.Tests.Egress;

/// <summary>A DNS server that answers A queries as a test says, a different thing each time if need be, and tells how often it was asked.</summary>
internal sealed class ScriptedDns : IDisposable
{
    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly Func<string, int, string[]> _answer;
    private readonly Dictionary<string, int> _asked = [];

    /// <param name="answer">Of a name and the number of its query: addresses, or names for aliases of which each leads to the next. Nothing stays in anybody's cache.</param>
    public ScriptedDns(Func<string, int, string[]> answer)
    {
        _answer = answer;
        _ = ServeAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_socket.Client.LocalEndPoint!;

    public void Dispose() => _socket.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                UdpReceiveResult query = await _socket.ReceiveAsync();
                await _socket.SendAsync(Answer(query.Buffer), query.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private byte[] Answer(byte[] query)
    {
        int at = 12;
        var labels = new List<string>();
        for (; query[at] != 0; at += query[at] + 1) labels.Add(Encoding.ASCII.GetString(query, at + 1, query[at]));
        string name = string.Join('.', labels).ToLowerInvariant();
        bool ipv4 = query[at + 2] == 1;
        string[] answers = [];
        if (ipv4)
        {
            int number = _asked[name] = _asked.GetValueOrDefault(name) + 1;
            answers = _answer(name, number);
        }

        var reply = new List<byte>(query[..(at + 5)]);
        reply[2] = 0x81;
        reply[3] = 0x80;
        reply[7] = (byte)answers.Length;
        reply[8] = reply[9] = reply[10] = reply[11] = 0;
        string owner = name;
        foreach (string answer in answers)
        {
            bool address = IPAddress.TryParse(answer, out IPAddress? ip);
            reply.AddRange(Name(owner));
            reply.AddRange([0, (byte)(address ? 1 : 5), 0, 1, 0, 0, 0, 0]);
            byte[] data = address ? ip!.GetAddressBytes() : Name(answer);
            byte[] length = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)data.Length);
            reply.AddRange(length);
            reply.AddRange(data);
            if (!address) owner = answer;
        }

        return [.. reply];
    }

    private static byte[] Name(string name) => [.. name.Split('.').SelectMany(l => Encoding.ASCII.GetBytes(l).Prepend((byte)l.Length)), 0];
}
