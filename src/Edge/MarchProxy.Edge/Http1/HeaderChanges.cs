using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>A route's header changes, compiled: known names to a set, others to bytes, additions to finished field lines.</summary>
internal sealed class HeaderChanges
{
    /// <summary>Fields that belong to the proxy: changing them would break framing or routing.</summary>
    private static readonly ulong s_own = KnownHeaders.Set(
        KnownHeader.Host, KnownHeader.ContentLength, KnownHeader.TransferEncoding, KnownHeader.Connection, KnownHeader.Upgrade,
        KnownHeader.Te, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.Trailer);

    private readonly byte[][] _removedOthers;
    private readonly byte[] _appended;

    private HeaderChanges(ulong removedKnown, byte[][] removedOthers, byte[] appended)
    {
        RemovedKnown = removedKnown;
        _removedOthers = removedOthers;
        _appended = appended;
    }

    /// <summary>No change.</summary>
    public static HeaderChanges None { get; } = new(0, [], []);

    /// <summary>Known fields that are not copied.</summary>
    public ulong RemovedKnown { get; }

    /// <summary>Some fields are removed by a name that is not a known one.</summary>
    public bool RemovesOthers => _removedOthers.Length > 0;

    /// <summary>Field lines to append, each with its CRLF.</summary>
    public ReadOnlySpan<byte> Appended => _appended;

    /// <summary>Compiles changes in their order.</summary>
    /// <exception cref="ArgumentException">A name is no token or the proxy's own, or a value holds more than printable ASCII.</exception>
    public static HeaderChanges Compile(IEnumerable<HeaderChange> changes)
    {
        ulong removed = 0;
        var others = new List<byte[]>();
        var lines = new StringBuilder();
        foreach (HeaderChange change in changes)
        {
            byte[] name = Encoding.Latin1.GetBytes(change.Name);
            if (name.Length == 0 || AsciiSet.Token.IndexOfOther(name, 0) < name.Length)
            {
                throw new ArgumentException($"'{change.Name}' is not a field name.", nameof(changes));
            }

            KnownHeader id = KnownHeaders.Find(name);
            if (id != KnownHeader.Unknown && (s_own & KnownHeaders.Bit(id)) != 0)
            {
                throw new ArgumentException($"'{change.Name}' is the proxy's own to write.", nameof(changes));
            }

            if (!change.Value.All(c => c is '\t' or >= ' ' and <= '~'))
            {
                throw new ArgumentException($"The value of '{change.Name}' holds a character that a field value may not.", nameof(changes));
            }

            if (change.Action != HeaderAction.Add)
            {
                if (id == KnownHeader.Unknown) others.Add(name);
                else removed |= KnownHeaders.Bit(id);
            }

            if (change.Action != HeaderAction.Remove) lines.Append(change.Name).Append(": ").Append(change.Value).Append("\r\n");
        }

        return new HeaderChanges(removed, [.. others], Encoding.ASCII.GetBytes(lines.ToString()));
    }

    /// <summary>Whether a field of this unknown name is removed.</summary>
    public bool RemovesOther(ReadOnlySpan<byte> name)
    {
        foreach (byte[] removed in _removedOthers)
        {
            if (removed.Length == name.Length && Ascii.EqualsIgnoreCase(removed, name)) return true;
        }

        return false;
    }
}
