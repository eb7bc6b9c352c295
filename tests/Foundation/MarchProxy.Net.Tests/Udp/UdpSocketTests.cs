using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Udp;

namespace MarchProxy.Net.Tests.Udp;

public sealed class UdpSocketTests
{
    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("[::1]:0")]
    public Task Batches_cross_with_their_peers_and_come_back(string at) => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Parse(at)), client = UdpSocket.Bind(loop, LoopTest.Parse(at));
        var batch = new UdpBatch();
        for (int i = 0; i < 64; i++) Assert.True(batch.TryAdd(new byte[i + 1].AsSpan(), server.Local));
        Assert.False(batch.TryAdd("x"u8, server.Local));
        Assert.Equal(64, client.TrySend(batch));
        var received = new UdpBatch();
        Assert.Equal(64, await ReceiveAsync(server, received));
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(i + 1, received[i].Length);
            Assert.Equal(client.Local, received.Peer(i));
            Assert.False(received.IsTruncated(i));
        }

        batch.Clear();
        Assert.True(batch.TryAdd("back"u8, received.Peer(0)));
        Assert.Equal(1, server.TrySend(batch));
        Assert.Equal(1, await ReceiveAsync(client, received));
        Assert.Equal("back"u8, received[0]);
    });

    [Fact]
    public Task A_datagram_longer_than_its_room_is_cut_and_marked() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Loopback), client = UdpSocket.Connect(loop, server.Local);
        var big = new UdpBatch(4, 4096);
        big.TryAdd(new byte[101], default);
        big.TryAdd(new byte[100], default);
        Assert.False(big.TryAdd(new byte[4097], default));
        Assert.Equal(2, client.TrySend(big));
        var small = new UdpBatch(4, 100);
        Assert.Equal(2, await ReceiveAsync(server, small));
        Assert.Equal((100, true), (small[0].Length, small.IsTruncated(0)));
        Assert.Equal((100, false), (small[1].Length, small.IsTruncated(1)));
    });

    [Fact]
    public Task More_than_a_batch_is_read_without_a_second_edge() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Loopback, 1 << 20), client = UdpSocket.Connect(loop, server.Local);
        var one = new UdpBatch(1, 8);
        int left = 100;
        for (int i = 0; i < left; i++)
        {
            one.Clear();
            one.TryAdd([(byte)i], default);
            Assert.Equal(1, client.TrySend(one));
        }

        var batch = new UdpBatch(3, 8);
        for (int next = 0; left > 0;)
        {
            int n = await ReceiveAsync(server, batch);
            Assert.InRange(n, 1, 3);
            for (int i = 0; i < n; i++) Assert.Equal(next++, batch[i][0]);
            left -= n;
        }

        Assert.Equal(-Errno.ETIMEDOUT, await ReceiveAsync(server, batch, 50));
    });

    [Fact]
    public Task A_flood_of_datagrams_leaves_the_turn_to_others_after_sixteen_batches() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Loopback), client = UdpSocket.Connect(loop, server.Local);
        var send = new UdpBatch(40, 8);
        for (int i = 0; i < 40; i++) send.TryAdd("x"u8, default);
        Assert.Equal(40, client.TrySend(send));
        var batch = new UdpBatch(1, 8);
        long turn = loop.Turns;
        int read = 0;
        while (server.TryReceive(batch) > 0) read++;
        Assert.Equal((16, turn), (read, loop.Turns));
        for (; read < 40; read++) Assert.Equal(1, await ReceiveAsync(server, batch));
        Assert.True(loop.Turns >= turn + 2);
    });

    [Fact]
    public Task A_datagram_that_cannot_be_sent_stops_no_other() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Loopback), client = UdpSocket.Bind(loop, LoopTest.Loopback);
        var batch = new UdpBatch(5, 64);
        batch.TryAdd("1"u8, server.Local);
        batch.TryAdd("lost"u8, LoopTest.Parse("255.255.255.255:9"));
        batch.TryAdd("2"u8, server.Local);
        batch.TryAdd("lost"u8, LoopTest.Parse("[::1]:9"));
        batch.TryAdd("3"u8, server.Local);
        Assert.Equal(3, client.TrySend(batch));
        var received = new UdpBatch(5, 64);
        Assert.Equal(3, await ReceiveAsync(server, received));
        Assert.Equal("3"u8, received[2]);
        batch.Clear();
        batch.TryAdd("lost"u8, LoopTest.Parse("255.255.255.255:9"));
        Assert.Equal(-13, client.TrySend(batch));
    });

    [Fact]
    public Task A_connected_socket_learns_that_nobody_listens() => LoopTest.RunAsync(async loop =>
    {
        Endpoint closed;
        using (UdpSocket gone = UdpSocket.Bind(loop, LoopTest.Loopback)) closed = gone.Local;
        using UdpSocket client = UdpSocket.Connect(loop, closed);
        var batch = new UdpBatch(1, 8);
        batch.TryAdd("x"u8, default);
        Assert.Equal(1, client.TrySend(batch));
        Assert.Equal(-Errno.ECONNREFUSED, await ReceiveAsync(client, new UdpBatch(2, 8)));
        Assert.Equal(-Errno.EAGAIN, client.TryReceive(new UdpBatch(2, 8)));
    });

    [Fact]
    public Task A_dual_mode_socket_answers_an_IPv4_peer() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Parse("[::]:0"));
        using UdpSocket client = UdpSocket.Connect(loop, LoopTest.Loopback.WithPort(server.Local.Port));
        var batch = new UdpBatch(1, 8);
        batch.TryAdd("ping"u8, default);
        Assert.Equal(1, client.TrySend(batch));
        Assert.Equal(1, await ReceiveAsync(server, batch));
        Assert.Equal(client.Local, batch.Peer(0));
        Endpoint peer = batch.Peer(0);
        batch.Clear();
        batch.TryAdd("pong"u8, peer);
        Assert.Equal(1, server.TrySend(batch));
        Assert.Equal(1, await ReceiveAsync(client, batch));
        Assert.Equal("pong"u8, batch[0]);
    });

    [Fact]
    public Task Closing_wakes_the_reader_and_nothing_works_afterwards() => LoopTest.RunAsync(async loop =>
    {
        UdpSocket socket = UdpSocket.Bind(loop, LoopTest.Loopback);
        var batch = new UdpBatch(1, 8);
        Assert.Equal(-Errno.EAGAIN, socket.TryReceive(batch));
        ValueTask<int> wait = socket.ReadableAsync(0);
        socket.Dispose();
        Assert.Equal(-Errno.ECANCELED, await wait);
        Assert.Equal(-Errno.ECANCELED, socket.TryReceive(batch));
        batch.TryAdd("x"u8, LoopTest.Parse("127.0.0.1:9"));
        Assert.Equal(-Errno.ECANCELED, socket.TrySend(batch));
    });

    [Fact]
    public Task Receiving_and_sending_batches_allocates_nothing() => LoopTest.RunAsync(async loop =>
    {
        using UdpSocket server = UdpSocket.Bind(loop, LoopTest.Loopback), client = UdpSocket.Connect(loop, server.Local);
        UdpBatch send = new(8, 64), receive = new(8, 64);
        long before = 0;
        for (int i = 0; i < 3_000; i++)
        {
            if (i == 2_000) before = GC.GetAllocatedBytesForCurrentThread();
            send.Clear();
            for (int k = 0; k < 8; k++) send.TryAdd("datagram"u8, default);
            if (client.TrySend(send) != 8) Assert.Fail("send");
            for (int got = 0; got < 8;)
            {
                int n = server.TryReceive(receive);
                if (n > 0) got += n;
                else if (n != -Errno.EAGAIN || await server.ReadableAsync(10_000) != 0) Assert.Fail("receive");
                if (n > 0 && receive.Peer(0).Port == 0) Assert.Fail("peer");
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    });

    [Fact]
    public async Task Loops_share_an_address_and_every_flow_stays_with_one()
    {
        using var group = new LoopGroup(2);
        group.Start();
        Endpoint at = LoopTest.Loopback;
        var counts = new int[2];
        var gate = new SemaphoreSlim(0);
        foreach (EventLoop loop in group.Loops)
        {
            Endpoint here = at;
            UdpSocket socket = await loop.InvokeAsync(() => UdpSocket.Bind(loop, here));
            at = socket.Local;
            loop.Post(async void () =>
            {
                var batch = new UdpBatch(8, 64);
                while (true)
                {
                    int n = socket.TryReceive(batch);
                    if (n == -Errno.EAGAIN) n = await socket.ReadableAsync(0);
                    else counts[loop.Id] += n;
                    if (n < 0) return;
                    if (n > 0) gate.Release(n);
                }
            });
        }

        for (int i = 0; i < 100; i++)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            client.SendTo("x"u8.ToArray(), new IPEndPoint(at.Address!, at.Port));
            Assert.True(await gate.WaitAsync(LoopTest.Patience));
        }

        Assert.Equal(100, counts.Sum());
        Assert.All(counts, c => Assert.InRange(c, 15, 85));
    }

    private static async Task<int> ReceiveAsync(UdpSocket socket, UdpBatch batch, long timeoutMs = 10_000)
    {
        while (true)
        {
            int n = socket.TryReceive(batch);
            if (n != -Errno.EAGAIN) return n;
            int ready = await socket.ReadableAsync(timeoutMs);
            if (ready < 0) return ready;
        }
    }
}
