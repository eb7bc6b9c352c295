using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>How a path is compared.</summary>
public enum PathMatchKind
{
    /// <summary>By whole leading segments: <c>/api</c> takes <c>/api</c> and <c>/api/x</c>, not <c>/apix</c>.</summary>
    Prefix,

    /// <summary>Byte for byte.</summary>
    Exact,

    /// <summary>By a regular expression without backtracking.</summary>
    Regex,
}

/// <summary>One path condition.</summary>
/// <param name="Kind">How it is compared.</param>
/// <param name="Value">With what.</param>
public sealed record PathMatch(PathMatchKind Kind, string Value);

/// <summary>Where a part of a route's requests goes.</summary>
/// <param name="Service">A service's name.</param>
/// <param name="Weight">Its share among the route's backends; 0 takes it out.</param>
public sealed record Backend(string Service, int Weight);

/// <summary>A change of one header field.</summary>
/// <param name="Action">set, add or remove.</param>
/// <param name="Name">The field's name.</param>
/// <param name="Value">Its value; empty for remove.</param>
public sealed record FieldChange(string Action, string Name, string Value);

/// <summary>Ingress: which requests go to which backends.</summary>
public sealed record Route : Resource
{
    /// <summary>What a request is tried again after when a route does not say.</summary>
    public static ImmutableArray<string> UsualRetryOn { get; } = ["connect-failure"];

    /// <inheritdoc/>
    public override string Kind => "route";

    /// <summary>Exact host names or <c>*.x</c>; empty for every host.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <summary>Of which a client's certificate must have one, as at a listener: others get 403. Empty for every client.</summary>
    public ImmutableArray<string> ClientNames { get; init; } = [];

    /// <summary>Paths; empty for every path.</summary>
    public ImmutableArray<PathMatch> Paths { get; init; } = [];

    /// <summary>Methods; empty for every method.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Conditions on header fields; all must hold.</summary>
    public ImmutableArray<FieldMatch> Headers { get; init; } = [];

    /// <summary>Conditions on query parameters; all must hold.</summary>
    public ImmutableArray<FieldMatch> Query { get; init; } = [];

    /// <summary>Sends the client elsewhere instead of to backends; null to serve.</summary>
    public Redirect? Redirect { get; init; }

    /// <summary>How an address among those of a backend's service is chosen.</summary>
    public Balance Balance { get; init; }

    /// <summary>What ring-hash and maglev hash: <c>address</c> (default), <c>header:NAME</c> or <c>cookie:NAME</c>.</summary>
    public string HashOn { get; init; } = "address";

    /// <summary>Requests a second; null for no bound.</summary>
    public RouteRateLimit? RateLimit { get; init; }

    /// <summary>Where to.</summary>
    public ImmutableArray<Backend> Backends { get; init; } = [];

    /// <summary>Tries after the first. Default 2.</summary>
    public int Retries { get; init; } = 2;

    /// <summary>
    /// After what a request is tried again: connect-failure, reset, timeout, gateway-error (502, 503, 504), 5xx, or a status. Default connect-failure. All but that only
    /// for requests that are safe to repeat: idempotent by their method, and without content.
    /// </summary>
    public ImmutableArray<string> RetryOn { get; init; } = UsualRetryOn;

    /// <summary>For a response to begin, over all tries; zero for the edge's default.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>For a response to begin in one try; zero for the whole of <see cref="Timeout"/>.</summary>
    public TimeSpan TryTimeout { get; init; }

    /// <summary>A second try of a slow request that is safe to repeat; null for none.</summary>
    public Hedge? Hedge { get; init; }

    /// <summary>Compression of responses; null for none.</summary>
    public Compression? Compression { get; init; }

    /// <summary>Caching of responses; null for none.</summary>
    public CachePolicy? Cache { get; init; }

    /// <summary>Copies of requests to another service; null for none.</summary>
    public Mirror? Mirror { get; init; }

    /// <summary>Keeps clients with their address; null for not.</summary>
    public Affinity? Affinity { get; init; }

    /// <summary>Rules that requests are held to; null for none.</summary>
    public Waf? Waf { get; init; }

    /// <summary>What the backend is asked for instead; null for what the client asked.</summary>
    public Rewrite? Rewrite { get; init; }

    /// <summary>Removed from the start of the path.</summary>
    public string StripPrefix { get; init; } = "";

    /// <summary>Put before the path.</summary>
    public string AddPrefix { get; init; } = "";

    /// <summary>Changes of request fields.</summary>
    public ImmutableArray<FieldChange> RequestHeaders { get; init; } = [];

    /// <summary>Changes of response fields.</summary>
    public ImmutableArray<FieldChange> ResponseHeaders { get; init; } = [];

    /// <summary>1 to 1000, lower first; then the more specific path wins. Default 100.</summary>
    public int Priority { get; init; } = 100;
}
