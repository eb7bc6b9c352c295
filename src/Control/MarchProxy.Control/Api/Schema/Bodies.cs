using System.Text.Json.Nodes;
namespace MarchProxy.Control.Api.Schema;

/// <summary>What every resource has.</summary>
public abstract record ResourceFields
{
    /// <summary>Unique in its cluster among its kind; a DNS label.</summary>
    public required string Name { get; init; }

    /// <summary>Default <c>default</c>.</summary>
    public string? Cluster { get; init; }

    /// <summary>A sentence for people.</summary>
    public string? Description { get; init; }

    /// <summary>Free labels.</summary>
    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>When it was made. Not taken.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When it was last changed. Not taken.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Who changed it. Not taken.</summary>
    public string? UpdatedBy { get; init; }

    /// <summary>Changes with every edit. Not taken.</summary>
    public string? Etag { get; init; }
}

/// <summary>An isolation boundary.</summary>
public sealed record ClusterBody : ResourceFields
{
    /// <summary>Planes that may register.</summary>
    public int? MaxProxies { get; init; }
}

/// <summary>A named party.</summary>
public sealed record ServiceBody : ResourceFields
{
    /// <summary>IP, CIDR, name, or <c>*.name</c>.</summary>
    public List<string>? Addresses { get; init; }

    /// <summary><c>443</c>, <c>8000-8099</c>, <c>443,8443</c>.</summary>
    public string? Ports { get; init; }

    /// <summary>http, https, tcp, udp or icmp.</summary>
    public string? Protocol { get; init; }

    /// <summary>A group that mappings name as <c>collection:NAME</c>.</summary>
    public string? Collection { get; init; }

    /// <summary>How it proves who it is.</summary>
    public AuthBody? Auth { get; init; }

    /// <summary>Static answers instead of DNS.</summary>
    public Dictionary<string, List<string>>? Resolve { get; init; }

    /// <summary>Inner networks that the guard lets through.</summary>
    public List<string>? AllowAddresses { get; init; }

    /// <summary>TLS towards it, when its protocol is https.</summary>
    public ServiceTlsBody? Tls { get; init; }

    /// <summary>Accounts that may edit it.</summary>
    public List<string>? Owners { get; init; }

    /// <summary>What it may do at most when it asks.</summary>
    public ServiceLimitsBody? Limits { get; init; }

    /// <summary>Whether connections to it begin with a PROXY protocol header (v2).</summary>
    public bool? ProxyProtocol { get; init; }

    /// <summary>How its addresses are watched.</summary>
    public HealthBody? Health { get; init; }

    /// <summary>When one of its addresses is set aside for failing.</summary>
    public OutlierBody? Outlier { get; init; }

    /// <summary>How much of it is used at a time.</summary>
    public CircuitBody? Circuit { get; init; }

    /// <summary>Gives an address that is new or came back its share bit by bit.</summary>
    public SlowStartBody? SlowStart { get; init; }

    /// <summary>Shares of its addresses, where not 1.</summary>
    public Dictionary<string, int>? Weights { get; init; }
}

/// <summary>What a service may do at most when it asks; 0 for no bound.</summary>
public sealed record ServiceLimitsBody
{
    /// <summary>HTTP requests a second.</summary>
    public int? RequestsPerSecond { get; init; }

    /// <summary>Tunnels, SOCKS connections and dedicated connections open at a time.</summary>
    public int? Tunnels { get; init; }
}

/// <summary>TLS towards a service.</summary>
public sealed record ServiceTlsBody
{
    /// <summary>The name that its certificate must be for.</summary>
    public string? ServerName { get; init; }

    /// <summary>PEM of the CAs; left out for the system's.</summary>
    public string? Ca { get; init; }

    /// <summary>Takes any certificate.</summary>
    public bool? InsecureSkipVerify { get; init; }

    /// <summary>The certificate shown to a service that asks for one.</summary>
    public string? Certificate { get; init; }

