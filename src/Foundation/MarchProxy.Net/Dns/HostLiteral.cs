using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Net.Dns;

/// <summary>IP addresses in the place of a name.</summary>
internal static class HostLiteral
{
    /// <summary>
    /// Reads an IPv4 address of four decimal numbers without leading zeros, or an IPv6 address with or without brackets. Other ways to
    /// write an IPv4 address (<c>127.1</c>, <c>0x7f000001</c>) are not read, as not everybody reads them alike.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> host, [NotNullWhen(true)] out IPAddress? address)
    {
        if (host is ['[', .. var inner, ']']) return TryParseV6(inner, out address);
        if (host.Contains(':')) return TryParseV6(host, out address);
        Span<char> canonical = stackalloc char[64];
        return IPAddress.TryParse(host, out address)
            && address.TryFormat(canonical, out int length)
            && host.SequenceEqual(canonical[..length]);
    }

    private static bool TryParseV6(ReadOnlySpan<char> host, [NotNullWhen(true)] out IPAddress? address)
    {
        if (host.ContainsAny('[', ']') || !IPAddress.TryParse(host, out address) || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            address = null;
            return false;
        }

        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return true;
    }
}
