using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Bench.Site;

/// <summary>Takes the log that HAProxy ships from its ring over TCP, and drops it: the peer pays for logging, a log server is not measured.</summary>
internal sealed class LogSink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private long _bytes;

    public LogSink()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes of log taken so far; a peer that logged nothing was not measured fairly.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = DrainAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private async Task DrainAsync(Socket socket)
    {
        using Socket owned = socket;
        byte[] buffer = new byte[256 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, _stop.Token) is > 0 and int n) Interlocked.Add(ref _bytes, n);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The peer was stopped, or the run is over.
        }
    }
}