    /// <summary>Protocols offered to it, best first: h2, http/1.1; left out for both.</summary>
    public string[]? Alpn { get; init; }
}

/// <summary>The proof of a service.</summary>
public sealed record AuthBody
{
    /// <summary>none, token, jwt or mtls.</summary>
    public required string Type { get; init; }

    /// <summary>The token. Never shown; left out, the one before is kept, or one is made and shown once.</summary>
    public string? Token { get; init; }

    /// <summary>The token's hash instead of itself: <c>sha256:</c> and 64 hexadecimal digits.</summary>
    public string? TokenHash { get; init; }

    /// <summary>The token before the last rotation.</summary>
    public string? PreviousToken { get; init; }

    /// <summary>Its hash.</summary>
    public string? PreviousTokenHash { get; init; }

    /// <summary>The shared secret before the last rotation. Never shown; left out beside <see cref="Secret"/>, the one before is kept.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>When the one before ends.</summary>
    public DateTimeOffset? PreviousUntil { get; init; }

    /// <summary>HS256, HS384, HS512, RS256 or ES256.</summary>
    public string? Algorithm { get; init; }

    /// <summary>The shared secret of an HS algorithm. Never shown; left out, the one before is kept.</summary>
    public string? Secret { get; init; }

    /// <summary>The <c>iss</c> demanded.</summary>
    public string? Issuer { get; init; }

    /// <summary>The <c>aud</c> demanded.</summary>
    public string? Audience { get; init; }

    /// <summary>A JWKS file or URL.</summary>
    public string? Jwks { get; init; }

    /// <summary>Of mtls: SPIFFE URIs, DNS names or common names of its certificate; left out, the service's own name.</summary>
    public List<string>? Names { get; init; }
}

/// <summary>Who may reach what.</summary>
public sealed record MappingBody : ResourceFields
{
    /// <summary>Service names, <c>collection:NAME</c> or <c>all</c>.</summary>
    public required List<string> Sources { get; init; }

    /// <summary>Service names, <c>collection:NAME</c> or <c>all</c>.</summary>
    public required List<string> Destinations { get; init; }

    /// <summary>tcp, udp, icmp, http, https.</summary>
    public List<string>? Protocols { get; init; }

    /// <summary>The ports a client may ask for.</summary>
    public string? Ports { get; init; }

    /// <summary>Ports asked for, translated.</summary>
    public Dictionary<string, int>? PortMap { get; init; }

    /// <summary>allow, deny or report.</summary>
    public string? Effect { get; init; }

    /// <summary>1 to 1000, lower first.</summary>
    public int? Priority { get; init; }

    /// <summary>inherit, token, jwt, mtls or none.</summary>
    public string? Auth { get; init; }

    /// <summary>Requests a second for each source.</summary>
    public int? RateLimit { get; init; }

    /// <summary>For a response to begin: <c>30s</c>.</summary>
    public string? Timeout { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why it exists.</summary>
    public string? Justification { get; init; }

    /// <summary>approved, pending or rejected.</summary>
    public string? Approval { get; init; }

    /// <summary>A port of its own.</summary>
    public ListenBody? Listen { get; init; }
}

/// <summary>A mapping's own port.</summary>
public sealed record ListenBody
{
    /// <summary>An IP address.</summary>
    public string? Address { get; init; }

    /// <summary>The port.</summary>
    public required int Port { get; init; }

    /// <summary>tcp or udp.</summary>
    public string? Protocol { get; init; }

    /// <summary>The port asked for at the destination.</summary>
    public int? ServicePort { get; init; }
}

/// <summary>Which requests go to which backends.</summary>
public sealed record RouteBody : ResourceFields
{
    /// <summary>Exact host names or <c>*.x</c>.</summary>
    public List<string>? Hosts { get; init; }

    /// <summary>SPIFFE URIs, DNS names or common names of which a client's certificate must have one.</summary>
    public List<string>? ClientNames { get; init; }

    /// <summary>Conditions on header fields: a value, or an object with one of exact, prefix, regex, present.</summary>
    public Dictionary<string, JsonNode>? Headers { get; init; }

