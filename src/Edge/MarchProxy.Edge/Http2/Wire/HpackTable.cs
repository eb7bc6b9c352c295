using System.Buffers;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>
/// A dynamic table of HPACK (RFC 7541 section 2.3.2): newest entry first, oldest evicted. The bytes of all entries lie in one run that moves to the front
/// of its array when it has reached the end.
/// </summary>
internal sealed class HpackTable
{
    /// <summary>What an entry costs beside its bytes (section 4.1).</summary>
    private const int Overhead = 32;

    private readonly Entry[] _entries;
    private readonly uint[] _hashes;
    private byte[] _bytes = [];
    private int _newest = -1, _end;

    /// <summary>Makes an empty table.</summary>
    /// <param name="capacity">The size that it may be told to have.</param>
    public HpackTable(int capacity)
    {
        Capacity = MaxSize = capacity;
        _entries = new Entry[Math.Max(1, capacity / Overhead)];
        _hashes = new uint[_entries.Length];
    }

    /// <summary>Entries.</summary>
    public int Count { get; private set; }

    /// <summary>Size of all entries, as section 4.1 counts.</summary>
    public int Size { get; private set; }

    /// <summary>The size that it may have now.</summary>
    public int MaxSize { get; private set; }

    /// <summary>The size that it may be told to have.</summary>
    public int Capacity { get; }

    /// <summary>Changes the maximum, evicting what no longer fits.</summary>
    public void Resize(int maxSize)
    {
        MaxSize = maxSize;
        while (Size > maxSize) Evict();
    }

    /// <summary>An entry by its index, the newest being zero.</summary>
    public void Get(int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        ref Entry entry = ref _entries[Slot(index)];
        name = _bytes.AsSpan(entry.Start, entry.NameLength);
        value = _bytes.AsSpan(entry.Start + entry.NameLength, entry.ValueLength);
    }

    /// <summary>Adds an entry; one that is larger than the table empties it (section 4.4). Name and value may lie in this table.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, uint hash = 0)
    {
        int length = name.Length + value.Length, size = length + Overhead;
        if (size > MaxSize)
        {
            while (Count > 0) Evict();
            return;
        }

        if (_bytes.Length == 0) _bytes = new byte[Capacity * 2];
        if (_end + length > _bytes.Length)
        {
            // A name may lie in what moves now.
            byte[] copy = ArrayPool<byte>.Shared.Rent(length);
            name.CopyTo(copy);
            value.CopyTo(copy.AsSpan(name.Length));
            while (Size + size > MaxSize) Evict();
            Compact();
            copy.AsSpan(0, length).CopyTo(_bytes.AsSpan(_end));
            ArrayPool<byte>.Shared.Return(copy);
        }
        else
        {
            name.CopyTo(_bytes.AsSpan(_end));
            value.CopyTo(_bytes.AsSpan(_end + name.Length));
        }

        while (Size + size > MaxSize) Evict();
        _newest = (_newest + 1) % _entries.Length;
        _entries[_newest] = new Entry(_end, name.Length, value.Length);
        _hashes[_newest] = hash;
        _end += length;
        Count++;
        Size += size;
    }

    /// <summary>The index of an entry by its hash and content, or -1.</summary>
    public int Find(uint hash, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<uint> hashes = _hashes;
        for (int from = 0; from < hashes.Length;)
        {
            int slot = hashes[from..].IndexOf(hash);
            if (slot < 0) return -1;
            slot += from;
            int index = (_newest - slot + _entries.Length) % _entries.Length;
            ref Entry entry = ref _entries[slot];
            if (index < Count && entry.NameLength == name.Length && entry.ValueLength == value.Length
                && _bytes.AsSpan(entry.Start, name.Length).SequenceEqual(name) && _bytes.AsSpan(entry.Start + name.Length, value.Length).SequenceEqual(value)) return index;
            from = slot + 1;
        }

        return -1;
    }

    private int Slot(int index) => (_newest - index + _entries.Length) % _entries.Length;

    private void Evict()
    {
        ref Entry entry = ref _entries[Slot(Count - 1)];
        Size -= entry.NameLength + entry.ValueLength + Overhead;
        Count--;
    }

    /// <summary>Moves what is kept to the front.</summary>
    private void Compact()
    {
        if (Count == 0)
        {
            _end = 0;
            return;
        }

        int start = _entries[Slot(Count - 1)].Start;
        if (start == 0) return;
        _bytes.AsSpan(start, _end - start).CopyTo(_bytes);
        for (int i = 0; i < Count; i++) _entries[Slot(i)].Start -= start;
        _end -= start;
    }

    private record struct Entry(int Start, int NameLength, int ValueLength);
}
