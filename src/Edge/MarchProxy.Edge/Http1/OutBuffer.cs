namespace MarchProxy.Edge.Http1;

/// <summary>
/// Bytes on their way out: appended at the end, drained from the start, in one pinned array that grows by doubling up to
/// a cap. Belongs to one connection on one loop.
/// </summary>
internal sealed class OutBuffer
{
    private readonly int _maxCapacity;
    private int _start;
    private int _end;

    /// <param name="initial">A pinned array to begin with.</param>
    /// <param name="maxCapacity">Bytes that it may grow to; what does not fit then is refused by <see cref="EnsureRoom"/>.</param>
    public OutBuffer(byte[] initial, int maxCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxCapacity, initial.Length);
        Array = initial;
        _maxCapacity = maxCapacity;
    }

    /// <summary>The backing array; changes when the buffer grows.</summary>
    public byte[] Array { get; private set; }

    /// <summary>Offset in <see cref="Array"/> of the first byte to send.</summary>
    public int Start => _start;

    /// <summary>Bytes to send.</summary>
    public int Length => _end - _start;

    /// <summary>The bytes to send.</summary>
    public ReadOnlySpan<byte> Written => Array.AsSpan(_start, Length);

    /// <summary>Room behind the last byte; write into it, then <see cref="Commit"/>.</summary>
    public Span<byte> Free => Array.AsSpan(_end);

    /// <summary>Makes room for <paramref name="count"/> more bytes; false when that exceeds the cap.</summary>
    public bool EnsureRoom(int count) => count <= Array.Length - _end || MakeRoom(count);

    /// <summary>Counts bytes that were written into <see cref="Free"/>.</summary>
    public void Commit(int count) => _end += count;

    /// <summary>Appends bytes for which there is room.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Free);
        _end += bytes.Length;
    }

    /// <summary>Drops bytes that were sent.</summary>
    public void Drain(int count)
    {
        _start += count;
        if (_start == _end) Clear();
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        _start = 0;
        _end = 0;
    }

    private bool MakeRoom(int count)
    {
        int length = Length;
        if (count > _maxCapacity - length) return false;
        byte[] target = Array;
        if (length + count > target.Length)
        {
            int capacity = (int)Math.Min(_maxCapacity, Math.Max((long)target.Length * 2, length + count));
            target = GC.AllocateUninitializedArray<byte>(capacity, pinned: true);
        }

        Written.CopyTo(target);
        Array = target;
        _start = 0;
        _end = length;
        return true;
    }
}
