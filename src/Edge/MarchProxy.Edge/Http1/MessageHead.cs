namespace MarchProxy.Edge.Http1;

/// <summary>
/// What requests and responses have in common: a table of field lines by offset, framing and persistence. One object
/// lives as long as its connection; <see cref="Reset"/> makes it ready for the next message. Offsets count from the
/// start of the buffer given to <see cref="HeadParser"/>.
/// </summary>
internal abstract partial class MessageHead
{
    private const int InitialFields = 16;

    private HeaderField[] _fields = new HeaderField[InitialFields];

    /// <summary>What the peer did wrong, once a parse returned <see cref="ParseStatus.Error"/>.</summary>
    public HttpError Error { get; internal set; }

    /// <summary>The field lines in the order of arrival.</summary>
    public ReadOnlySpan<HeaderField> Fields => _fields.AsSpan(0, Count);

    /// <summary>Number of field lines.</summary>
    public int Count { get; private set; }

    /// <summary>Offset of the first field line, or of the final empty line when there is none.</summary>
    public int FieldsStart => Count > 0 ? _fields[0].NameStart : FieldsEnd;

    /// <summary>Offset behind the CRLF of the last field line, which is where the final empty line begins.</summary>
    public int FieldsEnd { get; internal set; }

    /// <summary>Set of the known fields that are present, as <see cref="KnownHeaders.Bit"/>s.</summary>
    public ulong Present { get; private set; }

    /// <summary>The major version of the HTTP that the message came by; one of HTTP/2 is written as HTTP/1.1 and judged as such.</summary>
    public int MajorVersion { get; set; } = 1;

    /// <summary>0 for HTTP/1.0, 1 for HTTP/1.1.</summary>
    public int MinorVersion { get; internal set; }

    /// <summary>How the end of the content is found.</summary>
    public BodyKind Body { get; internal set; }

    /// <summary>The announced Content-Length in bytes, or -1 when there is none; also set where no content follows (HEAD, 304).</summary>
    public long ContentLength { get; internal set; } = -1;

    /// <summary>The connection may carry another message after this one (RFC 9112 section 9.3).</summary>
    public bool KeepAlive { get; internal set; }

    /// <summary>HTTP/1.1 with <c>Connection: upgrade</c> and an Upgrade field (RFC 9110 section 7.8).</summary>
    public bool UpgradeWanted { get; internal set; }

    /// <summary>Value of the first Upgrade field; empty when there is none.</summary>
    public ByteRange Upgrade { get; private set; }

    /// <summary>TE lists <c>trailers</c>: its sender wants trailer fields kept.</summary>
    public bool AcceptsTrailers { get; private set; }

    /// <summary>At least one field is marked <see cref="HeaderField.Nominated"/>.</summary>
    public bool HasNominated { get; private set; }

    /// <summary>Offset up to which the bytes are known to hold no line end; where the next parse goes on.</summary>
    internal int Scanned { get; set; }

    /// <summary>Offset of the first byte of the line that is not yet complete.</summary>
    internal int LineStart { get; set; }

    /// <summary>The start line is parsed.</summary>
    internal bool InFields { get; set; }

    /// <summary>Whether the known field is present.</summary>
    public bool Has(KnownHeader id) => (Present & KnownHeaders.Bit(id)) != 0;

    /// <summary>Value of the first field line of this name; false when there is none.</summary>
    public bool TryGet(KnownHeader id, out ByteRange value)
    {
        if (Has(id))
        {
            foreach (ref readonly HeaderField field in Fields)
            {
                if (field.Id != id) continue;
                value = field.Value;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Forgets the message; the field table stays.</summary>
    public virtual void Reset()
    {
        Error = HttpError.None;
        Count = 0;
        FieldsEnd = 0;
        Present = 0;
        MajorVersion = 1;
        MinorVersion = 0;
        Body = BodyKind.None;
        ContentLength = -1;
        KeepAlive = false;
        UpgradeWanted = false;
        Upgrade = default;
        AcceptsTrailers = false;
        HasNominated = false;
        Scanned = 0;
        LineStart = 0;
        InFields = false;
        ResetSemantics();
    }

    private ref HeaderField Append()
    {
        if (Count == _fields.Length) Array.Resize(ref _fields, Count * 2);
        return ref _fields[Count++];
    }
}
