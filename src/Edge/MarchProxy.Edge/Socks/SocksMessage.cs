using System.Buffers.Binary;
using System.Net;
using MarchProxy.Edge.Egress;
using MarchProxy.Net;

namespace MarchProxy.Edge.Socks;

/// <summary>The commands of SOCKS5 (RFC 1928 section 4).</summary>
internal enum SocksCommand : byte
{
    /// <summary>A TCP connection.</summary>
    Connect = 1,

    /// <summary>A port to be called at; not offered.</summary>
    Bind = 2,

    /// <summary>Datagrams.</summary>
    UdpAssociate = 3,
}

/// <summary>The answers of SOCKS5 (RFC 1928 section 6).</summary>
internal enum SocksReply : byte
{
    /// <summary>It was done.</summary>
    Succeeded = 0,

    /// <summary>The proxy failed.</summary>
    GeneralFailure = 1,

    /// <summary>The policy says no.</summary>
    NotAllowed = 2,

    /// <summary>No route there.</summary>
    NetworkUnreachable = 3,

    /// <summary>No such host, or it does not answer.</summary>
    HostUnreachable = 4,

    /// <summary>Nobody listens there.</summary>
    ConnectionRefused = 5,

    /// <summary>It did not answer in time.</summary>
    TtlExpired = 6,

    /// <summary>A command that is not offered.</summary>
    CommandNotSupported = 7,

    /// <summary>An address of a kind that is not known.</summary>
    AddressTypeNotSupported = 8,
}

/// <summary>A destination as SOCKS5 writes it: kind, address, port (RFC 1928 section 5).</summary>
internal static class SocksAddress
{
    private const byte IPv4 = 1, Name = 3, IPv6 = 4;

    /// <summary>How long the destination at the start of some bytes is.</summary>
    /// <returns>Its length; 0 when more bytes are needed to tell; -1 when its kind is not known.</returns>
    public static int Length(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return 0;
        return bytes[0] switch
        {
            IPv4 => 1 + 4 + 2,
            IPv6 => 1 + 16 + 2,
            Name => bytes.Length < 2 ? 0 : bytes[1] == 0 ? -1 : 1 + 1 + bytes[1] + 2,
            _ => -1,
        };
    }

    /// <summary>Gives a whole destination to a gate.</summary>
    /// <param name="bytes">Exactly the destination.</param>
    /// <param name="gate">The gate.</param>
    /// <returns>False when it is no name.</returns>
    public static bool Give(ReadOnlySpan<byte> bytes, EgressGate gate)
    {
        int port = BinaryPrimitives.ReadUInt16BigEndian(bytes[^2..]);
        if (bytes[0] == Name) return gate.SetDestination(bytes[2..^2], isIPv6: false, port) && port > 0;
        var address = new IPAddress(bytes[1..^2]);
        gate.SetDestination(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
        return port > 0;
    }

    /// <summary>Writes an endpoint.</summary>
    /// <returns>Bytes written, at most 19.</returns>
    public static int Write(Span<byte> to, in Endpoint endpoint)
    {
        IPAddress address = endpoint.Address ?? IPAddress.Any;
        to[0] = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? IPv6 : IPv4;
        address.TryWriteBytes(to[1..], out int length);
        BinaryPrimitives.WriteUInt16BigEndian(to[(1 + length)..], endpoint.Port);
        return 1 + length + 2;
    }
}
