using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>What a listener is for.</summary>
public enum ListenerPurpose
{
    /// <summary>HTTP from outside, by routes.</summary>
    Ingress,

    /// <summary>HTTP proxy requests and CONNECT, by mappings.</summary>
    ForwardProxy,

    /// <summary>TCP or UDP that leads straight to one service, by mappings.</summary>
    Dedicated,

    /// <summary>Connections that the kernel caught on their way (TPROXY or REDIRECT), by mappings.</summary>
    Transparent,

    /// <summary>A database protocol; served by ArticDBM.</summary>
    Database,

    /// <summary>Log lines; served by Killkrill.</summary>
    Syslog,
}

/// <summary>Where a proxy listens.</summary>
public sealed record Listener : Resource
{
    /// <inheritdoc/>
    public override string Kind => "listener";

    /// <summary>An IP address, or <c>unix:</c> and a path. Default 127.0.0.1.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The port; 0 lets the kernel choose.</summary>
    public int Port { get; init; }

    /// <summary>What it is for.</summary>
    public ListenerPurpose Purpose { get; init; }

    /// <summary>http, https, tcp, udp or, of a transparent one, icmp.</summary>
    public string Protocol { get; init; } = "http";

    /// <summary>The service that a dedicated listener leads to.</summary>
    public string Service { get; init; } = "";

    /// <summary>The port of that service; 0 for its first.</summary>
    public int ServicePort { get; init; }

    /// <summary>How caught connections tell where they were going: tproxy (default; the socket's own address) or redirect (SO_ORIGINAL_DST).</summary>
    public string Via { get; init; } = "tproxy";

    /// <summary>Of transparent ICMP: the number of the kernel's packet queue (NFQUEUE) by which the firewall asks about echo requests.</summary>
    public int Queue { get; init; }

    /// <summary>Whether connections begin with a PROXY protocol header, v1 or v2, that tells the client's address.</summary>
    public bool ProxyProtocol { get; init; }

    /// <summary>Connections that one address (of IPv6 one /64, which is one site) may have open here; 0 for no bound.</summary>
    public int MaxConnectionsPerAddress { get; init; }

    /// <summary>The engine that a database listener speaks.</summary>
    public string Engine { get; init; } = "";

    /// <summary>The database that a database listener leads to; empty for the one that the client names.</summary>
    public string Database { get; init; } = "";

    /// <summary>The source that a syslog listener takes lines for.</summary>
    public string Source { get; init; } = "";

    /// <summary>TLS towards the clients, or null.</summary>
    public ListenerTls? Tls { get; init; }

    /// <summary>How its access lines are written; null for the process's way.</summary>
    public ListenerLog? AccessLog { get; init; }
}

/// <summary>TLS of a listener.</summary>
public sealed record ListenerTls
{
    /// <summary>Names of certificates; the first serves clients without a known server name.</summary>
    public ImmutableArray<string> Certificates { get; init; } = [];

    /// <summary>1.2 (default) or 1.3.</summary>
    public string MinVersion { get; init; } = "1.2";

    /// <summary>Protocols offered to clients, best first: h2 and http/1.1. Empty for both on ingress.</summary>
    public ImmutableArray<string> Alpn { get; init; } = [];

    /// <summary>Ciphers by OpenSSL's names, best first; those of TLS 1.3 begin with <c>TLS_</c>. Empty for Mozilla's intermediate profile, and for either version of which none is named, its usual ones.</summary>
    public ImmutableArray<string> Ciphers { get; init; } = [];

    /// <summary>PEM of the CA that client certificates must come from; null asks for none.</summary>
    public string? ClientCa { get; init; }

    /// <summary>Of which a client's certificate must have one: SPIFFE URIs, DNS names or, where it has neither, its common name. Empty for any.</summary>
    public ImmutableArray<string> ClientNames { get; init; } = [];
}

/// <summary>A certificate chain with its key.</summary>
public sealed record Certificate : Resource
{
    /// <inheritdoc/>
    public override string Kind => "certificate";

    /// <summary>The chain in PEM, leaf first.</summary>
    public string Chain { get; init; } = "";

    /// <summary>The private key in PEM.</summary>
    public string Key { get; init; } = "";

    /// <summary>Whether proxies fetch the CA's word that it is not revoked (OCSP) and show it to clients. Default false: a CA without a responder would be asked in vain.</summary>
    public bool Staple { get; init; }
}
