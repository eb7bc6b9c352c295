namespace MarchProxy.Net.Buffers;

/// <summary>Bytes that several pools of one loop may take together.</summary>
internal sealed class BufferBudget(long maxBytes)
{
    private long _left = maxBytes;

    /// <summary>Takes what is left, at most the given number of blocks.</summary>
    /// <returns>Blocks granted.</returns>
    public int TakeBlocks(int blockSize, int blocks)
    {
        int granted = (int)Math.Min(blocks, Math.Max(0, _left) / blockSize);
        _left -= (long)granted * blockSize;
        return granted;
    }
}
