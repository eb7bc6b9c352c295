namespace MarchProxy.Model.Egress;

/// <summary>The protocols that a mapping allows and a request asks for.</summary>
[Flags]
public enum EgressProtocols
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A TCP stream of unknown content.</summary>
    Tcp = 1,

    /// <summary>UDP datagrams.</summary>
    Udp = 2,

    /// <summary>ICMP echo.</summary>
    Icmp = 4,

    /// <summary>HTTP requests that the proxy sees.</summary>
    Http = 8,

    /// <summary>A TLS stream: a CONNECT asks for it and for TCP.</summary>
    Https = 16,
}
