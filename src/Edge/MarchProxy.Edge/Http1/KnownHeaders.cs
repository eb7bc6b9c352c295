using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// Finds the <see cref="KnownHeader"/> of a field name by one perfect-hash probe: the name is taken as three 8-byte
/// words (first, second, last; they overlap in short names), lower-cased by setting bit 5, which among token
/// characters maps only letters onto letters of a known name.
/// </summary>
internal static class KnownHeaders
{
    private const int MinLength = 2;
    private const int MaxLength = 24;
    private const int SlotBits = 8;
    private const ulong Lower = 0x2020202020202020;

    private static readonly string[] s_names =
    [
        "", "host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te", "keep-alive",
        "proxy-connection", "proxy-authorization", "proxy-authenticate", "trailer", "via", "x-forwarded-for",
        "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "authorization", "www-authenticate",
        "cookie", "set-cookie", "date", "server", "content-type", "content-encoding", "content-range", "user-agent",
        "accept", "accept-encoding", "accept-language", "cache-control", "pragma", "range", "max-forwards",
        "x-request-id", "traceparent", "location", "etag", "last-modified", "age", "vary", "referer", "origin",
        "if-none-match", "if-modified-since", "proxy-status", "accept-ranges",
    ];

    private static readonly Entry[] s_entries = BuildEntries();
    private static readonly ulong s_multiplier = FindMultiplier();
    private static readonly byte[] s_slots = BuildSlots();

    /// <summary>The known field of this name, in any case; <paramref name="name"/> must be a valid token.</summary>
    public static KnownHeader Find(ReadOnlySpan<byte> name)
    {
        if ((uint)(name.Length - MinLength) > MaxLength - MinLength) return KnownHeader.Unknown;
        Entry key = Entry.Of(name);
        int index = s_slots[key.Slot(s_multiplier)];
        ref readonly Entry entry = ref s_entries[index];
        bool same = ((entry.First ^ key.First) | (entry.Second ^ key.Second) | (entry.Last ^ key.Last)) == 0 && entry.Length == key.Length;
        return same ? (KnownHeader)index : KnownHeader.Unknown;
    }

    /// <summary>The lower-case name of a known field.</summary>
    public static string NameOf(KnownHeader id) => s_names[(int)id];

    /// <summary>The bit that stands for a field in a set of known fields.</summary>
    public static ulong Bit(KnownHeader id) => 1UL << (int)id;

    /// <summary>The set of these fields.</summary>
    public static ulong Set(params ReadOnlySpan<KnownHeader> ids)
    {
        ulong set = 0;
        foreach (KnownHeader id in ids) set |= Bit(id);
        return set;
    }

    private static Entry[] BuildEntries()
    {
        var entries = new Entry[s_names.Length];
        for (int i = 1; i < entries.Length; i++) entries[i] = Entry.Of(System.Text.Encoding.ASCII.GetBytes(s_names[i]));
        return entries;
    }

    private static ulong FindMultiplier()
    {
        for (ulong multiplier = 0x9E3779B97F4A7C15; ; multiplier += 0x632BE59BD9B4E01A)
        {
            var taken = new HashSet<int>();
            if (s_entries.Skip(1).All(e => taken.Add(e.Slot(multiplier)))) return multiplier;
        }
    }

    private static byte[] BuildSlots()
    {
        byte[] slots = new byte[1 << SlotBits];
        for (int i = 1; i < s_entries.Length; i++) slots[s_entries[i].Slot(s_multiplier)] = (byte)i;
        return slots;
    }

    private readonly record struct Entry(ulong First, ulong Second, ulong Last, int Length)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Entry Of(ReadOnlySpan<byte> name)
        {
            int length = name.Length;
            ref byte start = ref MemoryMarshal.GetReference(name);
            if (length >= 8)
            {
                ulong first = Word(ref start, 0);
                ulong last = Word(ref start, length - 8);
                ulong second = length > 16 ? Word(ref start, 8) : last;
                return new Entry(first, second, last, length);
            }

            ulong word = Short(name) | Lower;
            return new Entry(word, word, word, length);
        }

        public int Slot(ulong multiplier) => (int)(((First ^ (Last << 1) ^ (ulong)Length) * multiplier) >> (64 - SlotBits));

        private static ulong Word(ref byte start, int offset) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, offset)) | Lower;

        private static ulong Short(ReadOnlySpan<byte> name)
        {
            if (name.Length >= 4)
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(name)
                    | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(name[^4..]) << 32);
            }

            return name[0] | ((ulong)name[1] << 8) | ((ulong)name[^1] << 16);
        }
    }
}
