namespace MarchProxy.Control.Api.Schema;

/// <summary>Sends the client elsewhere; what is left out stays as it was asked.</summary>
public sealed record RedirectBody
{
    /// <summary>301, 302, 303, 307 or 308 (default).</summary>
    public string? Status { get; init; }

    /// <summary>http or https.</summary>
    public string? Scheme { get; init; }

    /// <summary>The host.</summary>
    public string? Host { get; init; }

    /// <summary>The path.</summary>
    public string? Path { get; init; }
}

/// <summary>Requests that a route takes a second; more are answered 429.</summary>
public sealed record RouteRateLimitBody
{
    /// <summary>Requests a second for each key.</summary>
    public int RequestsPerSecond { get; init; }

    /// <summary>How many may come at once; left out, a second's worth.</summary>
    public int? Burst { get; init; }

    /// <summary>address (default), route, authorization, <c>header:NAME</c> or <c>cookie:NAME</c>.</summary>
    public string? Key { get; init; }

    /// <summary>Whether answers that pass tell what is left.</summary>
    public bool? Headers { get; init; }
}

/// <summary>How the addresses of a service are watched.</summary>
public sealed record HealthBody
{
    /// <summary>tcp, http (default), https or grpc.</summary>
    public string? Type { get; init; }

    /// <summary>What is asked for; of grpc, the service's name.</summary>
    public string? Path { get; init; }

    /// <summary>Between two checks; default 5s.</summary>
    public string? Interval { get; init; }

    /// <summary>For an answer; default 2s.</summary>
    public string? Timeout { get; init; }

    /// <summary>Good answers in a row that bring an address back; default 2.</summary>
    public int? HealthyThreshold { get; init; }

    /// <summary>Bad ones in a row that take it out; default 3.</summary>
    public int? UnhealthyThreshold { get; init; }
}

/// <summary>When an address is set aside for what requests to it came to.</summary>
public sealed record OutlierBody
{
    /// <summary>Failures in a row; 0 switches it off; default 5.</summary>
    public int? Failures { get; init; }

    /// <summary>For how long; default 10s.</summary>
    public string? EjectFor { get; init; }

    /// <summary>The share of addresses that may be aside at a time; default 50.</summary>
    public int? MaxEjectedPercent { get; init; }
}
