using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Writes trailer fields as lines (RFC 9113 section 8.1), under the rules of HTTP/1.1's: nothing that frames, routes or authorises.</summary>
internal sealed class TrailerText(OutBuffer target) : IFieldSink
{
    /// <summary>They break the rules.</summary>
    public bool IsMalformed { get; private set; }

    /// <inheritdoc/>
    public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        KnownHeader id = name.IsEmpty ? KnownHeader.Unknown : KnownHeaders.Find(name);
        IsMalformed |= !FieldText.IsName(name) || name.IsEmpty || ControlBytes.IndexOf(value, 0) < value.Length || FieldText.HasBlankEnds(value)
            || (id != KnownHeader.Unknown && ChunkDecoder.ForbidsTrailer(id)) || !target.EnsureRoom(name.Length + value.Length + 4);
        if (IsMalformed) return;
        target.Append(name);
        target.Append(": "u8);
        target.Append(value);
        target.Append("\r\n"u8);
    }
}

/// <summary>Takes fields that nobody wants: they are decoded for the table's sake.</summary>
internal sealed class NoFields : IFieldSink
{
    /// <summary>The only one.</summary>
    public static NoFields Instance { get; } = new();

    /// <inheritdoc/>
    public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
    }
}
