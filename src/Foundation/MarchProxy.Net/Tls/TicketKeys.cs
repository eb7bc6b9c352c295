using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MarchProxy.Net.Tls;

/// <summary>
/// The keys that session tickets are sealed with (RFC 5077, RFC 8446 section 4.6.1): one set for all listeners and loops of a process, so that a client resumes wherever it
/// lands. A new key every twelve hours; one opens tickets for twelve hours more, which outlives every ticket. Whoever takes a key opens only what it sealed.
/// </summary>
public sealed class TicketKeys
{
    internal const int NameBytes = 16, CipherBytes = 32, MacBytes = 32;
    private const int KeyBytes = NameBytes + CipherBytes + MacBytes, EntryBytes = 8 + KeyBytes;
    private static readonly TimeSpan s_seals = TimeSpan.FromHours(12), s_opens = TimeSpan.FromHours(24);
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private volatile TicketKey[] _keys;

    /// <summary>Makes a set.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="inherited">What <see cref="Export"/> gave in the process before this one; null, or anything else, for fresh keys.</param>
    public TicketKeys(TimeProvider time, string? inherited = null)
    {
        _time = time;
        _keys = Read(inherited, time.GetUtcNow());
        if (_keys.Length == 0) _keys = [TicketKey.New(time.GetUtcNow())];
    }

    /// <summary>The keys as a text, for the process after this one alone: who has them opens the tickets.</summary>
    public string Export()
    {
        TicketKey[] keys = _keys;
        byte[] bytes = new byte[keys.Length * EntryBytes];
        for (int i = 0; i < keys.Length; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(i * EntryBytes), keys[i].Made.ToUnixTimeMilliseconds());
            keys[i].Bytes.CopyTo(bytes.AsSpan((i * EntryBytes) + 8));
        }

        return Convert.ToBase64String(bytes);
    }

    /// <summary>The key that seals now.</summary>
    internal TicketKey Current
    {
        get
        {
            DateTimeOffset now = _time.GetUtcNow();
            TicketKey newest = _keys[0];
            return now - newest.Made < s_seals ? newest : Rotate(now);
        }
    }

    /// <summary>The key of a ticket, or null when it is none of ours or too old.</summary>
    internal TicketKey? Find(ReadOnlySpan<byte> name)
    {
        DateTimeOffset now = _time.GetUtcNow();
        foreach (TicketKey key in _keys)
        {
            if (now - key.Made < s_opens && key.Name.SequenceEqual(name)) return key;
        }

        return null;
    }

    private TicketKey Rotate(DateTimeOffset now)
    {
        lock (_lock)
        {
            if (now - _keys[0].Made < s_seals) return _keys[0];
            var fresh = TicketKey.New(now);
            _keys = [fresh, .. _keys.Where(k => now - k.Made < s_opens)];
            return fresh;
        }
    }

    private static TicketKey[] Read(string? text, DateTimeOffset now)
    {
        byte[] bytes = new byte[64 * EntryBytes];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out int length) || length % EntryBytes != 0) return [];
        return
        [
            .. Enumerable.Range(0, length / EntryBytes).Select(i => bytes.AsMemory(i * EntryBytes, EntryBytes))
                .Select(e => new TicketKey(DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(e.Span)), e[8..].ToArray()))
                .Where(k => now - k.Made < s_opens),
        ];
    }
}

/// <summary>One key: a name that tickets carry, a cipher key and a MAC key.</summary>
internal sealed class TicketKey(DateTimeOffset made, byte[] bytes)
{
    public DateTimeOffset Made => made;

    public byte[] Bytes => bytes;

    public ReadOnlySpan<byte> Name => bytes.AsSpan(0, TicketKeys.NameBytes);

    public ReadOnlySpan<byte> Cipher => bytes.AsSpan(TicketKeys.NameBytes, TicketKeys.CipherBytes);

    public ReadOnlySpan<byte> Mac => bytes.AsSpan(TicketKeys.NameBytes + TicketKeys.CipherBytes, TicketKeys.MacBytes);

    public static TicketKey New(DateTimeOffset now) => new(now, RandomNumberGenerator.GetBytes(TicketKeys.NameBytes + TicketKeys.CipherBytes + TicketKeys.MacBytes));
}
