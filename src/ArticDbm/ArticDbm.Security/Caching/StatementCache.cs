using System.Numerics;
using System.Runtime.InteropServices;
using ArticDbm.Security.Caching;

namespace ArticDbm.Security;

/// <summary>
/// Reports by text, of one loop: a text that came before is looked up instead of read, and so is one that differs from it only in numbers that names are compared with. Bounded in entries and bytes; each text has two places, and the one that was used longer ago
/// makes way. A hit allocates nothing. Not for several threads.
/// </summary>
public sealed class StatementCache
{
    /// <summary>Longer texts are read each time: they are loads, and hardly come twice.</summary>
    public const int MaxText = 16 * 1024;

    private readonly SqlDialect _dialect;
    private readonly Entry[] _entries;
    private readonly long _maxBytes;
    private readonly ulong _seed;
    private uint _tick;
    private int _hand;

    /// <summary>A cache.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="entries">Texts at most, rounded up to a power of two. Default 8192: an application has hundreds of shapes, and with literals in them thousands of texts.</param>
    /// <param name="maxBytes">Bytes of texts and reports at most. Default 16 MB.</param>
    /// <param name="seed">Makes places unforeseeable, so that nobody can choose texts that push each other out.</param>
    public StatementCache(SqlDialect dialect, int entries = 8192, long maxBytes = 16 * 1024 * 1024, ulong seed = 0x9E37_79B9_7F4A_7C15)
    {
        _dialect = dialect;
        _entries = new Entry[BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, entries))];
        _maxBytes = maxBytes;
        _seed = seed | 1;
    }

    /// <summary>Texts held.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes held, about.</summary>
    public long Bytes { get; private set; }

    /// <summary>Texts that were found.</summary>
    public long Hits { get; private set; }

    /// <summary>Texts that had to be read.</summary>
    public long Misses { get; private set; }

    /// <summary>What a text tells; read only when it is not known.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="quoting">Settings of the session that change where quoted texts end.</param>
    public StatementReport Get(ReadOnlySpan<byte> utf8, SqlQuoting quoting = SqlQuoting.Usual)
    {
        if (utf8.Length > MaxText)
        {
            Misses++;
            return StatementReader.Read(_dialect, utf8, quoting);
        }

        _tick++;
        Span<byte> buffer = stackalloc byte[StatementShape.MaxText];
        ReadOnlySpan<byte> shape = utf8.Length <= buffer.Length ? buffer[..StatementShape.Fold(utf8, buffer)] : default;
        ulong shapeHash = 0, hash = 0;
        StatementReport? report = shape.IsEmpty ? null : Find(shape, quoting, out shapeHash);
        report ??= Find(utf8, quoting, out hash);
        if (report is not null)
        {
            Hits++;
            return report;
        }

        Misses++;
        report = StatementReader.Read(_dialect, utf8, quoting);

        // A statement in which a rule found something is judged by its very text.
        if (!shape.IsEmpty && report.Hits.IsEmpty && !report.Has(StatementTraits.Unreadable)) Keep(shapeHash, shape, quoting, report);
        else Keep(hash, utf8, quoting, report);
        return report;
    }

    private int Place(ulong hash) => (int)(hash & (ulong)(_entries.Length - 1)) & ~1;

    private StatementReport? Find(ReadOnlySpan<byte> text, SqlQuoting quoting, out ulong hash)
    {
        hash = Hash(text, _seed + (ulong)quoting);
        int place = Place(hash);
        for (int i = place; i <= place + 1; i++)
        {
            ref Entry entry = ref _entries[i];
            if (entry.Hash != hash || entry.Report is null || entry.Quoting != quoting || !text.SequenceEqual(entry.Text)) continue;
            entry.Used = _tick;
            return entry.Report;
        }

        return null;
    }

    private void Keep(ulong hash, ReadOnlySpan<byte> utf8, SqlQuoting quoting, StatementReport report)
    {
        int place = Place(hash);
        int at = _entries[place].Report is null ? place
            : _entries[place + 1].Report is null ? place + 1
            : unchecked(_tick - _entries[place].Used) >= unchecked(_tick - _entries[place + 1].Used) ? place : place + 1;
        Drop(at);
        _entries[at] = new Entry { Hash = hash, Quoting = quoting, Text = utf8.ToArray(), Report = report, Used = _tick };
        Count++;
        Bytes += Size(_entries[at]);
        // Over the bound, whatever the hand comes upon next goes, but for what just came.
        for (int steps = 0; Bytes > _maxBytes && steps < _entries.Length; steps++)
        {
            _hand = (_hand + 1) & (_entries.Length - 1);
            if (_hand != at) Drop(_hand);
        }
    }

    private void Drop(int at)
    {
        ref Entry entry = ref _entries[at];
        if (entry.Report is null) return;
        Bytes -= Size(entry);
        Count--;
        entry = default;
    }

    private static long Size(in Entry entry) => entry.Text!.Length + entry.Report!.Size;

    /// <summary>Eight bytes at a time, multiplied and folded. It need not withstand an attacker: texts are compared, and the seed is the process's own.</summary>
    private static ulong Hash(ReadOnlySpan<byte> text, ulong seed)
    {
        ulong hash = seed ^ ((ulong)text.Length * 0xFF51_AFD7_ED55_8CCD);
        while (text.Length >= 8)
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(text));
            text = text[8..];
        }

        ulong tail = 0;
        for (int i = 0; i < text.Length; i++) tail |= (ulong)text[i] << (8 * i);
        return Mix(hash ^ tail);
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, 0x9E37_79B9_7F4A_7C15, out ulong low);
        return high ^ low;
    }

    private struct Entry
    {
        public ulong Hash;
        public SqlQuoting Quoting;
        public uint Used;
        public byte[]? Text;
        public StatementReport? Report;
    }
}
