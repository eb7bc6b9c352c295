using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Net.Dns;

public static partial class DnsMessage
{
    /// <summary>Aliases followed from the question to an address.</summary>
    public const int MaxAliases = 8;

    /// <summary>Records read from one response; what needs more is no answer to a question for an address.</summary>
    public const int MaxRecords = 512;

    private const int MaxTtl = 86_400;
    private const int MaxNegativeTtl = 300;

    /// <summary>
    /// Reads a response. Only what answers the question counts: the id, the direction and the question must match, and only A, AAAA and
    /// CNAME records on the way from the question's name are looked at; all else in the message is ignored (RFC 5452).
    /// </summary>
    /// <param name="query">The query that was sent, as <see cref="WriteQuery"/> wrote it.</param>
    /// <param name="response">What came back, from where the query was sent.</param>
    /// <param name="style">The style of the query; with MixedCase the question's case must match, too.</param>
    public static DnsReply Parse(ReadOnlySpan<byte> query, ReadOnlySpan<byte> response, DnsQueryStyle style)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxWire];
        int typeAt = DnsName.Read(query, HeaderSize, name, out int nameLength);
        if (typeAt < 0 || typeAt + 4 > query.Length) return DnsReply.Of(DnsReplyStatus.NotMine);
        ReadOnlySpan<byte> question = query[HeaderSize..(typeAt + 4)];
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(query[typeAt..]);

        DnsReplyStatus status = ReadHeader(query, question, response, style);
        if (status is not (DnsReplyStatus.Ok or DnsReplyStatus.NxDomain)) return DnsReply.Of(status);

        Span<DnsRecord> records = stackalloc DnsRecord[MaxRecords];
        int total = ReadRecords(response, HeaderSize + question.Length, records, out int answers);
        if (total < 0) return DnsReply.Of(DnsReplyStatus.Malformed);
        return Follow(response, records[..answers], records[answers..total], name, nameLength, type, status);
    }

    private static DnsReplyStatus ReadHeader(
        ReadOnlySpan<byte> query, ReadOnlySpan<byte> question, ReadOnlySpan<byte> response, DnsQueryStyle style)
    {
        // RFC 1035 section 4.1.1: QR must be set, OPCODE zero, and the id ours.
        if (response.Length < HeaderSize || !response[..2].SequenceEqual(query[..2])) return DnsReplyStatus.NotMine;
        if ((response[2] & 0xF8) != 0x80) return DnsReplyStatus.NotMine;
        int code = response[3] & 0x0F;
        int questions = BinaryPrimitives.ReadUInt16BigEndian(response[4..]);

        // A server that could not read the query may not be able to repeat its question.
        if (code == 1 && questions == 0) return DnsReplyStatus.FormatError;
        if (questions != 1 || response.Length < HeaderSize + question.Length) return DnsReplyStatus.NotMine;
        ReadOnlySpan<byte> echo = response.Slice(HeaderSize, question.Length);
        bool same = DnsName.EqualsIgnoreCase(echo[..^4], question[..^4]) && echo[^4..].SequenceEqual(question[^4..]);
        if (!same) return DnsReplyStatus.NotMine;
        if (style == DnsQueryStyle.MixedCase && !echo.SequenceEqual(question)) return DnsReplyStatus.CaseChanged;
        if ((response[2] & 0x02) != 0) return DnsReplyStatus.Truncated;
        return code switch
        {
            0 => DnsReplyStatus.Ok,
            1 => DnsReplyStatus.FormatError,
            3 => DnsReplyStatus.NxDomain,
            _ => DnsReplyStatus.ServerFailure,
        };
    }

    /// <summary>Finds the records of the answer and authority sections; the additional section is never looked at.</summary>
    /// <returns>How many there are, or -1 if the message is malformed.</returns>
    private static int ReadRecords(ReadOnlySpan<byte> response, int at, Span<DnsRecord> records, out int answers)
    {
        answers = BinaryPrimitives.ReadUInt16BigEndian(response[6..]);
        int total = answers + BinaryPrimitives.ReadUInt16BigEndian(response[8..]);
        if (total > records.Length) return -1;
        Span<byte> owner = stackalloc byte[DnsName.MaxWire];
        for (int i = 0; i < total; i++)
        {
            int start = at;
            at = DnsName.Read(response, at, owner, out _);
            if (at < 0 || at + 10 > response.Length) return -1;
            ReadOnlySpan<byte> fields = response.Slice(at, 10);
            int size = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            at += 10;
            if (at + size > response.Length) return -1;
            bool known = BinaryPrimitives.ReadUInt16BigEndian(fields[2..]) == ClassIn;
            DnsType type = known ? (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields) : default;

            // RFC 2181 section 8: a TTL with its highest bit set is zero.
            int ttl = Math.Max(BinaryPrimitives.ReadInt32BigEndian(fields[4..]), 0);
            records[i] = new DnsRecord(start, type, ttl, at, size);
            at += size;
        }

        return total;
    }

    /// <summary>Follows the aliases from the question's name to addresses of the type asked for (RFC 1034 section 3.6.2).</summary>
    private static DnsReply Follow(
        ReadOnlySpan<byte> response, ReadOnlySpan<DnsRecord> answers, ReadOnlySpan<DnsRecord> authority,
        Span<byte> name, int nameLength, DnsType type, DnsReplyStatus status)
    {
        int ttl = MaxTtl;
        ImmutableArray<IPAddress>.Builder addresses = ImmutableArray.CreateBuilder<IPAddress>();
        Span<byte> owner = stackalloc byte[DnsName.MaxWire];
        for (int aliases = 0; aliases <= MaxAliases; aliases++)
        {
            DnsRecord? alias = null;
            foreach (DnsRecord record in answers)
            {
                if (record.Type != type && record.Type != DnsType.Cname) continue;
                DnsName.Read(response, record.Owner, owner, out int length);
                if (!owner[..length].SequenceEqual(name[..nameLength])) continue;
                if (record.Type == type)
                {
                    if (record.Size != (type == DnsType.A ? 4 : 16)) return DnsReply.Of(DnsReplyStatus.Malformed);
                    addresses.Add(ToAddress(response.Slice(record.Data, record.Size)));
                    ttl = Math.Min(ttl, record.Ttl);
                }
                else
                {
                    alias ??= record;
                }
            }

            if (addresses.Count > 0 && status == DnsReplyStatus.Ok) return new DnsReply(status, addresses.ToImmutable(), Math.Max(ttl, 1));
            if (alias is not { } next)
            {
                if (status == DnsReplyStatus.Ok) status = DnsReplyStatus.NoData;
                ttl = Math.Min(ttl, NegativeTtl(response, authority, name[..nameLength]));
                return DnsReply.Of(status, Math.Clamp(ttl, 1, MaxNegativeTtl));
            }

            ttl = Math.Min(ttl, next.Ttl);
            int end = DnsName.Read(response, next.Data, name, out nameLength);
            if (end != next.Data + next.Size) return DnsReply.Of(DnsReplyStatus.Malformed);
        }

        return DnsReply.Of(DnsReplyStatus.Malformed);
    }

    /// <summary>The lesser of the SOA's TTL and its MINIMUM field (RFC 2308 section 5), zero without an SOA for the name.</summary>
    private static int NegativeTtl(ReadOnlySpan<byte> response, ReadOnlySpan<DnsRecord> authority, ReadOnlySpan<byte> name)
    {
        Span<byte> zone = stackalloc byte[DnsName.MaxWire];
        foreach (DnsRecord record in authority)
        {
            if (record.Type != DnsType.Soa || record.Size < 22) continue;
            DnsName.Read(response, record.Owner, zone, out int length);
            if (!DnsName.IsWithin(name, zone[..length])) continue;
            int minimum = BinaryPrimitives.ReadInt32BigEndian(response.Slice(record.Data + record.Size - 4, 4));
            return Math.Min(record.Ttl, Math.Max(minimum, 0));
        }

        return 0;
    }

    private static IPAddress ToAddress(ReadOnlySpan<byte> bytes)
    {
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
