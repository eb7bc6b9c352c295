using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Model.Addresses;

/// <summary>Host names as the policy compares them, and the address literals that hide among them.</summary>
public static class HostName
{
    private static readonly IdnMapping s_idn = new() { AllowUnassigned = false, UseStd3AsciiRules = true };

    /// <summary>The longest name, RFC 1035 section 2.3.4, without its trailing dot.</summary>
    public const int MaxLength = 253;

    /// <summary>Lower case, Punycode, no trailing dot (RFC 1123, RFC 5891).</summary>
    /// <param name="text">A name as written.</param>
    /// <param name="normalised">The name as compared.</param>
    public static bool TryNormalise(string text, out string normalised)
    {
        normalised = "";
        if (text.Length is 0 or > 512) return false;
        if (text.Any(c => c > 0x7E))
        {
            try
            {
                text = s_idn.GetAscii(text);
            }
            catch (ArgumentException)
            {
                return false;
            }
        }

        Span<char> buffer = stackalloc char[MaxLength];
        if (!TryNormaliseAscii(text, buffer, out int length)) return false;
        normalised = buffer[..length].ToString();
        return true;
    }

    /// <summary>The same for ASCII names, into a buffer: no allocation.</summary>
    /// <param name="text">A name as written.</param>
    /// <param name="buffer">At least <see cref="MaxLength"/> characters.</param>
    /// <param name="length">Characters written.</param>
    public static bool TryNormaliseAscii(ReadOnlySpan<char> text, Span<char> buffer, out int length)
    {
        length = 0;
        if (text.EndsWith('.')) text = text[..^1];
        if (text.IsEmpty || text.Length > MaxLength) return false;
        int label = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = char.ToLowerInvariant(text[i]);
            if (c == '.')
            {
                if (label is 0 or > 63 || buffer[i - 1] == '-') return false;
                label = 0;
            }
            else if (c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_' || (c == '-' && label > 0))
            {
                label++;
            }
            else
            {
                return false;
            }

            buffer[i] = c;
        }

        length = text.Length;
        return label is > 0 and <= 63 && buffer[length - 1] != '-';
    }

    /// <summary>
    /// Whether a host is an IPv4 address in some notation that inet_aton reads (octal, hexadecimal, fewer parts) but RFC 3986 does not: such
    /// a host is refused, since the next reader may take it for an address that the policy did not see.
    /// </summary>
    /// <param name="host">A host, not empty.</param>
    public static bool LooksLikeAddress(ReadOnlySpan<char> host)
    {
        // WHATWG URL section 3.5: a host whose last label is a number is an IPv4 address.
        if (host.EndsWith('.')) host = host[..^1];
        ReadOnlySpan<char> last = host[(host.LastIndexOf('.') + 1)..];
        if (last.IsEmpty) return false;
        if (last.Length > 1 && last[0] == '0' && (last[1] | 0x20) == 'x') return last[2..].IndexOfAnyExceptInRange('0', 'f') < 0;
        return last.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    /// <summary>Reads an address in its one standard notation: dotted decimal of four parts, or RFC 4291.</summary>
    /// <param name="text">A host.</param>
    /// <param name="address">The address.</param>
    public static bool TryParseAddress(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (!IPAddress.TryParse(text, out address)) return false;
        if (address.AddressFamily == AddressFamily.InterNetworkV6) return !text.Contains('%');
        Span<char> canonical = stackalloc char[16];
        return address.TryFormat(canonical, out int length) && text.SequenceEqual(canonical[..length]);
    }
}
