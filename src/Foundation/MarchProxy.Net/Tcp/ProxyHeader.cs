using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MarchProxy.Net.Tcp;

/// <summary>The PROXY protocol (haproxy.org/download/2.9/doc/proxy-protocol.txt): who the client is, told by a hop before us, in text (v1) or binary (v2).</summary>
public static class ProxyHeader
{
    /// <summary>Bytes that a header may have: v1 has at most 107; v2 as many as it says, of which more than this is nobody's.</summary>
    public const int MaxBytes = 4096;

    private static ReadOnlySpan<byte> Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">The stream so far.</param>
    /// <param name="client">The client; default when the hop speaks for itself (LOCAL, UNKNOWN).</param>
    /// <returns>The header's length; 0 when more bytes are needed; -1 when it is none.</returns>
    public static int Read(ReadOnlySpan<byte> bytes, out Endpoint client)
    {
        client = default;
        int common = Math.Min(bytes.Length, Signature.Length);
        if (bytes[..common].SequenceEqual(Signature[..common])) return bytes.Length < 16 ? 0 : Binary(bytes, out client);
        ReadOnlySpan<byte> start = "PROXY "u8;
        common = Math.Min(bytes.Length, start.Length);
        return bytes[..common].SequenceEqual(start[..common]) ? Text(bytes, out client) : -1;
    }

    /// <summary>Takes the header off a fresh connection, exactly, so that what comes behind it finds its own first byte; from then on the connection's remote end is the client that it tells of.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="timeoutMs">For the header to come.</param>
    /// <returns>Null, or the reason code why there is none.</returns>
    public static async ValueTask<string?> TakeAsync(TcpConnection connection, long timeoutMs)
    {
        byte[] buffer = new byte[MaxBytes];
        for (int seen = 0; ;)
        {
            int n = await connection.PeekAsync(buffer, seen, timeoutMs);
            if (n < 0 || n == seen) return n == -Errno.ETIMEDOUT ? "proxy-header-timeout" : "client-left";
            seen = n;
            int length = Read(buffer.AsSpan(0, seen), out Endpoint told);
            if (length == 0 && seen < buffer.Length) continue;
            if (length <= 0 || connection.TryReceive(buffer.AsSpan(0, length)) != length) return "proxy-header-missing";
            if (told != default) connection.SetRemote(told);
            return null;
        }
    }

    /// <summary>A v2 header as bytes.</summary>
    /// <param name="client">The client.</param>
    /// <param name="local">Where it came in.</param>
    public static byte[] Make(in Endpoint client, in Endpoint local)
    {
        Span<byte> header = stackalloc byte[64];
        return header[..Write(header, client, local)].ToArray();
    }

    /// <summary>Writes a v2 header for a TCP client.</summary>
    /// <param name="to">Where to, 52 bytes at least.</param>
    /// <param name="client">The client.</param>
    /// <param name="local">Where it came in.</param>
    /// <returns>Bytes written, at most 52.</returns>
    public static int Write(Span<byte> to, in Endpoint client, in Endpoint local)
    {
        Signature.CopyTo(to);
        IPAddress? from = client.Address, at = local.Address;
        bool known = from is not null && at is not null && from.AddressFamily == at.AddressFamily;
        to[12] = known ? (byte)0x21 : (byte)0x20;
        bool six = known && from!.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        to[13] = !known ? (byte)0 : six ? (byte)0x21 : (byte)0x11;
        int size = six ? 16 : 4, length = known ? (2 * size) + 4 : 0;
        BinaryPrimitives.WriteUInt16BigEndian(to[14..], (ushort)length);
        if (!known) return 16;
        from!.TryWriteBytes(to[16..], out _);
        at!.TryWriteBytes(to[(16 + size)..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(to[(16 + (2 * size))..], client.Port);
        BinaryPrimitives.WriteUInt16BigEndian(to[(18 + (2 * size))..], local.Port);
        return 16 + length;
    }

    // Section 2.2
    private static int Binary(ReadOnlySpan<byte> bytes, out Endpoint client)
    {
        client = default;
        int length = 16 + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if ((bytes[12] & 0xF0) != 0x20 || (bytes[12] & 0x0F) > 1 || length > MaxBytes) return -1;
        if (bytes.Length < length) return 0;
        if ((bytes[12] & 0x0F) == 0) return length;
        ReadOnlySpan<byte> addresses = bytes[16..length];
        switch (bytes[13] >> 4)
        {
            case 1 when addresses.Length >= 12:
                client = Endpoint.From(new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..]));
                return length;
            case 2 when addresses.Length >= 36:
                client = Endpoint.From(new IPAddress(addresses[..16]), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..]));
                return length;
            case 0 or 3:
                return length;
            default:
                return -1;
        }
    }

    // Section 2.1
    private static int Text(ReadOnlySpan<byte> bytes, out Endpoint client)
    {
        client = default;
        int end = bytes[..Math.Min(bytes.Length, 107)].IndexOf("\r\n"u8);
        if (end < 0) return bytes.Length < 107 ? 0 : -1;
        Span<Range> parts = stackalloc Range[7];
        ReadOnlySpan<char> line = Encoding.ASCII.GetString(bytes[..end]);
        int count = line.Split(parts, ' ');
        if (count >= 2 && line[parts[1]].SequenceEqual("UNKNOWN")) return end + 2;
        if (count != 6 || !IPAddress.TryParse(line[parts[2]], out IPAddress? address) || !ushort.TryParse(line[parts[4]], System.Globalization.NumberStyles.None, null, out ushort port)) return -1;
        bool six = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        if (!line[parts[1]].SequenceEqual(six ? "TCP6" : "TCP4")) return -1;
        client = Endpoint.From(address, port);
        return end + 2;
    }
}
