using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tests.Buffers;

public sealed class BufferPoolTests
{
    [Fact]
    public void Grows_slab_by_slab_to_its_bound_and_then_refuses()
    {
        var pool = new BufferPool(1024, 10 * 1024, 4 * 1024);
        var blocks = new List<Block>();
        while (pool.TryRent() is { } block) blocks.Add(block);
        Assert.Equal(10, blocks.Count);
        Assert.Equal(10 * 1024, pool.AllocatedBytes);
        Assert.Equal(10, pool.RentedCount);
        Assert.Equal(1, pool.Refused);
        pool.Return(blocks[3]);
        Assert.Same(blocks[3], pool.TryRent());
        Assert.Null(pool.TryRent());
        Assert.Equal(2, pool.Refused);
    }

    [Fact]
    public void Blocks_do_not_overlap()
    {
        var pool = new BufferPool(256, 64 * 256, 16 * 256);
        Block[] blocks = [.. Enumerable.Range(0, 64).Select(_ => pool.TryRent()!)];
        for (int i = 0; i < 64; i++) blocks[i].Span.Fill((byte)i);
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(256, blocks[i].Length);
            Assert.Equal(-1, blocks[i].Memory.Span.IndexOfAnyExcept((byte)i));
        }
    }

    [Fact]
    public void A_block_returned_twice_throws_and_is_handed_out_once()
    {
        var pool = new BufferPool(1024, 4096, 4096);
        Block block = pool.TryRent()!;
        pool.Return(block);
        Assert.Throws<InvalidOperationException>(() => pool.Return(block));
        Assert.NotSame(pool.TryRent(), pool.TryRent());
    }

    [Fact]
    public void A_bound_beyond_two_billion_blocks_is_a_bound_and_not_an_overflow()
    {
        var pool = new BufferPool(64, long.MaxValue, 4096);
        for (int i = 0; i < 1000; i++) Assert.NotNull(pool.TryRent());
    }

    [Fact]
    public void The_pools_of_a_loop_share_one_bound()
    {
        using var loop = new EventLoop(0, new EventLoopOptions { MaxBufferBytes = 4 << 20 });
        long bytes = 0;
        while (loop.Buffers.AllocatedBytes < 2 << 20) bytes += loop.Buffers.TryRent()!.Length;
        while (loop.LargeBuffers.TryRent() is not null) bytes += 0;
        Assert.Equal(4 << 20, loop.Buffers.AllocatedBytes + loop.LargeBuffers.AllocatedBytes);
        Assert.True(bytes <= 2 << 20);
    }

    [Fact]
    public void The_leak_log_names_who_rented()
    {
        var pool = new BufferPool(1024, 4096, 4096);
        Block kept = RentAndForget(pool);
        pool.Return(pool.TryRent()!);
#if DEBUG
        Assert.Contains(nameof(RentAndForget), Assert.Single(pool.Leaks()), StringComparison.Ordinal);
#endif
        pool.Return(kept);
        Assert.Empty(pool.Leaks());
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static Block RentAndForget(BufferPool pool) => pool.TryRent()!;
}
