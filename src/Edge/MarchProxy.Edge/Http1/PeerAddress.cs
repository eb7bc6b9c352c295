using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Edge.Http1;

/// <summary>A client's address as header fields spell it; one per connection, written once at accept.</summary>
internal sealed class PeerAddress
{
    // "[" + 45 characters of an IPv6 address + "]", in quotes, with room for a zone that is cut off.
    private readonly byte[] _text = new byte[80];
    private int _length;
    private bool _ipv6;

    /// <summary>The bare address, as X-Forwarded-For lists it.</summary>
    public ReadOnlySpan<byte> Address => _text.AsSpan(2, _length);

    /// <summary>The node of a Forwarded element (RFC 7239 section 6): an IPv6 address is bracketed and quoted.</summary>
    public ReadOnlySpan<byte> Node => _ipv6 ? _text.AsSpan(0, _length + 4) : Address;

    /// <summary>Takes over the address; IPv4 in IPv6 is written as IPv4, a zone is left out.</summary>
    public void Set(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        _ipv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        "\"["u8.CopyTo(_text);
        address.TryFormat(_text.AsSpan(2), out int length);
        int zone = _text.AsSpan(2, length).IndexOf((byte)'%');
        _length = zone < 0 ? length : zone;
        "]\""u8.CopyTo(_text.AsSpan(2 + _length));
    }
}
