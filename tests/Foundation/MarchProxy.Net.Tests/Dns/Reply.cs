using System.Buffers.Binary;
using System.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

/// <summary>Builds a response to a query, right or wrong, as a server would send it.</summary>
internal sealed class Reply
{
    private readonly List<byte> _bytes;

    private Reply(ReadOnlySpan<byte> header, ReadOnlySpan<byte> question) => _bytes = [.. header, .. question];

    public static Reply To(byte[] query)
    {
        byte[] header = [query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
        return new Reply(header, query.AsSpan(12, QuestionLength(query)));
    }

    public static DnsType TypeOf(byte[] query) => (DnsType)query[12 + QuestionLength(query) - 3];

    public static string NameOf(byte[] query)
    {
        var labels = new List<string>();
        for (int at = 12; query[at] != 0; at += 1 + query[at]) labels.Add(System.Text.Encoding.ASCII.GetString(query, at + 1, query[at]));
        return string.Join('.', labels).ToLowerInvariant();
    }

    public static byte[] Name(string name)
    {
        var bytes = new List<byte>();
        foreach (string label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(System.Text.Encoding.ASCII.GetBytes(label));
        }

        return [.. bytes, 0];
    }

    public Reply Code(int code)
    {
        _bytes[3] = (byte)((_bytes[3] & 0xF0) | code);
        return this;
    }

    public Reply Truncated()
    {
        _bytes[2] |= 0x02;
        return this;
    }

    public Reply With(int offset, Func<byte, byte> change)
    {
        _bytes[offset] = change(_bytes[offset]);
        return this;
    }

    public Reply Address(string owner, string address, uint ttl = 60)
    {
        byte[] data = IPAddress.Parse(address).GetAddressBytes();
        return Record(6, Name(owner), data.Length == 4 ? DnsType.A : DnsType.Aaaa, ttl, data);
    }

    public Reply Alias(string owner, string target, uint ttl = 60) => Record(6, Name(owner), DnsType.Cname, ttl, Name(target));

    public Reply Soa(string zone, uint ttl, uint minimum)
    {
        byte[] numbers = new byte[20];
        BinaryPrimitives.WriteUInt32BigEndian(numbers.AsSpan(16), minimum);
        return Record(8, Name(zone), DnsType.Soa, ttl, [.. Name("ns"), .. Name("admin"), .. numbers]);
    }

    /// <summary>Appends a record as it is; answers before authorities.</summary>
    public Reply Record(int countAt, byte[] owner, DnsType type, uint ttl, byte[] data)
    {
        byte[] fields = new byte[10];
        BinaryPrimitives.WriteUInt16BigEndian(fields, (ushort)type);
        fields[3] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(fields.AsSpan(4), ttl);
        BinaryPrimitives.WriteUInt16BigEndian(fields.AsSpan(8), (ushort)data.Length);
        _bytes.AddRange([.. owner, .. fields, .. data]);
        if (++_bytes[countAt + 1] == 0) _bytes[countAt]++;
        return this;
    }

    public byte[] Build() => [.. _bytes];

    private static int QuestionLength(byte[] query)
    {
        int at = 12;
        while (query[at] != 0) at += 1 + query[at];
        return at + 5 - 12;
    }
}
