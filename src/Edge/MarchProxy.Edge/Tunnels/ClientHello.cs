using System.Buffers.Binary;
using System.Text;

namespace MarchProxy.Edge.Tunnels;

/// <summary>What the first bytes of a stream are.</summary>
internal enum HelloStatus
{
    /// <summary>More bytes are needed to tell.</summary>
    NeedMore,

    /// <summary>A whole ClientHello.</summary>
    Hello,

    /// <summary>It is no TLS.</summary>
    NotTls,

    /// <summary>It begins as TLS and then is none, or is larger than any client sends.</summary>
    Malformed,
}

/// <summary>
/// Reads the server name from a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), however it is cut into records. With an encrypted ClientHello the
/// name is the outer one, which is all that anybody but the server sees.
/// </summary>
internal static class ClientHello
{
    /// <summary>Bytes that a hello may have, records and all: key shares of post-quantum groups included, none comes near.</summary>
    public const int MaxBytes = 16 << 10;

    private const byte HandshakeRecord = 22, HelloMessage = 1;
    private const int MaxRecord = 1 << 14;

    /// <summary>Reads.</summary>
    /// <param name="bytes">The stream so far.</param>
    /// <param name="serverName">The name as it was sent, lower-cased; empty when there is none.</param>
    public static HelloStatus Read(ReadOnlySpan<byte> bytes, out string serverName)
    {
        serverName = "";
        if (bytes.IsEmpty) return HelloStatus.NeedMore;
        if (bytes[0] != HandshakeRecord || (bytes.Length > 1 && bytes[1] != 3)) return HelloStatus.NotTls;
        byte[] handshake = System.Buffers.ArrayPool<byte>.Shared.Rent(MaxBytes);
        try
        {
            int length = 0;
            while (true)
            {
                // The handshake's own length is in its first four bytes, which may come in records of one byte each.
                int whole = length < 4 ? int.MaxValue : 4 + ((handshake[1] << 16) | BinaryPrimitives.ReadUInt16BigEndian(handshake.AsSpan(2)));
                if (length > 0 && handshake[0] != HelloMessage) return HelloStatus.Malformed;
                if (whole != int.MaxValue && whole > MaxBytes) return HelloStatus.Malformed;
                if (length >= whole) return Hello(handshake.AsSpan(4, whole - 4), out serverName) ? HelloStatus.Hello : HelloStatus.Malformed;
                if (bytes.Length < 5) return HelloStatus.NeedMore;
                if (bytes[0] != HandshakeRecord || bytes[1] != 3) return HelloStatus.Malformed;
                int record = BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
                if (record is 0 or > MaxRecord) return HelloStatus.Malformed;
                int there = Math.Min(record, bytes.Length - 5);
                if (length + there > MaxBytes) return HelloStatus.Malformed;
                bytes.Slice(5, there).CopyTo(handshake.AsSpan(length));
                length += there;
                bytes = there < record ? default : bytes[(5 + record)..];
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(handshake);
        }
    }

    private static bool Hello(ReadOnlySpan<byte> hello, out string serverName)
    {
        serverName = "";
        if (hello.Length < 34) return false;
        ReadOnlySpan<byte> rest = hello[34..];
        if (!Take(ref rest, 1, out _) || !Take(ref rest, 2, out _) || !Take(ref rest, 1, out _)) return false;

        // Before extensions there were none.
        if (rest.IsEmpty) return true;
        if (!Take(ref rest, 2, out ReadOnlySpan<byte> extensions) || !rest.IsEmpty) return false;
        bool found = false;
        while (!extensions.IsEmpty)
        {
            if (extensions.Length < 4) return false;
            ushort type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!Take(ref extensions, 2, out ReadOnlySpan<byte> extension)) return false;
            if (type != 0) continue;

            // Two of them: a server may read another than we did.
            if (found || !Name(extension, out serverName)) return false;
            found = true;
        }

        return true;
    }

    private static bool Name(ReadOnlySpan<byte> extension, out string name)
    {
        name = "";
        if (!Take(ref extension, 2, out ReadOnlySpan<byte> list) || !extension.IsEmpty || list.IsEmpty || list[0] != 0) return false;
        list = list[1..];
        if (!Take(ref list, 2, out ReadOnlySpan<byte> host) || !list.IsEmpty || host.Length is 0 or > 255) return false;
        foreach (byte b in host)
        {
            if (b is <= 32 or >= 127) return false;
        }

        name = Encoding.ASCII.GetString(host).ToLowerInvariant();
        return true;
    }

    /// <summary>Takes a vector with a length of one or two bytes before it.</summary>
    private static bool Take(ref ReadOnlySpan<byte> from, int lengthBytes, out ReadOnlySpan<byte> vector)
    {
        vector = default;
        if (from.Length < lengthBytes) return false;
        int length = lengthBytes == 1 ? from[0] : BinaryPrimitives.ReadUInt16BigEndian(from);
        if (from.Length - lengthBytes < length) return false;
        vector = from.Slice(lengthBytes, length);
        from = from[(lengthBytes + length)..];
        return true;
    }
}
