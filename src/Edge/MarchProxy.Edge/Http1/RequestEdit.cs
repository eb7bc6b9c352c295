namespace MarchProxy.Edge.Http1;

/// <summary>What is changed about one request's head beside what its route always changes. Reused from one exchange to the next.</summary>
internal sealed class RequestEdit
{
    /// <summary>Bytes of field lines that may be added: validators of a stored response.</summary>
    private const int MaxLines = 8 << 10;

    private readonly OutBuffer _lines = new(new byte[256], MaxLines);

    /// <summary>Known fields that are not copied, as <see cref="KnownHeaders.Bit"/>s.</summary>
    public ulong Dropped { get; set; }

    /// <summary>Path and query instead of those that were asked for; null to keep them.</summary>
    public byte[]? Path { get; set; }

    /// <summary>Field lines added, each with its CRLF.</summary>
    public ReadOnlySpan<byte> Lines => _lines.Written;

    /// <summary>Adds a field line; one that is too long is left out.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!_lines.EnsureRoom(name.Length + value.Length + 4)) return;
        _lines.Append(name);
        _lines.Append(": "u8);
        _lines.Append(value);
        _lines.Append("\r\n"u8);
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        Dropped = 0;
        Path = null;
        _lines.Clear();
    }
}
