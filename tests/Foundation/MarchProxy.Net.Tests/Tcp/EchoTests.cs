using System.Buffers;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Net.Tests.Tcp;

public sealed class EchoTests
{
    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(2, 5 << 20)]
    [InlineData(3, 3_141_592)]
    public Task Megabytes_in_random_pieces_come_back_unchanged(int seed, int length) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        byte[] sent = new byte[length], received = new byte[length];
        new Random(seed).NextBytes(sent);
        Task<int> echo = EchoAsync(server, new Random(seed + 1));
        Task<int> write = WriteAsync(client, sent, new Random(seed + 2));
        Assert.Equal(length, await client.ReadFullAsync(received));
        Assert.Equal(0, await write);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        client.ShutdownSend();
        Assert.Equal(0, await echo);
        Assert.Equal(length, client.BytesSent);
        Assert.Equal(length, client.BytesReceived);
    });

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    [InlineData(100, 3_000_000)]
    [InlineData(3_000_000, 100)]
    [InlineData(2_000_000, 2_000_000)]
    public Task Two_pieces_are_sent_as_one(int first, int second) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        byte[] data = new byte[first + second], received = new byte[first + second];
        new Random(1).NextBytes(data);
        Task<int> read = server.ReadFullAsync(received);
        Assert.Equal(0, await client.SendAllAsync(data.AsMemory(0, first), data.AsMemory(first), 10_000));
        Assert.Equal(data.Length, await read);
        Assert.True(data.AsSpan().SequenceEqual(received));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public Task A_sequence_of_many_pieces_empty_ones_too_arrives_in_order(int seed) => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        var random = new Random(seed);
        byte[] data = new byte[2_000_000], received = new byte[data.Length];
        random.NextBytes(data);
        Piece first = new(ReadOnlyMemory<byte>.Empty, 0), last = first;
        for (int at = 0; at < data.Length;)
        {
            int n = Math.Min(data.Length - at, random.Next(3) == 0 ? 0 : random.Next(9000));
            last = last.Append(data.AsMemory(at, n));
            at += n;
        }

        Task<int> read = server.ReadFullAsync(received);
        Assert.Equal(0, await client.SendAllAsync(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), 10_000));
        Assert.Equal(data.Length, await read);
        Assert.True(data.AsSpan().SequenceEqual(received));
    });

    [Fact]
    public Task One_call_sends_sixteen_pieces() => LoopTest.RunAsync(async loop =>
    {
        var (client, _) = await LoopTest.PairAsync(loop);
        Piece first = new(new byte[3], 0), last = first;
        for (int i = 1; i < 20; i++) last = last.Append(new byte[3]);
        Assert.Equal(48, client.TrySend(new ReadOnlySequence<byte>(first, 0, last, 3)));
    });

    [Fact]
    public Task A_round_trip_in_steady_state_allocates_nothing() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        Task<int> echo = EchoAsync(server, null);
        byte[] ping = new byte[512], pong = new byte[512];
        Assert.Equal(0, await PingAsync(client, ping, pong, 3_000, 2_000));
        client.ShutdownSend();
        Assert.Equal(0, await echo);
    });

    [Fact]
    public Task A_peer_that_sends_without_end_does_not_keep_the_loop_to_itself() => LoopTest.RunAsync(async loop =>
    {
        var (client, server) = await LoopTest.PairAsync(loop);
        byte[] chunk = new byte[1 << 20], buffer = new byte[16 << 10];
        const int Total = 8 << 20;
        Task<int> write = WriteAllAsync();
        long turn = -1, inTurn = 0, most = 0;
        for (int total = 0; total < Total;)
        {
            int n = server.TryReceive(buffer);
            if (n == -Errno.EAGAIN)
            {
                Assert.Equal(0, await server.ReadableAsync(10_000));
                continue;
            }

            Assert.True(n > 0);
            total += n;
            inTurn = loop.Turns == turn ? inTurn + n : n;
            turn = loop.Turns;
            most = Math.Max(most, inTurn);

            // Fills the socket up again, as a fast peer would.
            while (client.TrySend(chunk.AsSpan(0, 16 << 10)) > 0 && total < Total / 2)
            {
            }
        }

        Assert.InRange(most, 1, (256 << 10) + buffer.Length);
        server.Close();
        await write;

        async Task<int> WriteAllAsync()
        {
            for (int i = 0; i < Total / chunk.Length; i++)
            {
                if (await client.SendAllAsync(chunk, 10_000) is var r and < 0) return r;
            }

            return 0;
        }
    });

    /// <returns>Bytes that the thread allocated in the rounds after the warm-up.</returns>
    private static async Task<long> PingAsync(TcpConnection client, byte[] ping, byte[] pong, int warmUp, int rounds)
    {
        long before = 0;
        for (int i = 0; i < warmUp + rounds; i++)
        {
            if (i == warmUp) before = GC.GetAllocatedBytesForCurrentThread();
            if (await client.SendAllAsync(ping, 10_000) != 0) Assert.Fail("send");
            for (int got = 0; got < pong.Length;)
            {
                int n = client.TryReceive(pong.AsSpan(got));
                if (n > 0) got += n;
                else if (n != -Errno.EAGAIN || await client.ReadableAsync(10_000) != 0) Assert.Fail("receive");
            }
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static async Task<int> EchoAsync(TcpConnection server, Random? random)
    {
        byte[] buffer = new byte[64 << 10];
        while (true)
        {
            int n = server.TryReceive(buffer.AsSpan(0, random?.Next(1, buffer.Length) ?? buffer.Length));
            if (n == 0) return 0;
            if (n == -Errno.EAGAIN) n = await server.ReadableAsync(60_000);
            else if (n > 0) n = await server.SendAllAsync(buffer.AsMemory(0, n), 10_000);
            if (n < 0) return n;
        }
    }

    private static async Task<int> WriteAsync(TcpConnection client, byte[] data, Random random)
    {
        for (int at = 0; at < data.Length;)
        {
            int n = Math.Min(data.Length - at, random.Next(1, random.Next(2) == 0 ? 100 : 200_000));
            int result = await client.SendAllAsync(data.AsMemory(at, n), 10_000);
            if (result < 0) return result;
            at += n;
        }

        return 0;
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
