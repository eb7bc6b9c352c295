using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>An origin that does to each connection what a test says.</summary>
internal sealed class ScriptedOrigin : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<NetworkStream, Socket, Task> _serve;

    public ScriptedOrigin(Func<NetworkStream, Socket, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Answers every request with the same bytes.</summary>
    public static ScriptedOrigin Always(string response, bool close) => new(async (stream, _) =>
    {
        while (await ReadHeadAsync(stream) is not null)
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(response));
            if (close) return;
        }
    });

    /// <summary>A request head, or null at the end.</summary>
    public static async Task<string?> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one) == 1)
        {
            head.Append((char)one[0]);
            if (head.Length >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n') return head.ToString();
        }

        return null;
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await using var stream = new NetworkStream(socket);
                await _serve(stream, socket);
            }
            catch (IOException)
            {
                // The edge closed, as it may.
            }
        }
    }
}
