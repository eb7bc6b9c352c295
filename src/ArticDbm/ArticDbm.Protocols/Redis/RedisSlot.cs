namespace ArticDbm.Protocols.Redis;

/// <summary>Which of a cluster's 16384 slots a key lies in (Redis cluster specification, "Key distribution model" and "Hash tags").</summary>
public static class RedisSlot
{
    /// <summary>How many there are.</summary>
    public const int Count = 16384;

    private static readonly ushort[] s_table = MakeTable();

    /// <summary>The slot of a key: CRC16 of what stands between its first "{" and the next "}", or of all of it.</summary>
    /// <param name="key">The key.</param>
    public static int Of(ReadOnlySpan<byte> key)
    {
        int open = key.IndexOf((byte)'{');
        if (open >= 0)
        {
            int length = key[(open + 1)..].IndexOf((byte)'}');
            if (length > 0) key = key.Slice(open + 1, length);
        }

        return Crc16(key) & (Count - 1);
    }

    /// <summary>CRC-16/XMODEM: polynomial 0x1021, nothing reflected, from zero.</summary>
    private static ushort Crc16(ReadOnlySpan<byte> data)
    {
        ushort crc = 0;
        foreach (byte b in data) crc = (ushort)((crc << 8) ^ s_table[((crc >> 8) ^ b) & 0xFF]);
        return crc;
    }

    private static ushort[] MakeTable()
    {
        var table = new ushort[256];
        for (int i = 0; i < 256; i++)
        {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            table[i] = (ushort)crc;
        }

        return table;
    }
}
