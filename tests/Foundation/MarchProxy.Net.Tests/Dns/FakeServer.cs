using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Net.Tests.Dns;

/// <summary>A query as it reached a <see cref="FakeServer"/>.</summary>
internal sealed record Asked(byte[] Query, bool Tcp, EndPoint From);

/// <summary>A DNS server on loopback, UDP and TCP on one port, that sends all messages of a test's answer, in order.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly Func<Asked, Task<IEnumerable<byte[]>>> _answer;
    private readonly CancellationTokenSource _end = new();
    private readonly Socket _udp;
    private readonly System.Net.Sockets.TcpListener _tcp;
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly Task[] _tasks;

    public FakeServer(Func<Asked, IEnumerable<byte[]>> answer) : this(asked => Task.FromResult(answer(asked)))
    {
    }

    public FakeServer(Func<Asked, Task<IEnumerable<byte[]>>> answer)
    {
        _answer = answer;
        (_udp, _tcp) = Bind();
        EndPoint = (IPEndPoint)_tcp.LocalEndpoint;
        _tasks = [Task.Run(ServeUdpAsync), Task.Run(ServeTcpAsync)];
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>All queries so far.</summary>
    public ConcurrentQueue<Asked> Log { get; } = [];

    /// <summary>Waits until so many more queries have arrived.</summary>
    public async Task WaitForAsync(int queries)
    {
        for (int i = 0; i < queries; i++) Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    /// <summary>Takes a port that is free for both UDP and TCP.</summary>
    public static (Socket Udp, System.Net.Sockets.TcpListener Tcp) Bind()
    {
        for (int attempt = 0; ; attempt++)
        {
            var tcp = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                tcp.Start();
                udp.Bind(tcp.LocalEndpoint);
                return (udp, tcp);
            }
            catch (SocketException) when (attempt < 50)
            {
                tcp.Dispose();
                udp.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
        _arrived.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            SocketReceiveFromResult got = await _udp.ReceiveFromAsync(buffer.AsMemory(), EndPoint, _end.Token);
            var asked = new Asked(buffer[..got.ReceivedBytes], false, got.RemoteEndPoint);
            _ = Task.Run(async () =>
            {
                foreach (byte[] message in await AnswerAsync(asked)) await _udp.SendToAsync(message, asked.From);
            });
        }
    }

    private async Task ServeTcpAsync()
    {
        byte[] length = new byte[2];
        while (true)
        {
            using TcpClient client = await _tcp.AcceptTcpClientAsync(_end.Token);
            NetworkStream stream = client.GetStream();
            await stream.ReadExactlyAsync(length, _end.Token);
            byte[] query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
            await stream.ReadExactlyAsync(query, _end.Token);
            foreach (byte[] message in await AnswerAsync(new Asked(query, true, client.Client.RemoteEndPoint!)))
            {
                byte[] framed = [(byte)(message.Length >> 8), (byte)message.Length, .. message];
                await stream.WriteAsync(framed, _end.Token);
            }
        }
    }

    private Task<IEnumerable<byte[]>> AnswerAsync(Asked asked)
    {
        Log.Enqueue(asked);
        _arrived.Release();
        return _answer(asked);
    }
}
