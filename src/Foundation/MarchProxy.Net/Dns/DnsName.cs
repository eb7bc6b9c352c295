using System.Buffers;

namespace MarchProxy.Net.Dns;

/// <summary>Domain names in text and on the wire (RFC 1035 sections 2.3 and 4.1.4).</summary>
internal static class DnsName
{
    /// <summary>Bytes of the longest name on the wire, with its root label.</summary>
    public const int MaxWire = 255;

    /// <summary>Pointers followed in one name. A name has at most 127 labels, and a pointer that adds none is of no use.</summary>
    private const int MaxPointers = 127;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>
    /// Writes a name in wire form, letters as they are. Accepts letters, digits, hyphens and underscores; a trailing dot is allowed.
    /// </summary>
    /// <returns>The bytes written (at most <see cref="MaxWire"/>), or 0 if the text is no name or does not fit.</returns>
    public static int Encode(ReadOnlySpan<char> name, Span<byte> wire)
    {
        if (name is [.., '.']) name = name[..^1];
        if (name.IsEmpty || name.Length + 2 > Math.Min(MaxWire, wire.Length)) return 0;
        int label = 0;
        for (int i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] != '.')
            {
                if (!char.IsAsciiLetterOrDigit(name[i]) && name[i] is not ('-' or '_')) return 0;
                wire[i + 1] = (byte)name[i];
                continue;
            }

            int length = i - label;
            if (length is 0 or > 63) return 0;
            wire[label] = (byte)length;
            label = i + 1;
        }

        wire[label] = 0;
        return label + 1;
    }

    /// <summary>
    /// Reads a name out of a message, uncompressed and in lower case. Each pointer must lead to before the labels that it ends, so that
    /// reading ends whatever the message holds.
    /// </summary>
    /// <param name="message">The whole message.</param>
    /// <param name="offset">Where the name starts.</param>
    /// <param name="wire">At least <see cref="MaxWire"/> bytes.</param>
    /// <param name="length">Bytes written to <paramref name="wire"/>.</param>
    /// <returns>The offset after the name, or -1 if there is no valid name.</returns>
    public static int Read(ReadOnlySpan<byte> message, int offset, Span<byte> wire, out int length)
    {
        length = 0;
        int at = offset, start = offset, next = -1;
        for (int pointers = 0; (uint)at < (uint)message.Length;)
        {
            int size = message[at];
            if (size >= 0xC0)
            {
                if (at + 1 >= message.Length || ++pointers > MaxPointers) return -1;
                int target = ((size & 0x3F) << 8) | message[at + 1];
                if (target >= start) return -1;
                if (next < 0) next = at + 2;
                at = start = target;
                continue;
            }

            if (size > 63 || length + 1 + size > MaxWire || at + 1 + size > message.Length) return -1;
            wire[length++] = (byte)size;
            for (int i = 1; i <= size; i++) wire[length++] = ToLower(message[at + i]);
            at += 1 + size;
            if (size == 0) return next < 0 ? at : next;
        }

        return -1;
    }

    /// <summary>Whether a name in lower-case wire form is <paramref name="zone"/> or lies below it.</summary>
    public static bool IsWithin(ReadOnlySpan<byte> name, ReadOnlySpan<byte> zone)
    {
        while (name.Length > zone.Length) name = name[(1 + name[0])..];
        return name.SequenceEqual(zone);
    }

    /// <summary>Whether two stretches of a message are the same but for the case of letters. Lengths of labels are below 'A'.</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length != b.Length) return false;
        for (int i = 0; i < a.Length; i++)
        {
            if (ToLower(a[i]) != ToLower(b[i])) return false;
        }

        return true;
    }

    /// <summary>
    /// Whether a name's last label is a number, as in <c>127.1</c> or <c>0x7f.1</c>: some would read an IPv4 address out of it, so it is
    /// never asked for.
    /// </summary>
    public static bool EndsInNumber(ReadOnlySpan<char> name)
    {
        if (name is [.., '.']) name = name[..^1];
        ReadOnlySpan<char> last = name[(name.LastIndexOf('.') + 1)..];
        if (last.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) return !last[2..].ContainsAnyExcept(HexDigits);
        return !last.IsEmpty && !last.ContainsAnyExceptInRange('0', '9');
    }

    private static byte ToLower(byte value) => (uint)(value - 'A') <= 'Z' - 'A' ? (byte)(value | 0x20) : value;
}
