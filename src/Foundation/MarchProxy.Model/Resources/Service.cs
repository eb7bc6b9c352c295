using System.Collections.Immutable;
using System.Net;
using MarchProxy.Model.Addresses;

namespace MarchProxy.Model.Resources;

/// <summary>A named party: who asks (known by token or address), or who is asked (known by name or address).</summary>
public sealed record Service : Resource
{
    /// <inheritdoc/>
    public override string Kind => "service";

    /// <summary>IP, CIDR, exact FQDN, or <c>*.</c> and an FQDN (one or more whole leading labels).</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>The ports it listens on; empty for any. The first is where a route sends.</summary>
    public PortSet Ports { get; init; } = PortSet.Any;

    /// <summary>What it speaks: http (default), https, h2c (HTTP/2 without TLS), tcp, udp, icmp.</summary>
    public string Protocol { get; init; } = "http";

    /// <summary>A group that mappings can name as <c>collection:NAME</c>; empty for none.</summary>
    public string Collection { get; init; } = "";

    /// <summary>How it proves who it is when it asks.</summary>
    public ServiceAuth Auth { get; init; } = ServiceAuth.None;

    /// <summary>Static answers instead of DNS, by name or <c>*.</c> name.</summary>
    public ImmutableDictionary<string, ImmutableArray<IPAddress>> Resolve { get; init; } = ImmutableDictionary<string, ImmutableArray<IPAddress>>.Empty;

    /// <summary>Networks that the guard on resolved addresses lets through for this service although they are not global.</summary>
    public ImmutableArray<IPNetwork> AllowAddresses { get; init; } = [];

    /// <summary>How it is spoken to over TLS, when its protocol is https; null for the system's CAs and its own name.</summary>
    public ServiceTls? Tls { get; init; }

    /// <summary>Whether connections to it begin with a PROXY protocol header (v2) that tells the client's address; none is shared between clients then.</summary>
    public bool ProxyProtocol { get; init; }

    /// <summary>How its addresses are watched; null for not at all.</summary>
    public HealthCheck? Health { get; init; }

    /// <summary>When one of its addresses is set aside for failing.</summary>
    public OutlierEjection Outlier { get; init; } = new();

    /// <summary>How much of it is used at a time; null for no bound.</summary>
    public CircuitLimits? Circuit { get; init; }

    /// <summary>How an address comes to its share; null for at once.</summary>
    public SlowStart? SlowStart { get; init; }

    /// <summary>Shares of its addresses, where not 1.</summary>
    public ImmutableSortedDictionary<string, int> Weights { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>What it may do at most when it asks; null for no bound.</summary>
    public ServiceLimits? Limits { get; init; }

    /// <summary>Users who may edit it.</summary>
    public ImmutableArray<string> Owners { get; init; } = [];
}

/// <summary>How a service proves who it is.</summary>
public enum AuthType
{
    /// <summary>By its source address alone.</summary>
    None,

    /// <summary>By a token: <c>Proxy-Authorization: Basic service:token</c>.</summary>
    Token,

    /// <summary>By a JSON Web Token.</summary>
    Jwt,

    /// <summary>By a client certificate.</summary>
    Mtls,
}

/// <summary>The proof that a service brings. Token and JWT exclude each other.</summary>
public sealed record ServiceAuth
{
    /// <summary>No proof but the address.</summary>
    public static ServiceAuth None { get; } = new();

    /// <summary>The kind of proof.</summary>
    public AuthType Type { get; init; }

    /// <summary>The token's hash.</summary>
    public SecretHash? Token { get; init; }

    /// <summary>The hash of the token before the last rotation; that token holds until <see cref="PreviousUntil"/>.</summary>
    public SecretHash? PreviousToken { get; init; }

    /// <summary>When the previous token, or the previous secret, ends.</summary>
    public DateTimeOffset? PreviousUntil { get; init; }

    /// <summary>HS256, HS384, HS512, RS256 or ES256.</summary>
    public string Algorithm { get; init; } = "HS256";

    /// <summary>The shared secret of an HS algorithm.</summary>
    public string? Secret { get; init; }

    /// <summary>The shared secret before the last rotation; tokens signed with it hold until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>The <c>iss</c> demanded; null for any.</summary>
    public string? Issuer { get; init; }

    /// <summary>The <c>aud</c> demanded; null for any.</summary>
    public string? Audience { get; init; }

    /// <summary>A JWKS file or URL for RS256 and ES256.</summary>
    public string? Jwks { get; init; }

    /// <summary>Of mtls: what its certificate may say it is: a SPIFFE URI, a DNS name, or a common name. Empty for the service's own name.</summary>
    public ImmutableArray<string> Names { get; init; } = [];
}

/// <summary>What a service may do at most when it asks. Zero is no bound.</summary>
public sealed record ServiceLimits
{
    /// <summary>HTTP requests a second; a second's worth may come at once.</summary>
    public int RequestsPerSecond { get; init; }

    /// <summary>Tunnels, SOCKS connections and dedicated connections open at a time.</summary>
    public int Tunnels { get; init; }
}
