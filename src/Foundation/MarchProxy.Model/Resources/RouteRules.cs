namespace MarchProxy.Model.Resources;

/// <summary>How a condition on a header field or query parameter compares.</summary>
public enum FieldMatchKind
{
    /// <summary>It is there, whatever its value.</summary>
    Present,

    /// <summary>It is not there.</summary>
    Absent,

    /// <summary>Its value is this, byte for byte.</summary>
    Exact,

    /// <summary>Its value begins with this.</summary>
    Prefix,

    /// <summary>Its value matches this expression, without backtracking.</summary>
    Regex,
}

/// <summary>A condition on a header field or a query parameter.</summary>
/// <param name="Name">The field's name in lower case, or the parameter's as it is.</param>
/// <param name="Kind">How it is compared.</param>
/// <param name="Value">With what; empty for present and absent.</param>
public sealed record FieldMatch(string Name, FieldMatchKind Kind, string Value);

/// <summary>How a request's address among those of its service is chosen.</summary>
public enum Balance
{
    /// <summary>One after another.</summary>
    RoundRobin,

    /// <summary>The one with the fewest requests under way.</summary>
    LeastRequest,

    /// <summary>Of two at random, the one with fewer requests under way.</summary>
    RandomTwo,

    /// <summary>By a key on a ring of points: a change of addresses moves only their share of keys.</summary>
    RingHash,

    /// <summary>By a key in a table as Maglev makes it: even shares, and few keys that move.</summary>
    Maglev,

    /// <summary>By the client's address, on the ring.</summary>
    IpHash,
}

/// <summary>Requests that a route takes a second; more are answered 429.</summary>
public sealed record RouteRateLimit
{
    /// <summary>Requests a second for each key.</summary>
    public int RequestsPerSecond { get; init; }

    /// <summary>How many may come at once; zero for a second's worth.</summary>
    public int Burst { get; init; }

    /// <summary>address (default), route, authorization (the credentials that a client brings), <c>header:NAME</c> or <c>cookie:NAME</c>.</summary>
    public string Key { get; init; } = "address";

    /// <summary>Whether answers that pass tell what is left (RateLimit and RateLimit-Policy), not only those that are refused. Default false.</summary>
    public bool Headers { get; init; }
}

/// <summary>An answer that sends the client elsewhere. What is left empty stays as it was asked.</summary>
public sealed record Redirect
{
    /// <summary>301, 302, 303, 307 or 308 (default).</summary>
    public int Status { get; init; } = 308;

    /// <summary>http or https.</summary>
    public string Scheme { get; init; } = "";

    /// <summary>The host, with a port where one is needed.</summary>
    public string Host { get; init; } = "";

    /// <summary>The whole path; the query goes with the one that was asked.</summary>
    public string Path { get; init; } = "";
}

/// <summary>How the addresses of a service are watched.</summary>
public sealed record HealthCheck
{
    /// <summary>tcp, http, https, grpc or icmp (a ping).</summary>
    public string Type { get; init; } = "http";

    /// <summary>Of http and https: what is asked for; of grpc: the service's name, empty for the server as a whole.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Between two checks. Default 5 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For an answer. Default 2 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Good answers in a row that bring an address back. Default 2.</summary>
    public int HealthyThreshold { get; init; } = 2;

    /// <summary>Bad ones in a row that take it out. Default 3.</summary>
    public int UnhealthyThreshold { get; init; } = 3;
}

/// <summary>When an address is set aside for what requests to it came to.</summary>
public sealed record OutlierEjection
{
    /// <summary>Failures in a row: no connection, no answer in time, a cut answer, or 502, 503 and 504. Zero switches it off. Default 5, as Envoy's.</summary>
    public int Failures { get; init; } = 5;

    /// <summary>For how long, once; longer each time that it happens again soon. Default 10 s.</summary>
    public TimeSpan EjectFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The share of addresses that may be aside at a time. Default 50.</summary>
    public int MaxEjectedPercent { get; init; } = 50;
}
