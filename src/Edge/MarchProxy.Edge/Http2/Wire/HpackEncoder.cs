using System.Runtime.InteropServices;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>
/// Encodes field sections (RFC 7541 section 6). Fields that come again with the same value enter the table; those that hardly do, or are secret, never
/// (section 7.1.3). Huffman is spent on what enters the table, where it is paid once.
/// </summary>
internal sealed class HpackEncoder
{
    /// <summary>The table's size: the protocol's default, and nothing is gained by more (section 4.2).</summary>
    private const int TableSize = 4096;

    /// <summary>A field larger than this would push too much else out.</summary>
    private const int MaxIndexed = 512;

    private static readonly ulong s_secret = KnownHeaders.Set(KnownHeader.Authorization, KnownHeader.ProxyAuthorization, KnownHeader.SetCookie);

    private static readonly ulong s_fleeting = KnownHeaders.Set(
        KnownHeader.ContentLength, KnownHeader.ContentRange, KnownHeader.ETag, KnownHeader.LastModified, KnownHeader.Age, KnownHeader.Location, KnownHeader.Range,
        KnownHeader.IfNoneMatch, KnownHeader.IfModifiedSince, KnownHeader.XRequestId, KnownHeader.Traceparent, KnownHeader.Referer);

    private readonly HpackTable _table = new(TableSize);
    private int _announce = -1;

    /// <summary>Bytes that a field takes at most.</summary>
    public static int MaxLength(int name, int value) => name + value + 16;

    /// <summary>Takes over what the peer allows for the table; told to it with the next section.</summary>
    public void SetMaxTableSize(long size)
    {
        int now = (int)Math.Min(size, TableSize);
        if (now == _table.MaxSize) return;
        _table.Resize(now);
        _announce = now;
    }

    /// <summary>Begins a section.</summary>
    public int Begin(Span<byte> target)
    {
        if (_announce < 0) return 0;
        int written = HpackInteger.Write(target, 0x20, 5, _announce);
        _announce = -1;
        return written;
    }

    /// <summary>The field <c>:status</c>.</summary>
    public static int Status(Span<byte> target, int status)
    {
        int index = status switch { 200 => 8, 204 => 9, 206 => 10, 304 => 11, 400 => 12, 404 => 13, 500 => 14, _ => 0 };
        if (index > 0)
        {
            target[0] = (byte)(0x80 | index);
            return 1;
        }

        target[0] = 8;
        target[1] = 3;
        target[2] = (byte)('0' + (status / 100));
        target[3] = (byte)('0' + (status / 10 % 10));
        target[4] = (byte)('0' + (status % 10));
        return 5;
    }

    /// <summary>An entry of the static table, name and value.</summary>
    public static int Indexed(Span<byte> target, int index)
    {
        target[0] = (byte)(0x80 | index);
        return 1;
    }

    /// <summary>A field.</summary>
    /// <param name="target">Has room for <see cref="MaxLength"/>.</param>
    /// <param name="id">The name, when it is a known one.</param>
    /// <param name="staticName">The static table's entry with this name; zero for none.</param>
    /// <param name="name">The name in lower case.</param>
    /// <param name="value">The value.</param>
    /// <param name="fleeting">Whether it hardly comes again with this value.</param>
    public int Field(Span<byte> target, KnownHeader id, int staticName, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool fleeting = false)
    {
        ulong bit = id == KnownHeader.Unknown ? 0 : KnownHeaders.Bit(id);
        if ((bit & s_secret) != 0) return Literal(target, 0x10, 4, staticName, name, value, huffman: false);
        if (fleeting || (bit & s_fleeting) != 0 || name.Length + value.Length > MaxIndexed) return Literal(target, 0, 4, staticName, name, value, huffman: false);
        uint hash = Hash(name, value);
        int index = _table.Find(hash, name, value);
        if (index >= 0) return HpackInteger.Write(target, 0x80, 7, StaticTable.Count + 1 + index);
        if (_table.MaxSize == 0) return Literal(target, 0, 4, staticName, name, value, huffman: false);
        _table.Add(name, value, hash);
        return Literal(target, 0x40, 6, staticName, name, value, huffman: true);
    }

    private static int Literal(Span<byte> target, byte first, int prefix, int staticName, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool huffman)
    {
        int at = HpackInteger.Write(target, first, prefix, staticName);
        if (staticName == 0) at += Text(target[at..], name, huffman);
        return at + Text(target[at..], value, huffman);
    }

    private static int Text(Span<byte> target, ReadOnlySpan<byte> text, bool huffman)
    {
        int coded = huffman ? Huffman.EncodedLength(text) : int.MaxValue;
        if (coded < text.Length)
        {
            int head = HpackInteger.Write(target, 0x80, 7, coded);
            return head + Huffman.Encode(text, target[head..]);
        }

        int at = HpackInteger.Write(target, 0, 7, text.Length);
        text.CopyTo(target[at..]);
        return at + text.Length;
    }

    private static uint Hash(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        ulong hash = Mix((ulong)((name.Length << 16) ^ value.Length), name);
        hash = Mix(hash, value);
        uint folded = (uint)(hash >> 32) ^ (uint)hash;

        // Zero marks a slot that was never used.
        return folded | 1;
    }

    private static ulong Mix(ulong hash, ReadOnlySpan<byte> bytes)
    {
        const ulong prime = 0x9E3779B97F4A7C15;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes)) hash = ulong.RotateLeft((hash ^ word) * prime, 29);
        for (int i = bytes.Length & ~7; i < bytes.Length; i++) hash = (hash ^ bytes[i]) * prime;
        return hash ^ (hash >> 31);
    }
}
