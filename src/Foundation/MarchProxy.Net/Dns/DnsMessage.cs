using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MarchProxy.Net.Dns;

/// <summary>Queries and responses on the wire (RFC 1035 section 4). Pure: spans in, status out, no exceptions.</summary>
public static partial class DnsMessage
{
    /// <summary>Bytes that hold any query: header, longest name, type and class, EDNS record.</summary>
    public const int MaxQuery = HeaderSize + DnsName.MaxWire + 4 + OptSize;

    /// <summary>The UDP payload that a query allows: what passes everywhere without fragments (DNS flag day 2020).</summary>
    public const int UdpPayload = 1232;

    private const int HeaderSize = 12;
    private const int OptSize = 11;
    private const ushort ClassIn = 1;

    /// <summary>Writes a query with recursion desired and a random id from the system's generator.</summary>
    /// <param name="destination">At least <see cref="MaxQuery"/> bytes.</param>
    /// <param name="name">An absolute name, with or without its trailing dot.</param>
    /// <param name="type">A or AAAA.</param>
    /// <param name="style">See <see cref="DnsQueryStyle"/>.</param>
    /// <returns>Bytes written; 0 if <paramref name="name"/> is no valid name.</returns>
    public static int WriteQuery(Span<byte> destination, ReadOnlySpan<char> name, DnsType type, DnsQueryStyle style)
    {
        if (destination.Length < MaxQuery) return 0;
        int length = DnsName.Encode(name, destination[HeaderSize..]);
        if (length == 0) return 0;
        Span<byte> random = stackalloc byte[2 + DnsName.MaxWire];
        RandomNumberGenerator.Fill(random);
        Span<byte> header = destination[..HeaderSize];
        header.Clear();
        random[..2].CopyTo(header);
        header[2] = 0x01; // RD
        header[5] = 1; // QDCOUNT
        SetCase(destination.Slice(HeaderSize, length), random[2..], style == DnsQueryStyle.MixedCase);
        int at = HeaderSize + length;
        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(at + 2)..], ClassIn);
        at += 4;
        if (style == DnsQueryStyle.Plain) return at;

        // RFC 6891 section 6.1.2: root name, type OPT, the payload in the place of the class, no flags, no options.
        header[11] = 1; // ARCOUNT
        Span<byte> opt = destination.Slice(at, OptSize);
        opt.Clear();
        opt[2] = (byte)DnsType.Opt;
        BinaryPrimitives.WriteUInt16BigEndian(opt[3..], UdpPayload);
        return at + OptSize;
    }

    private static void SetCase(Span<byte> wire, ReadOnlySpan<byte> random, bool mixed)
    {
        for (int i = 0; i < wire.Length; i++)
        {
            if (!char.IsAsciiLetter((char)wire[i])) continue;
            wire[i] = (byte)(wire[i] | 0x20);
            if (mixed && (random[i] & 1) != 0) wire[i] ^= 0x20;
        }
    }
}
