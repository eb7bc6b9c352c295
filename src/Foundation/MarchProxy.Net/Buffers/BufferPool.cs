using System.Diagnostics;

namespace MarchProxy.Net.Buffers;

/// <summary>
/// Blocks of one size cut from pinned slabs, for one loop: no lock. The pool grows slab by slab up to its bound and then refuses, so that
/// a flood is shed instead of eating the machine.
/// </summary>
public sealed class BufferPool
{
    private readonly int _blockSize;
    private readonly int _blocksPerSlab;
    private readonly BufferBudget _budget;
    private readonly Stack<Block> _free;
    private int _made;
#if DEBUG
    private readonly Dictionary<Block, string> _outstanding = [];

    // The leak log itself allocates; a test that counts the hot path's bytes switches it off before it makes its loops.
    private readonly bool _tracks = !AppContext.TryGetSwitch("MarchProxy.Net.NoLeakLog", out bool off) || !off;
#endif

    /// <summary>Makes an empty pool.</summary>
    /// <param name="blockSize">Bytes a block.</param>
    /// <param name="maxBytes">The bound; at least one slab is always allowed.</param>
    /// <param name="slabBytes">Bytes taken from the runtime at a time.</param>
    public BufferPool(int blockSize, long maxBytes, int slabBytes = 1 << 20)
        : this(blockSize, new BufferBudget(Math.Max(maxBytes, slabBytes)), slabBytes)
    {
    }

    internal BufferPool(int blockSize, BufferBudget budget, int slabBytes = 1 << 20)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, 64);
        _blockSize = blockSize;
        _budget = budget;
        _blocksPerSlab = Math.Max(1, slabBytes / blockSize);
        _free = new Stack<Block>(_blocksPerSlab);
    }

    /// <summary>Bytes a block.</summary>
    public int BlockSize => _blockSize;

    /// <summary>Blocks now out.</summary>
    public int RentedCount => _made - _free.Count;

    /// <summary>Bytes taken from the runtime.</summary>
    public long AllocatedBytes => (long)_made * _blockSize;

    /// <summary>Times that a block was refused since the bound was reached.</summary>
    public long Refused { get; private set; }

    /// <summary>A block, or null when the bound is reached: the caller sheds.</summary>
    public Block? TryRent()
    {
        if (!_free.TryPop(out Block? block))
        {
            if (!Grow())
            {
                Refused++;
                return null;
            }

            block = _free.Pop();
        }

        Debug.Assert(!block.Rented, "a block was handed out twice");
        block.Rented = true;
        Track(block);
        return block;
    }

    /// <summary>Gives a block back.</summary>
    /// <param name="block">One that this pool handed out and that nobody uses any more.</param>
    public void Return(Block block)
    {
        Debug.Assert(block.Owner == this, "a block came back to the wrong pool");
        if (!block.Rented) ThrowReturnedTwice();
        block.Rented = false;
        Untrack(block);
        _free.Push(block);
    }

    /// <summary>In DEBUG builds, where each block that is still out was rented; empty in release builds.</summary>
    public IReadOnlyCollection<string> Leaks()
    {
#if DEBUG
        return [.. _outstanding.Values];
#else
        return [];
#endif
    }

    private static void ThrowReturnedTwice() => throw new InvalidOperationException("A buffer block was returned twice.");

    [Conditional("DEBUG")]
    private void Track(Block block)
    {
#if DEBUG
        if (_tracks) _outstanding[block] = Environment.StackTrace;
#else
        _ = block;
#endif
    }

    [Conditional("DEBUG")]
    private void Untrack(Block block)
    {
#if DEBUG
        _outstanding.Remove(block);
        block.Span.Fill(0xDD);
#else
        _ = block;
#endif
    }

    private bool Grow()
    {
        int count = _budget.TakeBlocks(_blockSize, _blocksPerSlab);
        if (count == 0) return false;
        byte[] slab = GC.AllocateUninitializedArray<byte>(count * _blockSize, pinned: true);
        for (int i = count - 1; i >= 0; i--) _free.Push(new Block(this, slab, i * _blockSize, _blockSize));
        _made += count;
        return true;
    }
}
