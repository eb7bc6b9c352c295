using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MarchProxy.Net.Tests;

/// <summary>Runs a test's body on a loop of its own, and fails when the loop had to report an exception.</summary>
internal static class LoopTest
{
    /// <summary>How long a condition may take on a machine under load before the test gives up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Endpoint Loopback { get; } = Parse("127.0.0.1:0");

    public static Endpoint Parse(string text) => Endpoint.TryParse(text, out Endpoint e) ? e : throw new FormatException(text);

    public static async Task RunAsync(Func<EventLoop, Task> body, EventLoopOptions? options = null)
    {
        var unhandled = new List<Exception>();
        using (var loop = new EventLoop(0, options) { OnUnhandled = unhandled.Add })
        {
            loop.Start();
            await loop.InvokeAsync(() => body(loop)).WaitAsync(Patience);
        }

        Assert.Empty(unhandled);
    }

    /// <summary>A connected pair, both ends on the loop. The listener is closed again.</summary>
    public static async Task<(TcpConnection Client, TcpConnection Server)> PairAsync(EventLoop loop, Endpoint? at = null)
    {
        var accepted = new Signalled<TcpConnection>(loop);
        using TcpListener listener = TcpListener.Open(loop, at ?? Loopback, accepted.Set);
        ConnectResult connected = await TcpConnector.ConnectAsync(loop, listener.Local, 20_000);
        Assert.Equal(0, connected.Error);
        return (connected.Connection!, await accepted.GetAsync());
    }

    /// <summary>A raw blocking socket as the peer of a connection on the loop.</summary>
    public static async Task<(Socket Peer, TcpConnection Server)> RawPairAsync(EventLoop loop)
    {
        var accepted = new Signalled<TcpConnection>(loop);
        using TcpListener listener = TcpListener.Open(loop, Loopback, accepted.Set);
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        peer.Connect(listener.Local.Address!, listener.Local.Port);
        return (peer, await accepted.GetAsync());
    }

    /// <summary>Reads once, waiting first when nothing is there.</summary>
    public static async Task<int> ReadAsync(this TcpConnection connection, Memory<byte> buffer, long timeoutMs = 20_000)
    {
        while (true)
        {
            int n = connection.TryReceive(buffer.Span);
            if (n != -Errno.EAGAIN) return n;
            int ready = await connection.ReadableAsync(timeoutMs);
            if (ready < 0) return ready;
        }
    }

    /// <summary>Reads until the buffer is full, the peer ends or an error comes.</summary>
    public static async Task<int> ReadFullAsync(this TcpConnection connection, Memory<byte> buffer)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            int n = await connection.ReadAsync(buffer[total..]);
            if (n <= 0) return n < 0 ? n : total;
            total += n;
        }

        return total;
    }

    public static int OpenDescriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
