namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Takes the fields of a decoded section, in order.</summary>
internal interface IFieldSink
{
    /// <summary>A field; both parts are valid during the call.</summary>
    void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);
}

/// <summary>What a field section came to.</summary>
internal enum HpackStatus
{
    /// <summary>It is whole.</summary>
    Ok,

    /// <summary>It is not well-formed (COMPRESSION_ERROR): the table's state is lost, and the connection with it.</summary>
    Malformed,

    /// <summary>It unfolds to so much that its sender means harm.</summary>
    Bomb,
}

/// <summary>Decodes field sections (RFC 7541 section 6), one table for each connection.</summary>
internal sealed class HpackDecoder(int tableSize)
{
    /// <summary>Bytes of one name or value: as much as a field line of HTTP/1.1 may have here, and room to be refused for being longer.</summary>
    private const int MaxString = 20 << 10;

    /// <summary>Bytes that one section may unfold to before the connection is given up: four times what any head may have.</summary>
    private const int MaxSection = 128 << 10;

    [ThreadStatic] private static byte[]? t_name;
    [ThreadStatic] private static byte[]? t_value;
    private readonly HpackTable _table = new(tableSize);

    /// <summary>Decodes a whole section.</summary>
    public HpackStatus Decode<TSink>(ReadOnlySpan<byte> block, ref TSink sink)
        where TSink : IFieldSink
    {
        int total = 0;
        bool fieldSeen = false;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            ReadOnlySpan<byte> name, value;
            if ((first & 0x80) != 0)
            {
                // 6.1: indexed field
                int read = HpackInteger.Read(block, 7, out int index);
                if (read == 0 || !TryGet(index, out name, out value)) return HpackStatus.Malformed;
                block = block[read..];
            }
            else if ((first & 0xE0) == 0x20)
            {
                // 6.3: table size update; only before the first field (4.2).
                int read = HpackInteger.Read(block, 5, out int size);
                if (read == 0 || fieldSeen || size > _table.Capacity) return HpackStatus.Malformed;
                _table.Resize(size);
                block = block[read..];
                continue;
            }
            else
            {
                // 6.2: literals, with or without indexing
                bool indexing = (first & 0x40) != 0;
                int read = HpackInteger.Read(block, indexing ? 6 : 4, out int index);
                if (read == 0) return HpackStatus.Malformed;
                block = block[read..];
                if (index == 0)
                {
                    read = ReadString(block, t_name ??= new byte[MaxString], out name);
                    if (read <= 0) return read < 0 ? HpackStatus.Bomb : HpackStatus.Malformed;
                    block = block[read..];
                }
                else if (!TryGet(index, out name, out _))
                {
                    return HpackStatus.Malformed;
                }

                read = ReadString(block, t_value ??= new byte[MaxString], out value);
                if (read <= 0) return read < 0 ? HpackStatus.Bomb : HpackStatus.Malformed;
                block = block[read..];
                if (indexing)
                {
                    sink.OnField(name, value);
                    _table.Add(name, value);
                    fieldSeen = true;
                    total += name.Length + value.Length + 32;
                    if (total > MaxSection) return HpackStatus.Bomb;
                    continue;
                }
            }

            fieldSeen = true;
            total += name.Length + value.Length + 32;
            if (total > MaxSection) return HpackStatus.Bomb;
            sink.OnField(name, value);
        }

        return HpackStatus.Ok;
    }

    private bool TryGet(int index, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (index == 0 || index > StaticTable.Count + _table.Count) return false;
        if (index > StaticTable.Count)
        {
            _table.Get(index - StaticTable.Count - 1, out name, out value);
            return true;
        }

        name = StaticTable.Name(index);
        value = StaticTable.Value(index);
        return true;
    }

    /// <summary>RFC 7541 section 5.2.</summary>
    /// <returns>Bytes read; 0 when it is not well-formed, -1 when it is too long.</returns>
    private static int ReadString(ReadOnlySpan<byte> bytes, byte[] scratch, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (bytes.IsEmpty) return 0;
        bool coded = (bytes[0] & 0x80) != 0;
        int read = HpackInteger.Read(bytes, 7, out int length);
        if (read == 0 || length > bytes.Length - read) return 0;
        ReadOnlySpan<byte> raw = bytes.Slice(read, length);
        if (!coded)
        {
            if (length > MaxString) return -1;
            text = raw;
            return read + length;
        }

        int decoded = Huffman.Decode(raw, scratch);
        if (decoded < 0) return decoded == -2 ? -1 : 0;
        text = scratch.AsSpan(0, decoded);
        return read + length;
    }
}