    /// <summary>Conditions on query parameters, written as those on header fields.</summary>
    public Dictionary<string, JsonNode>? Query { get; init; }

    /// <summary>Sends the client elsewhere, instead of backends.</summary>
    public RedirectBody? Redirect { get; init; }

    /// <summary>round-robin, least-request, random-two, ring-hash, maglev or ip-hash.</summary>
    public string? Balance { get; init; }

    /// <summary>What ring-hash and maglev hash: address, <c>header:NAME</c> or <c>cookie:NAME</c>.</summary>
    public string? HashOn { get; init; }

    /// <summary>Requests a second.</summary>
    public RouteRateLimitBody? RateLimit { get; init; }

    /// <summary>Paths.</summary>
    public List<PathBody>? Paths { get; init; }

    /// <summary>Methods.</summary>
    public List<string>? Methods { get; init; }

    /// <summary>Where to.</summary>
    public required List<BackendBody> Backends { get; init; }

    /// <summary>Tries after the first.</summary>
    public int? Retries { get; init; }

    /// <summary>For a response to begin, over all tries: <c>30s</c>.</summary>
    public string? Timeout { get; init; }

    /// <summary>For a response to begin in one try.</summary>
    public string? TryTimeout { get; init; }

    /// <summary>connect-failure (default), reset, timeout, gateway-error, 5xx, or statuses.</summary>
    public List<string>? RetryOn { get; init; }

    /// <summary>A second try of a slow request that is safe to repeat.</summary>
    public HedgeBody? Hedge { get; init; }

    /// <summary>Compression of responses.</summary>
    public CompressionBody? Compression { get; init; }

    /// <summary>Caching of responses.</summary>
    public CacheBody? Cache { get; init; }

    /// <summary>Copies of requests to another service.</summary>
    public MirrorBody? Mirror { get; init; }

    /// <summary>Keeps clients with their address.</summary>
    public AffinityBody? Affinity { get; init; }

    /// <summary>Rules that requests are held to.</summary>
    public WafBody? Waf { get; init; }

    /// <summary>What the backend is asked for instead.</summary>
    public RewriteBody? Rewrite { get; init; }

    /// <summary>Removed from the start of the path.</summary>
    public string? StripPrefix { get; init; }

    /// <summary>Put before the path.</summary>
    public string? AddPrefix { get; init; }

    /// <summary>Changes of request fields.</summary>
    public HeaderChangesBody? RequestHeaders { get; init; }

    /// <summary>Changes of response fields.</summary>
    public HeaderChangesBody? ResponseHeaders { get; init; }

    /// <summary>1 to 1000, lower first.</summary>
    public int? Priority { get; init; }
}

/// <summary>One path condition: one of its fields.</summary>
public sealed record PathBody
{
    /// <summary>By whole leading segments.</summary>
    public string? Prefix { get; init; }

    /// <summary>Byte for byte.</summary>
    public string? Exact { get; init; }

    /// <summary>By a regular expression.</summary>
    public string? Regex { get; init; }
}

/// <summary>A backend of a route.</summary>
public sealed record BackendBody
{
    /// <summary>A service's name.</summary>
    public required string Service { get; init; }

    /// <summary>Its share.</summary>
    public int? Weight { get; init; }
}

/// <summary>Changes of header fields.</summary>
public sealed record HeaderChangesBody
{
    /// <summary>Replaced.</summary>
    public Dictionary<string, string>? Set { get; init; }

    /// <summary>Added.</summary>
    public Dictionary<string, string>? Add { get; init; }

    /// <summary>Taken away.</summary>
    public List<string>? Remove { get; init; }
}

/// <summary>Where a proxy listens.</summary>
public sealed record ListenerBody : ResourceFields
{
    /// <summary>An IP address, or <c>unix:</c> and a path.</summary>
    public string? Address { get; init; }

    /// <summary>The port.</summary>
    public int? Port { get; init; }

