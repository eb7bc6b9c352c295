using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Net.Tests.Tcp;

/// <summary>The ways in which a connection ends: half, whole, by reset, by us, by silence.</summary>
public sealed class EndingTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task A_half_closed_connection_carries_the_other_direction_on(bool clientEnds) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        var (ending, other) = clientEnds ? (client, server) : (server, client);
        byte[] big = new byte[2 << 20], received = new byte[big.Length];
        new Random(5).NextBytes(big);
        Assert.Equal(4, ending.TrySend("last"u8));
        ending.ShutdownSend();
        Assert.Equal(4, await other.ReadFullAsync(new byte[100]));
        Assert.Equal(0, await other.ReadAsync(new byte[1]));
        Assert.False(other.IsHungUp);
        Task<int> read = ending.ReadFullAsync(received);
        Assert.Equal(0, await other.SendAllAsync(big, 10_000));
        other.ShutdownSend();
        Assert.Equal(big.Length, await read);
        Assert.True(big.AsSpan().SequenceEqual(received));
        Assert.Equal(0, await ending.ReadAsync(new byte[1]));
        Assert.True(await ending.SendAllAsync("x"u8.ToArray(), 1000) is -Errno.EPIPE);
    });

    [Fact]
    public Task An_end_that_comes_with_the_data_is_seen_after_it() => LoopTest.RunAsync(async loop =>
    {
        // All in one event, in an event before, or unregistered: each way the end must be seen without another edge.
        for (int i = 0; i < 300; i++)
        {
            var (client, server) = await LoopTest.PairAsync(loop);
            if (i % 3 > 0) server.Watch();
            ValueTask<int>? waiting = null;
            if (i % 3 == 2)
            {
                Assert.Equal(-Errno.EAGAIN, server.TryReceive(new byte[10]));
                waiting = server.ReadableAsync(10_000);
            }

            client.TrySend("bye"u8);
            client.Close();
            if (waiting is { } wait) Assert.Equal(0, await wait);
            Assert.Equal(3, await server.ReadAsync(new byte[10]));
            Assert.Equal(0, await server.ReadAsync(new byte[10]));
            server.Close();
        }
    });

    [Fact]
    public Task Bytes_behind_urgent_data_are_not_left_lying() => LoopTest.RunAsync(async loop =>
    {
        var (peer, server) = await LoopTest.RawPairAsync(loop);
        using (peer)
        {
            Assert.Equal(-Errno.EAGAIN, server.TryReceive(new byte[10]));
            ValueTask<int> readable = server.ReadableAsync(10_000);
            peer.Send("abc"u8);
            peer.Send("!"u8, SocketFlags.OutOfBand);
            peer.Send("def"u8);
            Assert.Equal(0, await readable);
            byte[] received = new byte[6];
            Assert.Equal(6, await ReadWithin(server, received, 2_000));
            Assert.Equal("abcdef"u8, received);
        }
    });

    [Fact]
    public Task A_peer_that_never_reads_stops_us_and_ends_in_a_stall_timeout() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        byte[] chunk = new byte[64 << 10];
        Assert.Equal(-Errno.ETIMEDOUT, await SendForeverAsync());
        Assert.InRange(server.BytesSent, 1, 32 << 20);
        Assert.Equal(-Errno.EAGAIN, server.TrySend(chunk));
        Assert.Equal(0, loop.Buffers.RentedCount);

        // It was a pause, not an end: when the peer reads, sending goes on.
        byte[] sink = new byte[64 << 10];
        ValueTask<int> writable = server.WritableAsync(10_000);
        for (long got = 0; got < server.BytesSent;) got += await client.ReadAsync(sink);
        Assert.Equal(0, await writable);
        Assert.True(server.TrySend(chunk) > 0);

        async Task<int> SendForeverAsync()
        {
            while (true)
            {
                if (await server.SendAllAsync(chunk, 100) is var result and < 0) return result;
            }
        }
    });

    [Fact]
    public Task A_wait_to_read_times_out_and_can_be_made_again() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        Assert.Equal(-Errno.EAGAIN, server.TryReceive(new byte[1]));
        Assert.Equal(-Errno.ETIMEDOUT, await server.ReadableAsync(30));
        ValueTask<int> again = server.ReadableAsync(10_000);
        client.TrySend("x"u8);
        Assert.Equal(0, await again);
        Assert.Equal(1, server.TryReceive(new byte[1]));
    });

    [Fact]
    public Task A_wait_to_read_can_be_called_off_while_the_connection_goes_on() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        Assert.Equal(-Errno.EAGAIN, server.TryReceive(new byte[1]));
        ValueTask<int> wait = server.ReadableAsync(0);
        server.CancelRead();
        Assert.Equal(-Errno.ECANCELED, await wait);
        client.TrySend("x"u8);
        Assert.Equal(1, await server.ReadAsync(new byte[1]));
    });

    [Fact]
    public Task Closing_wakes_both_waiters() => LoopTest.RunAsync(async loop =>
    {
        var (_, server) = await LoopTest.PairAsync(loop);
        while (server.TrySend(new byte[64 << 10]) > 0)
        {
        }

        Assert.Equal(-Errno.EAGAIN, server.TryReceive(new byte[1]));
        ValueTask<int> read = server.ReadableAsync(0), write = server.WritableAsync(10_000);
        server.Close();
        Assert.Equal(-Errno.ECANCELED, await read);
        Assert.Equal(-Errno.ECANCELED, await write);
        Assert.True(server.IsClosed);
        Assert.Equal(-Errno.ECANCELED, await server.ReadableAsync(0));
        Assert.True(server.TrySend("x"u8) < 0);
        Assert.Equal(-Errno.ECANCELED, server.Watch());
        server.Close();
    });

    [Fact]
    public Task A_reset_is_told_to_the_reader_and_once_to_OnHangUp() => LoopTest.RunAsync(async loop =>
    {
        var (peer, server) = await LoopTest.RawPairAsync(loop);
        var hangUps = new Signalled<object?>(loop);
        server.HangUpState = "state";
        server.OnHangUp = hangUps.Set;
        Task<int> read = server.ReadAsync(new byte[10]);
        peer.LingerState = new LingerOption(true, 0);
        peer.Close();
        Assert.Equal(-Errno.ECONNRESET, await read);
        Assert.Equal("state", await hangUps.GetAsync());
        Assert.True(server.IsHungUp);
        Assert.Null(server.OnHangUp);
        Assert.Equal(-Errno.EPIPE, server.TrySend("x"u8));
        Assert.Equal(0, hangUps.Count);
    });

    [Fact]
    public Task Sending_to_a_peer_that_resets_ends_in_an_error() => LoopTest.RunAsync(async loop =>
    {
        var (peer, server) = await LoopTest.RawPairAsync(loop);
        Task<int> send = SendForeverAsync(server);
        peer.Receive(new byte[1]);
        peer.LingerState = new LingerOption(true, 0);
        peer.Close();
        Assert.True(await send is -Errno.ECONNRESET or -Errno.EPIPE);
    });

    [Fact]
    public Task A_hang_up_is_told_while_nobody_reads() => LoopTest.RunAsync(async loop =>
    {
        var (peer, server) = await LoopTest.RawPairAsync(loop);
        var hangUps = new Signalled<object?>(loop);
        server.OnHangUp = hangUps.Set;
        Assert.Equal(0, server.Watch());
        peer.Send("unread"u8);
        peer.LingerState = new LingerOption(true, 0);
        peer.Close();
        await hangUps.GetAsync();
        Assert.True(server.IsHungUp);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_mere_end_is_told_to_OnHangUp_only_when_asked_for(bool onEnded) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        int told = 0;
        server.OnEnded = onEnded;
        server.OnHangUp = _ => told++;
        server.Watch();
        client.ShutdownSend();
        Assert.Equal(0, await server.ReadAsync(new byte[1]));
        await new LoopSignal(loop).WaitAsync(1);
        Assert.Equal(onEnded ? 1 : 0, told);
    });

    [Fact]
    public Task A_callback_may_close_its_connection_and_others_of_the_same_turn() => LoopTest.RunAsync(async loop =>
    {
        var peers = new List<Socket>();
        var servers = new List<TcpConnection>();
        for (int i = 0; i < 20; i++)
        {
            var (peer, server) = await LoopTest.RawPairAsync(loop);
            peers.Add(peer);
            servers.Add(server);
        }

        int told = 0;
        var all = new Signalled<int>(loop);
        foreach (TcpConnection server in servers)
        {
            server.OnHangUp = _ =>
            {
                told++;
                servers.ForEach(s => s.Close());
                all.Set(0);
            };
            server.Watch();
        }

        foreach (Socket peer in peers)
        {
            peer.LingerState = new LingerOption(true, 0);
            peer.Close();
        }

        await all.GetAsync();
        await new LoopSignal(loop).WaitAsync(1);
        Assert.Equal(1, told);
    });

    [Fact]
    public Task An_old_connections_events_do_not_reach_the_next_one_in_its_slot() => LoopTest.RunAsync(async loop =>
    {
        for (int i = 0; i < 100; i++)
        {
            var (peer, server) = await LoopTest.RawPairAsync(loop);
            var (peer2, other) = await LoopTest.RawPairAsync(loop);
            server.Watch();
            other.Watch();
            int slot = server.Slot;
            TcpConnection? next = null;
            other.OnEnded = server.OnEnded = true;
            other.OnHangUp = server.OnHangUp = state =>
            {
                if (next is not null) return;

                // Both events came in one batch; the second one's connection goes, and a new one takes its slot and descriptor.
                TcpConnection gone = server.HasNews && other.OnHangUp is not null ? other : server;
                slot = gone.Slot;
                gone.Close();
                next = TcpConnector.Begin(loop, LoopTest.Parse("127.0.0.1:9")).Connection;
            };
            peer.Close();
            peer2.Close();
            await new LoopSignal(loop).WaitAsync(1);
            if (next is not null)
            {
                Assert.Equal(slot, next.Slot);
                Assert.False(next.HasNews);
                next.Close();
            }

            server.Close();
            other.Close();
        }
    });

    [Fact]
    public Task An_abort_resets_the_peer() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        server.Abort();
        Assert.Equal(-Errno.ECONNRESET, await client.ReadAsync(new byte[1]));
    });

    [Fact]
    public Task Lingering_lets_the_peer_read_our_last_words_though_it_still_sends() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        byte[] upload = new byte[300_000];
        Task<int> send = client.SendAllAsync(upload, 10_000).AsTask();
        Assert.True(await server.ReadAsync(new byte[100]) > 0);
        Assert.Equal(0, await server.SendAllAsync("413 enough"u8.ToArray(), 1000));
        Task closed = server.LingerAndCloseAsync(10_000, 64 << 20).AsTask();
        Assert.Equal(0, await send);
        byte[] last = new byte[100];
        Assert.Equal(10, await client.ReadFullAsync(last));
        Assert.Equal("413 enough"u8, last.AsSpan(0, 10));
        client.Close();
        await closed;
        Assert.True(server.IsClosed);
        Assert.Equal(0, loop.Buffers.RentedCount);
    });

    [Fact]
    public Task Lingering_ends_after_its_time_and_after_its_bytes() => LoopTest.RunAsync(async loop =>
    {
        var (_, silent) = await LoopTest.PairAsync(loop);
        await silent.LingerAndCloseAsync(50);
        Assert.True(silent.IsClosed);
        var (client, flooded) = await LoopTest.PairAsync(loop);
        Task<int> send = SendForeverAsync(client);
        await flooded.LingerAndCloseAsync(60_000, 100_000);
        Assert.True(flooded.IsClosed);
        Assert.True(await send < 0);
        Assert.Equal(0, loop.Buffers.RentedCount);
    });

    [Fact]
    public Task HasNews_tells_an_idle_connection_from_one_with_bytes_or_an_end() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        Assert.False(server.HasNews);

        // A read that exactly fills its buffer leaves the socket empty, too.
        client.TrySend("four"u8);
        Assert.Equal(4, await server.ReadAsync(new byte[4]));
        Assert.False(server.HasNews);
        server.Watch();
        client.TrySend("four"u8);
        Assert.Equal(4, await server.ReadAsync(new byte[4]));
        Assert.False(server.HasNews);
        client.TrySend("news"u8);
        await new LoopSignal(loop).WaitAsync(1);
        Assert.True(server.HasNews);
        Assert.Equal(4, server.TryReceive(new byte[100]));
        Assert.False(server.HasNews);
        client.Close();
        await new LoopSignal(loop).WaitAsync(1);
        Assert.True(server.HasNews);
        var (client2, never) = await LoopTest.PairAsync(loop);
        client2.Close();
        Assert.True(never.HasNews);
        never.Close();
        Assert.True(never.HasNews);
    });

    private static async Task<int> SendForeverAsync(TcpConnection connection)
    {
        byte[] chunk = new byte[64 << 10];
        while (true)
        {
            if (await connection.SendAllAsync(chunk, 20_000) is var result and < 0) return result;
        }
    }

    private static async Task<int> ReadWithin(TcpConnection connection, Memory<byte> buffer, long timeoutMs)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            int n = connection.TryReceive(buffer.Span[total..]);
            if (n == -Errno.EAGAIN) n = await connection.ReadableAsync(timeoutMs);
            else total += n;
            if (n < 0) return n;
        }

        return total;
    }
}
