using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Net.Tests.Tcp;

public sealed class ListenerTests
{
    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("[::1]:0")]
    public Task Both_ends_know_their_addresses(string at) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop, LoopTest.Parse(at));
        Assert.Equal(client.Local, server.Remote);
        Assert.Equal(client.Remote, server.Local);
        client.TrySend("hi"u8);
        Assert.Equal(2, await server.ReadAsync(new byte[10]));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task An_IPv6_wildcard_takes_IPv4_when_it_shall(bool dual) => LoopTest.RunAsync(async loop =>
    {
        var accepted = new Signalled<TcpConnection>(loop);
        using TcpListener listener = TcpListener.Open(loop, LoopTest.Parse("[::]:0"), accepted.Set, new TcpListenerOptions { DualMode = dual });
        Endpoint v4 = LoopTest.Loopback.WithPort(listener.Local.Port);
        ConnectResult result = await TcpConnector.ConnectAsync(loop, v4, 10_000);
        Assert.Equal(dual ? 0 : -Errno.ECONNREFUSED, result.Error);
        if (!dual) return;
        TcpConnection server = await accepted.GetAsync();
        Assert.Equal(AddressFamily.InterNetwork, server.Remote.Family);
        Assert.Equal(v4, server.Local);
    });

    [Fact]
    public Task Unix_sockets_carry_bytes_and_leave_no_file() => LoopTest.RunAsync(async loop =>
    {
        string path = TempPath();
        var (client, server) = await LoopTest.PairAsync(loop, Endpoint.Unix(path));
        byte[] data = new byte[1 << 20], received = new byte[data.Length];
        new Random(3).NextBytes(data);
        Task<int> read = server.ReadFullAsync(received);
        Assert.Equal(0, await client.SendAllAsync(data, 10_000));
        Assert.Equal(data.Length, await read);
        Assert.True(data.AsSpan().SequenceEqual(received));
        Assert.Equal(Endpoint.Unix(path), client.Remote);
        Assert.False(File.Exists(path));
        client.Close();
        Assert.Equal(0, await server.ReadAsync(received));
    });

    [Fact]
    public Task A_Unix_socket_left_by_the_dead_is_replaced_but_no_living_one_and_no_file() => LoopTest.RunAsync(async loop =>
    {
        await Task.CompletedTask;
        string path = TempPath();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            dead.Listen();
            Assert.Throws<IOException>(() => TcpListener.Open(loop, Endpoint.Unix(path), c => c.Close()));
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            client.Connect(new UnixDomainSocketEndPoint(path));
        }

        // .NET removes the file with its socket; a crashed process would not have.
        LeaveSocketFile(path);
        TcpListener.Open(loop, Endpoint.Unix(path), c => c.Close()).Dispose();
        Assert.False(File.Exists(path));
        File.WriteAllText(path, "precious");
        int before = LoopTest.OpenDescriptors();
        Assert.Throws<IOException>(() => TcpListener.Open(loop, Endpoint.Unix(path), c => c.Close()));
        Assert.Equal(before, LoopTest.OpenDescriptors());
        Assert.Equal("precious", File.ReadAllText(path));
        File.Delete(path);
    });

    [Fact]
    public async Task Loops_share_an_address_and_the_kernel_spreads_the_connections()
    {
        using var group = new LoopGroup(2);
        var counts = new int[2];
        var gate = new SemaphoreSlim(0);
        Endpoint at = LoopTest.Loopback;
        foreach (EventLoop loop in group.Loops)
        {
            at = TcpListener.Open(loop, at, c =>
            {
                Assert.True(loop.IsCurrent);
                counts[loop.Id]++;
                c.Close();
                gate.Release();
            }).Local;
        }

        group.Start();
        for (int i = 0; i < 200; i++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(at.Address!, at.Port);
            Assert.True(await gate.WaitAsync(LoopTest.Patience));
        }

        Assert.Equal(200, counts.Sum());
        Assert.All(counts, c => Assert.InRange(c, 40, 160));
    }

    [Fact]
    public Task An_address_that_is_not_ours_is_an_IOException_and_leaks_nothing() => LoopTest.RunAsync(async loop =>
    {
        await Task.CompletedTask;
        int before = LoopTest.OpenDescriptors();
        var failure = Assert.Throws<IOException>(() => TcpListener.Open(loop, LoopTest.Parse("192.0.2.1:0"), c => { }));
        Assert.Contains("192.0.2.1", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, LoopTest.OpenDescriptors());
    });

    [Fact]
    public Task A_listener_may_close_itself_while_it_accepts() => LoopTest.RunAsync(async loop =>
    {
        TcpListener? listener = null;
        var accepted = new Signalled<TcpConnection>(loop);
        listener = TcpListener.Open(loop, LoopTest.Loopback, c =>
        {
            listener!.Dispose();
            accepted.Set(c);
        });
        Endpoint at = listener.Local;
        using var one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var two = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        one.Connect(at.Address!, at.Port);
        two.Connect(at.Address!, at.Port);
        await accepted.GetAsync();
        Assert.Equal(-Errno.ECONNREFUSED, (await TcpConnector.ConnectAsync(loop, at, 10_000)).Error);
        Assert.Equal(1, listener.Accepted);
    });

    [Fact]
    public async Task A_handler_that_throws_costs_its_connection_only()
    {
        var reported = new List<Exception>();
        using var loop = new EventLoop(0) { OnUnhandled = reported.Add };
        int calls = 0;
        TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c =>
        {
            if (++calls == 1) throw new InvalidOperationException();
            c.TrySend("ok"u8);
        });
        loop.Start();
        using var first = Connect(listener.Local);
        Assert.Equal(0, first.Receive(new byte[1]));
        using var second = Connect(listener.Local);
        Assert.Equal(2, second.Receive(new byte[10]));
        Assert.Single(reported);
        await loop.InvokeAsync(() => true);
    }

    internal static Socket Connect(Endpoint at)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        socket.Connect(new IPEndPoint(at.Address!, at.Port));
        return socket;
    }

    private static string TempPath() => Path.Combine(Path.GetTempPath(), "loop-" + Guid.NewGuid().ToString("N")[..12]);

    private static void LeaveSocketFile(string path)
    {
        string elsewhere = path + ".x";
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(elsewhere));
            File.Move(elsewhere, path);
        }

        Assert.True(File.Exists(path));
    }
}