    /// <summary>ingress, forward-proxy, dedicated, transparent, database or syslog.</summary>
    public string? Purpose { get; init; }

    /// <summary>Of transparent: tproxy (default) or redirect.</summary>
    public string? Via { get; init; }

    /// <summary>Of transparent ICMP: the number of the kernel's packet queue.</summary>
    public int? Queue { get; init; }

    /// <summary>Whether connections begin with a PROXY protocol header (v1 or v2).</summary>
    public bool? ProxyProtocol { get; init; }

    /// <summary>Connections that one address (IPv6: one /64) may have open here; left out, there is no bound.</summary>
    public int? MaxConnectionsPerAddress { get; init; }

    /// <summary>http, https, tcp, udp or, of a transparent one, icmp.</summary>
    public string? Protocol { get; init; }

    /// <summary>The service that a dedicated listener leads to.</summary>
    public string? Service { get; init; }

    /// <summary>The port of that service.</summary>
    public int? ServicePort { get; init; }

    /// <summary>The engine of a database listener.</summary>
    public string? Engine { get; init; }

    /// <summary>The database of a database listener.</summary>
    public string? Database { get; init; }

    /// <summary>The source of a syslog listener.</summary>
    public string? Source { get; init; }

    /// <summary>TLS towards the clients.</summary>
    public ListenerTlsBody? Tls { get; init; }

    /// <summary>How its access lines are written; left out, the process's way.</summary>
    public ListenerLogBody? AccessLog { get; init; }
}

/// <summary>TLS of a listener.</summary>
public sealed record ListenerTlsBody
{
    /// <summary>Names of certificates; the first is the default.</summary>
    public required List<string> Certificates { get; init; }

    /// <summary>1.2 or 1.3.</summary>
    public string? MinVersion { get; init; }

    /// <summary>Protocols offered, best first: h2 and http/1.1; left out, both on ingress.</summary>
    public List<string>? Alpn { get; init; }

    /// <summary>Ciphers by OpenSSL's names, best first; left out, Mozilla's intermediate profile.</summary>
    public List<string>? Ciphers { get; init; }

    /// <summary>PEM of the CA that clients must come from.</summary>
    public string? ClientCa { get; init; }

    /// <summary>SPIFFE URIs, DNS names or common names of which a client's certificate must have one; left out, any.</summary>
    public List<string>? ClientNames { get; init; }
}

/// <summary>A certificate chain with its key.</summary>
public sealed record CertificateBody : ResourceFields
{
    /// <summary>The chain in PEM, leaf first.</summary>
    public required string Chain { get; init; }

    /// <summary>The private key in PEM. Never shown; left out, the one before is kept.</summary>
    public string? Key { get; init; }

    /// <summary>staple or off (default): whether the CA's word that it is not revoked is fetched and shown to clients.</summary>
    public string? Ocsp { get; init; }
}

/// <summary>A resource file: kinds by their plural.</summary>
public sealed record ResourceFileBody
{
    /// <summary>Clusters.</summary>
    public List<ClusterBody>? Clusters { get; init; }

    /// <summary>Certificates.</summary>
    public List<CertificateBody>? Certificates { get; init; }

    /// <summary>Services.</summary>
    public List<ServiceBody>? Services { get; init; }

    /// <summary>Mappings.</summary>
    public List<MappingBody>? Mappings { get; init; }

    /// <summary>Routes.</summary>
    public List<RouteBody>? Routes { get; init; }

    /// <summary>Listeners.</summary>
    public List<ListenerBody>? Listeners { get; init; }

    /// <summary>Databases.</summary>
    public List<DatabaseBody>? Databases { get; init; }

    /// <summary>Accounts of databases.</summary>
    public List<DbAccountBody>? Accounts { get; init; }

    /// <summary>Grants.</summary>
    public List<GrantBody>? Grants { get; init; }

    /// <summary>Security policies.</summary>
    public List<SecurityPolicyBody>? SecurityPolicies { get; init; }
}
