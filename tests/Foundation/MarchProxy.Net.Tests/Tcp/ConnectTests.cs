using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Net.Tests.Tcp;

public sealed class ConnectTests
{
    [Fact]
    public Task A_closed_port_refuses() => LoopTest.RunAsync(async loop =>
    {
        ConnectResult result = await TcpConnector.ConnectAsync(loop, ClosedPort("127.0.0.1"), 10_000);
        Assert.Null(result.Connection);
        Assert.Equal(-Errno.ECONNREFUSED, result.Error);
    });

    [Fact]
    public Task An_address_that_does_not_answer_times_out_and_leaves_no_descriptor() => LoopTest.RunAsync(async loop =>
    {
        using var hole = new SilentListener();
        int before = LoopTest.OpenDescriptors();
        Assert.Equal(-Errno.ETIMEDOUT, (await TcpConnector.ConnectAsync(loop, hole.Endpoint, 50)).Error);
        Endpoint[] two = [hole.Endpoint, hole.Endpoint];
        Assert.Equal(-Errno.ETIMEDOUT, (await TcpConnector.ConnectAsync(loop, two, 100, 20)).Error);
        Assert.Equal(before, LoopTest.OpenDescriptors());
    });

    [Fact]
    public Task The_race_goes_on_to_the_next_address_when_the_first_is_dead() => LoopTest.RunAsync(async loop =>
    {
        using TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c => { });
        int before = LoopTest.OpenDescriptors();
        Endpoint[] endpoints = [ClosedPort("::1"), ClosedPort("127.0.0.1"), listener.Local];
        ConnectResult result = await TcpConnector.ConnectAsync(loop, endpoints, 10_000, 5_000);
        Assert.Equal(listener.Local, result.Connection!.Remote);
        Assert.InRange(LoopTest.OpenDescriptors() - before, 1, 2);
    });

    [Fact]
    public Task The_race_paces_its_attempts_and_the_winner_closes_the_losers() => LoopTest.RunAsync(async loop =>
    {
        using var hole = new SilentListener();
        using TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c => c.Close());
        int before = LoopTest.OpenDescriptors();
        Endpoint[] endpoints = [hole.Endpoint, hole.Endpoint, listener.Local];
        long start = loop.NowMs;
        ConnectResult result = await TcpConnector.ConnectAsync(loop, endpoints, 20_000, 60);
        Assert.Equal(listener.Local, result.Connection!.Remote);
        Assert.True(loop.NowMs - start >= 120, "the third attempt came before its time");
        result.Connection.Close();
        Assert.InRange(LoopTest.OpenDescriptors() - before, 0, 1);
    });

    [Fact]
    public Task An_attempt_that_fails_hands_on_at_once_although_an_older_one_is_pending() => LoopTest.RunAsync(async loop =>
    {
        using var hole = new SilentListener();
        using TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c => { });
        Endpoint[] endpoints = [hole.Endpoint, ClosedPort("127.0.0.1"), listener.Local];
        long start = loop.NowMs;
        ConnectResult result = await TcpConnector.ConnectAsync(loop, endpoints, 20_000, 1_000);
        Assert.Equal(listener.Local, result.Connection!.Remote);
        Assert.InRange(loop.NowMs - start, 1_000, 1_900);
    });

    [Fact]
    public Task The_race_reports_the_last_error_when_all_fail_and_unreachable_for_none() => LoopTest.RunAsync(async loop =>
    {
        Endpoint[] endpoints = [ClosedPort("127.0.0.1"), ClosedPort("127.0.0.1")];
        Assert.Equal(-Errno.ECONNREFUSED, (await TcpConnector.ConnectAsync(loop, endpoints, 10_000)).Error);
        Assert.Equal(-Errno.EHOSTUNREACH, (await TcpConnector.ConnectAsync(loop, Array.Empty<Endpoint>(), 10_000)).Error);
    });

    [Fact]
    public async Task Hundreds_of_connects_and_closes_leave_no_descriptor()
    {
        await LoopTest.RunAsync(ManyAsync);
        int before = LoopTest.OpenDescriptors();
        await LoopTest.RunAsync(ManyAsync);
        Assert.Equal(before, LoopTest.OpenDescriptors());

        static async Task ManyAsync(EventLoop loop)
        {
            for (int i = 0; i < 300; i++)
            {
                var (client, server) = await LoopTest.PairAsync(loop);
                client.TrySend("x"u8);
                if (i % 3 > 0) Assert.Equal(1, await server.ReadAsync(new byte[1]));
                if (i % 2 > 0) client.Abort();
                else client.Close();
                if (i % 5 > 0) server.Close();
            }
        }
    }

    private static Endpoint ClosedPort(string address)
    {
        var ip = IPAddress.Parse(address);
        using var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(ip, 0));
        return Endpoint.From(ip, ((IPEndPoint)socket.LocalEndPoint!).Port);
    }

    /// <summary>A listener whose queue is full: the kernel drops further SYNs, so connecting hangs.</summary>
    private sealed class SilentListener : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _fillers = [];

        public SilentListener()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(0);
            Endpoint = Endpoint.From(IPAddress.Loopback, ((IPEndPoint)_listener.LocalEndPoint!).Port);
            for (int i = 0; i < 4; i++)
            {
                var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _fillers.Add(filler);
                try
                {
                    filler.Connect(_listener.LocalEndPoint);
                }
                catch (SocketException)
                {
                    // In progress.
                }
            }
        }

        public Endpoint Endpoint { get; }

        public void Dispose()
        {
            _fillers.ForEach(f => f.Dispose());
            _listener.Dispose();
        }
    }
}
