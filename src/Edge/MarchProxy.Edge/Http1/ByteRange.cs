namespace MarchProxy.Edge.Http1;

/// <summary>A run of bytes inside the connection's receive buffer; heads keep these instead of copies.</summary>
/// <param name="Start">Offset of the first byte from the start of the buffer that was parsed.</param>
/// <param name="Length">Number of bytes; 0 when absent or empty.</param>
internal readonly record struct ByteRange(int Start, int Length)
{
    public int End => Start + Length;

    public bool IsEmpty => Length == 0;

    /// <summary>The bytes themselves; <paramref name="buffer"/> must be the one that was parsed, from the same start.</summary>
    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> buffer) => buffer.Slice(Start, Length);
}
