namespace MarchProxy.Net.Dns;

/// <summary>Types of resource records (RFC 1035 section 3.2.2, RFC 3596, RFC 6891).</summary>
public enum DnsType : ushort
{
    /// <summary>An IPv4 address.</summary>
    A = 1,

    /// <summary>The canonical name behind an alias.</summary>
    Cname = 5,

    /// <summary>The start of a zone of authority: how long to keep a negative answer.</summary>
    Soa = 6,

    /// <summary>An IPv6 address.</summary>
    Aaaa = 28,

    /// <summary>The pseudo-record of EDNS.</summary>
    Opt = 41,
}
