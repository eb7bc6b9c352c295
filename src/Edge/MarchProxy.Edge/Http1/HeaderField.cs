namespace MarchProxy.Edge.Http1;

/// <summary>
/// One field line by its offsets. Lines of a head are adjacent, so a line reaches from its name to the next line's
/// name, or to <see cref="MessageHead.FieldsEnd"/>.
/// </summary>
internal struct HeaderField
{
    public int NameStart;
    public int NameLength;
    public int ValueStart;
    public int ValueLength;
    public KnownHeader Id;

    /// <summary>The Connection field names this one: it concerns this hop only and is not forwarded.</summary>
    public bool Nominated;

    public readonly ByteRange Name => new(NameStart, NameLength);

    public readonly ByteRange Value => new(ValueStart, ValueLength);
}
