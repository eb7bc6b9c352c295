using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Field names and values between HTTP/2 and lines of HTTP/1.1.</summary>
internal static class FieldText
{
    private static readonly byte[][] s_lower = [.. Enum.GetValues<KnownHeader>().Select(id => Encoding.ASCII.GetBytes(KnownHeaders.NameOf(id)))];

    /// <summary>A token in lower case (RFC 9113 section 8.2.1).</summary>
    public static bool IsName(ReadOnlySpan<byte> name) => AsciiSet.Token.IndexOfOther(name, 0) == name.Length && !name.ContainsAnyInRange((byte)'A', (byte)'Z');

    /// <summary>Whether a value begins or ends with white space (RFC 9113 section 8.2.1).</summary>
    public static bool HasBlankEnds(ReadOnlySpan<byte> value) => !value.IsEmpty && (value[0] is (byte)' ' or (byte)'\t' || value[^1] is (byte)' ' or (byte)'\t');

    /// <summary>A number of at most 18 digits and nothing else; negative when it is none.</summary>
    public static long Number(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is 0 or > 18) return -1;
        long number = 0;
        foreach (byte digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit)) return -1;
            number = (number * 10) + (digit - '0');
        }

        return number;
    }

    /// <summary>The name of a known field.</summary>
    public static ReadOnlySpan<byte> NameOf(KnownHeader id) => s_lower[(int)id];

    /// <summary>Takes the next line off a section of lines, each with its CRLF.</summary>
    public static bool Next(ref ReadOnlySpan<byte> lines, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        int end = lines.IndexOf("\r\n"u8);
        if (end <= 0) return false;
        ReadOnlySpan<byte> line = lines[..end];
        lines = lines[(end + 2)..];
        int colon = line.IndexOf((byte)':');
        if (colon <= 0) return false;
        name = line[..colon];
        value = line[(colon + 1)..].Trim(" \t"u8);
        return true;
    }
}
