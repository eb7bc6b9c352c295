namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Integers of HPACK (RFC 7541 section 5.1): the low bits of a byte, and what does not fit there by seven bits a byte.</summary>
internal static class HpackInteger
{
    /// <summary>Bytes of an integer at most: nothing that we take is above 2^28.</summary>
    private const int MaxBytes = 5;

    /// <summary>Reads one.</summary>
    /// <param name="bytes">From its first byte on.</param>
    /// <param name="prefix">Bits of the first byte that belong to it.</param>
    /// <param name="value">The value.</param>
    /// <returns>Bytes read; 0 when it is cut off or too large.</returns>
    public static int Read(ReadOnlySpan<byte> bytes, int prefix, out int value)
    {
        value = 0;
        if (bytes.IsEmpty) return 0;
        int mask = (1 << prefix) - 1;
        value = bytes[0] & mask;
        if (value < mask) return 1;
        for (int i = 1, shift = 0; i < bytes.Length && i < MaxBytes; i++, shift += 7)
        {
            value += (bytes[i] & 0x7F) << shift;
            if ((bytes[i] & 0x80) == 0) return i + 1;
        }

        return 0;
    }

    /// <summary>Writes one.</summary>
    /// <param name="target">Has room for six bytes.</param>
    /// <param name="first">The first byte's other bits.</param>
    /// <param name="prefix">Bits of the first byte that belong to it.</param>
    /// <param name="value">The value.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> target, byte first, int prefix, int value)
    {
        int mask = (1 << prefix) - 1;
        if (value < mask)
        {
            target[0] = (byte)(first | value);
            return 1;
        }

        target[0] = (byte)(first | mask);
        value -= mask;
        int at = 1;
        for (; value >= 0x80; value >>= 7) target[at++] = (byte)(value | 0x80);
        target[at++] = (byte)value;
        return at;
    }
}
