using System.Globalization;
using ArticDbm.Security;

namespace ArticDbm.Proxy.Postgres;

/// <summary>
/// One loop's prepared statements: the same text with the same parameter types is one statement, whichever sessions prepared it, so that server connections hold each but
/// once. Bounded: the least lately asked for is forgotten here, and lives on in the sessions that use it.
/// </summary>
internal sealed class PreparedStatements
{
    /// <summary>Statements known at a time: more than any application has shapes of.</summary>
    private const int Most = 10_000;

    private readonly Dictionary<byte[], PreparedStatement> _known = new(new ContentComparer());
    private readonly Dictionary<byte[], PreparedStatement>.AlternateLookup<ReadOnlySpan<byte>> _byContent;
    private readonly Queue<byte[]> _order = new();
    private long _next;

    public PreparedStatements() => _byContent = _known.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The statement of a Parse's content, which is the text with its zero byte and the types.</summary>
    public PreparedStatement Get(ReadOnlySpan<byte> content, StatementReport report)
    {
        if (_byContent.TryGetValue(content, out PreparedStatement? known)) return known;
        while (_known.Count >= Most && _order.TryDequeue(out byte[]? oldest)) _known.Remove(oldest);
        byte[] kept = content.ToArray();
        _order.Enqueue(kept);
        return _known[kept] = new PreparedStatement("mp_" + (++_next).ToString(CultureInfo.InvariantCulture), kept, report);
    }

    private sealed class ContentComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
