using System.Net.Sockets;

namespace MarchProxy.Bench.Load;

/// <summary>Connections that have had one request answered and then say nothing.</summary>
internal sealed class IdleLoad : IDisposable
{
    private readonly List<Socket> _connections = [];

    /// <summary>Opens the connections, and asks for <c>/small</c> on each.</summary>
    /// <exception cref="BenchException">A request was not answered by 200.</exception>
    public IdleLoad(int port, int connections)
    {
        byte[] body = new byte[128];
        for (int i = 0; i < connections; i++)
        {
            Socket socket = Loopback.Connect(port);
            _connections.Add(socket);
            socket.Exchange($"GET /small HTTP/1.1\r\nHost: {Site.TestBed.Host}\r\n\r\n");
            for (int left = body.Length; left > 0;)
            {
                int n = socket.Receive(body.AsSpan(0, left));
                if (n == 0) throw new BenchException("an answer was cut off");
                left -= n;
            }
        }
    }

    /// <summary>How many of them the proxy still holds open.</summary>
    public int Open => _connections.Count(connection => !(connection.Poll(0, SelectMode.SelectRead) && connection.Available == 0));

    public void Dispose()
    {
        foreach (Socket connection in _connections) connection.Dispose();
    }
}
