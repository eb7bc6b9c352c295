namespace MarchProxy.Net.Dns;

/// <summary>How a query is written: each style asks less of the server than the one before.</summary>
public enum DnsQueryStyle
{
    /// <summary>Letters in random case, which the answer must repeat (0x20 encoding), and EDNS.</summary>
    MixedCase,

    /// <summary>Lower case and EDNS: for a server that does not keep case.</summary>
    LowerCase,

    /// <summary>Lower case without EDNS: for a server that answers EDNS with FORMERR (RFC 6891 section 7).</summary>
    Plain,
}
