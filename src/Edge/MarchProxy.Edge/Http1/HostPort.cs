using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// <c>uri-host [ ":" port ]</c> (RFC 9110 section 7.2) by its offsets. Stricter than RFC 3986: names hold letters, digits,
/// <c>-</c>, <c>.</c> and <c>_</c>, a colon is followed by a port, a port is 1–65535 without leading zeros; a policy
/// must not have to guess what <c>a%2Eb</c> or <c>a:</c> means to the next party.
/// </summary>
/// <param name="Host">The name or address; an IPv6 address without its brackets.</param>
/// <param name="Port">1–65535, or 0 when none is given.</param>
/// <param name="IsIPv6">The host stood in brackets.</param>
internal readonly record struct HostPort(ByteRange Host, int Port, bool IsIPv6)
{
    public static bool TryParse(ReadOnlySpan<byte> buffer, ByteRange range, out HostPort parsed)
    {
        parsed = default;
        ReadOnlySpan<byte> text = range.In(buffer);
        if (text.IsEmpty) return false;
        bool ipv6 = text[0] == '[';
        int start = ipv6 ? 1 : 0;
        int end = ipv6 ? AsciiSet.IPv6.IndexOfOther(text, 1) : AsciiSet.HostName.IndexOfOther(text, 0);
        if (end == start) return false;
        int colon = end;
        if (ipv6)
        {
            if (end == text.Length || text[end] != ']') return false;
            colon++;
        }

        int port = 0;
        if (colon < text.Length && (text[colon] != ':' || !TryParsePort(text[(colon + 1)..], out port))) return false;
        parsed = new HostPort(new ByteRange(range.Start + start, end - start), port, ipv6);
        return true;
    }

    /// <summary>Whether both name the same host, and the same port once <paramref name="defaultPort"/> fills the gaps.</summary>
    public bool Names(ReadOnlySpan<byte> buffer, HostPort other, int defaultPort) =>
        IsIPv6 == other.IsIPv6
        && (Port == 0 ? defaultPort : Port) == (other.Port == 0 ? defaultPort : other.Port)
        && Ascii.EqualsIgnoreCase(Host.In(buffer), other.Host.In(buffer));

    private static bool TryParsePort(ReadOnlySpan<byte> digits, out int port)
    {
        port = 0;
        if (digits.Length is 0 or > 5 || digits[0] == '0') return false;
        foreach (byte digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit)) return false;
            port = port * 10 + (digit - '0');
        }

        return port <= 65535;
    }
}
