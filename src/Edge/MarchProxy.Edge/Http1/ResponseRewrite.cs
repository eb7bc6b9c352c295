namespace MarchProxy.Edge.Http1;

/// <summary>How a route changes response heads on their way to the client; compiled once, shared by all loops.</summary>
internal sealed class ResponseRewrite
{
    private static readonly ulong s_hopByHop = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.ProxyAuthenticate, KnownHeader.Te);

    /// <param name="addVia">Adds Via; a must for a forward proxy, optional for a gateway (RFC 9110 section 7.6.3).</param>
    /// <param name="changes">Configured header changes.</param>
    public ResponseRewrite(bool addVia, HeaderChanges changes)
    {
        AddVia = addVia;
        Changes = changes;
        Dropped = s_hopByHop | changes.RemovedKnown;
    }

    public bool AddVia { get; }

    public HeaderChanges Changes { get; }

    /// <summary>Known fields that are never copied.</summary>
    internal ulong Dropped { get; }
}
