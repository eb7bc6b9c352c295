using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using MarchProxy.Net.Interop;

namespace MarchProxy.Net;

/// <summary>
/// Where something listens or comes from: an IPv4 or IPv6 address with a port (and scope), or the path of a Unix socket. A value without
/// allocation for the IP kinds, comparable by value: the key of connection pools.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct Endpoint
{
    private readonly ulong _high, _low;
    private readonly uint _scope;

    private Endpoint(AddressFamily family, ulong high, ulong low, ushort port, uint scope, string? path)
    {
        Family = family;
        _high = high;
        _low = low;
        _scope = scope;
        Port = port;
        Path = path;
    }

    /// <summary>InterNetwork, InterNetworkV6 or Unix; Unspecified for a default value.</summary>
    public AddressFamily Family { get; }

    /// <summary>TCP or UDP port; zero for a Unix socket.</summary>
    public ushort Port { get; }

    /// <summary>The path of a Unix socket, else null.</summary>
    public string? Path { get; }

    /// <summary>Makes an endpoint of an address and a port. An IPv4-mapped IPv6 address becomes its IPv4 address.</summary>
    /// <param name="address">IPv4 or IPv6.</param>
    /// <param name="port">0–65535.</param>
    public static Endpoint From(IPAddress address, int port)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, 65535u, nameof(port));
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return FromBytes(bytes[..length], (ushort)port, length == 16 ? (uint)address.ScopeId : 0);
    }

    /// <summary>Makes an endpoint of the path of a Unix socket.</summary>
    /// <param name="path">At most 107 bytes in UTF-8, the kernel's limit.</param>
    public static Endpoint Unix(string path)
    {
        if (!IsUnixPath(path)) throw new ArgumentException("A Unix socket's path has 1 to 107 bytes, none of them NUL.", nameof(path));
        return new Endpoint(AddressFamily.Unix, 0, 0, 0, 0, path);
    }

    /// <summary>Reads <c>1.2.3.4:80</c>, <c>[::1]:80</c> or <c>unix:/path</c>. The port must be there, and an IPv6 address in brackets.</summary>
    /// <param name="text">What to read.</param>
    /// <param name="endpoint">The result.</param>
    public static bool TryParse(string text, out Endpoint endpoint)
    {
        endpoint = default;
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            if (!IsUnixPath(text[5..])) return false;
            endpoint = Unix(text[5..]);
            return true;
        }

        int colon = text.LastIndexOf(':');
        if (colon < 0 || (text.IndexOf(':', StringComparison.Ordinal) != colon && text[colon - 1] != ']')) return false;
        if (!IPEndPoint.TryParse(text, out IPEndPoint? ip)) return false;
        endpoint = From(ip.Address, ip.Port);
        return true;
    }

    private static bool IsUnixPath(string path) =>
        path.Length > 0 && !path.Contains('\0', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(path) <= 107;

    /// <summary>The address, or null for a Unix socket. Allocates.</summary>
    public IPAddress? Address
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            return Family switch
            {
                AddressFamily.InterNetwork => new IPAddress(bytes[..WriteAddress(bytes)]),
                AddressFamily.InterNetworkV6 => new IPAddress(bytes[..WriteAddress(bytes)], _scope),
                _ => null,
            };
        }
    }

    /// <summary>The same address with another port.</summary>
    /// <param name="port">0–65535.</param>
    public Endpoint WithPort(int port)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, 65535u, nameof(port));
        return new Endpoint(Family, _high, _low, (ushort)port, _scope, Path);
    }

    /// <summary>Writes the address in network order.</summary>
    /// <param name="bytes">At least 16 bytes.</param>
    /// <returns>4, 16, or 0 for a Unix socket.</returns>
    public int WriteAddress(Span<byte> bytes)
    {
        switch (Family)
        {
            case AddressFamily.InterNetwork:
                BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_low);
                return 4;
            case AddressFamily.InterNetworkV6:
                BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
                BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _low);
                return 16;
            default:
                return 0;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Family switch
    {
        AddressFamily.InterNetwork => string.Create(CultureInfo.InvariantCulture, $"{Address}:{Port}"),
        AddressFamily.InterNetworkV6 => string.Create(CultureInfo.InvariantCulture, $"[{Address}]:{Port}"),
        AddressFamily.Unix => "unix:" + Path,
        _ => "-",
    };

    internal static Endpoint FromBytes(ReadOnlySpan<byte> bytes, ushort port, uint scope)
    {
        if (bytes.Length == 4) return new Endpoint(AddressFamily.InterNetwork, 0, BinaryPrimitives.ReadUInt32BigEndian(bytes), port, 0, null);
        ulong high = BinaryPrimitives.ReadUInt64BigEndian(bytes), low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        return high == 0 && low >> 32 == 0xFFFF
            ? new Endpoint(AddressFamily.InterNetwork, 0, (uint)low, port, 0, null)
            : new Endpoint(AddressFamily.InterNetworkV6, high, low, port, scope, null);
    }

    /// <summary>Reads a <c>struct sockaddr</c>.</summary>
    internal static Endpoint FromSockAddr(ReadOnlySpan<byte> sockaddr)
    {
        if (sockaddr.Length < 2) return default;
        switch (BitConverter.ToUInt16(sockaddr))
        {
            case Constants.AF_INET when sockaddr.Length >= 8:
                return FromBytes(sockaddr.Slice(4, 4), BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]), 0);
            case Constants.AF_INET6 when sockaddr.Length >= 28:
                return FromBytes(sockaddr.Slice(8, 16), BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]), BitConverter.ToUInt32(sockaddr[24..]));
            case Constants.AF_UNIX:
                ReadOnlySpan<byte> path = sockaddr[2..];
                int end = path.IndexOf((byte)0);
                return new Endpoint(AddressFamily.Unix, 0, 0, 0, 0, Encoding.UTF8.GetString(end < 0 ? path : path[..end]));
            default:
                return default;
        }
    }

    /// <summary>Writes a <c>struct sockaddr</c>; at most 128 bytes.</summary>
    internal int ToSockAddr(Span<byte> sockaddr)
    {
        sockaddr.Clear();
        switch (Family)
        {
            case AddressFamily.InterNetwork:
                BitConverter.TryWriteBytes(sockaddr, (ushort)Constants.AF_INET);
                BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], Port);
                WriteAddress(sockaddr[4..]);
                return 16;
            case AddressFamily.InterNetworkV6:
                BitConverter.TryWriteBytes(sockaddr, (ushort)Constants.AF_INET6);
                BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], Port);
                WriteAddress(sockaddr[8..]);
                BitConverter.TryWriteBytes(sockaddr[24..], _scope);
                return 28;
            case AddressFamily.Unix:
                BitConverter.TryWriteBytes(sockaddr, (ushort)Constants.AF_UNIX);
                return 2 + Encoding.UTF8.GetBytes(Path, sockaddr[2..]) + 1;
            default:
                throw new InvalidOperationException("This endpoint names no address.");
        }
    }

    internal int SocketDomain => Family switch
    {
        AddressFamily.InterNetwork => Constants.AF_INET,
        AddressFamily.InterNetworkV6 => Constants.AF_INET6,
        AddressFamily.Unix => Constants.AF_UNIX,
        _ => throw new InvalidOperationException("This endpoint names no address."),
    };
}
