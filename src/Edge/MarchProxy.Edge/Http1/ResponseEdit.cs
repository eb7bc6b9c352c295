using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>What filters change about one response's head before it is sent. Reused from one exchange to the next.</summary>
internal sealed class ResponseEdit
{
    /// <summary>Bytes of field lines that filters may add: a few lines each.</summary>
    private const int MaxLines = 8 << 10;

    private readonly OutBuffer _lines = new(new byte[512], MaxLines);

    /// <summary>Another status; zero to keep the received one.</summary>
    public int Status { get; set; }

    /// <summary>Known fields that are not copied, as <see cref="KnownHeaders.Bit"/>s.</summary>
    public ulong Dropped { get; set; }

    /// <summary>What becomes of the content's length.</summary>
    public ContentEdit Content { get; private set; }

    /// <summary>The content's new length, with <see cref="ContentEdit.Length"/>.</summary>
    public long Length { get; private set; }

    /// <summary>Field lines added, each with its CRLF.</summary>
    public ReadOnlySpan<byte> Lines => _lines.Written;

    /// <summary>Content follows whose length nobody knows yet (a filter rewrites it).</summary>
    public void SetUnknownLength()
    {
        (Content, Length) = (ContentEdit.Unknown, 0);
        Dropped |= KnownHeaders.Bit(KnownHeader.ContentLength);
    }

    /// <summary>Content of this length follows.</summary>
    public void SetLength(long length) => (Content, Length) = (ContentEdit.Length, length);

    /// <summary>No content follows, whatever was announced (304 instead of 200).</summary>
    public void SetNoContent() => (Content, Length) = (ContentEdit.None, 0);

    /// <summary>Adds a field line.</summary>
    /// <param name="name">A token.</param>
    /// <param name="value">Visible ASCII, as the caller has made sure.</param>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!_lines.EnsureRoom(name.Length + value.Length + 4)) return;
        _lines.Append(name);
        _lines.Append(": "u8);
        _lines.Append(value);
        _lines.Append("\r\n"u8);
    }

    /// <summary>Adds a whole field line, with its CRLF; an empty one is none.</summary>
    public void AddLine(ReadOnlySpan<byte> line)
    {
        if (_lines.EnsureRoom(line.Length)) _lines.Append(line);
    }

    /// <summary>Replaces a known field.</summary>
    public void Set(KnownHeader id, ReadOnlySpan<byte> value)
    {
        Dropped |= KnownHeaders.Bit(id);
        Span<byte> name = stackalloc byte[32];
        Add(name[..Encoding.ASCII.GetBytes(KnownHeaders.NameOf(id), name)], value);
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        Status = 0;
        Dropped = 0;
        Content = ContentEdit.AsReceived;
        Length = 0;
        _lines.Clear();
    }
}

/// <summary>What filters make of a content's length.</summary>
internal enum ContentEdit : byte
{
    /// <summary>As the upstream told it.</summary>
    AsReceived,

    /// <summary>Not known beforehand.</summary>
    Unknown,

    /// <summary>Known, and another.</summary>
    Length,

    /// <summary>There is no content.</summary>
    None,
}
