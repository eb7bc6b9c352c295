namespace MarchProxy.Control.Api.Schema;

/// <summary>Compression of responses.</summary>
public sealed record CompressionBody
{
    /// <summary>br, gzip and zstd, best first; default br and gzip.</summary>
    public List<string>? Encodings { get; init; }

    /// <summary>Content types; <c>*</c> stands for any run of characters.</summary>
    public List<string>? Types { get; init; }

    /// <summary>Bytes below which it is not worth it: <c>1024</c> (default), <c>4k</c>.</summary>
    public string? MinBytes { get; init; }

    /// <summary>1 to 9; default 4.</summary>
    public int? Level { get; init; }
}

/// <summary>Caching of responses by RFC 9111.</summary>
public sealed record CacheBody
{
    /// <summary>How long a response is fresh that says nothing about it; left out, it is not kept.</summary>
    public string? Ttl { get; init; }

    /// <summary>How long a stale response is served while a new one is fetched.</summary>
    public string? StaleWhileRevalidate { get; init; }

    /// <summary>How long a stale response is served when the upstream fails.</summary>
    public string? StaleIfError { get; init; }

    /// <summary>Bytes of content above which a response is not kept; default <c>1m</c>.</summary>
    public string? MaxObject { get; init; }

    /// <summary>How long a request waits for the same response that another is fetching; default 5s.</summary>
    public string? FillWait { get; init; }
}

/// <summary>Copies of requests to another service.</summary>
public sealed record MirrorBody
{
    /// <summary>The service.</summary>
    public required string Service { get; init; }

    /// <summary>The share of requests; default 100.</summary>
    public int? Percent { get; init; }

    /// <summary>Bytes of content that are copied; default <c>64k</c>.</summary>
    public string? MaxBody { get; init; }

    /// <summary>For the whole of a copy; default 5s.</summary>
    public string? Timeout { get; init; }
}

/// <summary>Keeps clients with their address.</summary>
public sealed record AffinityBody
{
    /// <summary>The cookie that is set.</summary>
    public string? Cookie { get; init; }

    /// <summary>The field instead of a cookie.</summary>
    public string? Header { get; init; }

    /// <summary>How long the cookie lives; left out, until the browser closes.</summary>
    public string? Ttl { get; init; }

    /// <summary>The cookie's path.</summary>
    public string? Path { get; init; }

    /// <summary>Whether scripts cannot read the cookie; default true.</summary>
    public bool? HttpOnly { get; init; }

    /// <summary>auto (default), always or never.</summary>
    public string? Secure { get; init; }

    /// <summary>lax (default), strict or none.</summary>
    public string? SameSite { get; init; }

    /// <summary>What marks are made with. Never shown; left out, the one before is kept.</summary>
    public string? Secret { get; init; }
}

/// <summary>A second try of a slow request.</summary>
public sealed record HedgeBody
{
    /// <summary>How long the first try may take.</summary>
    public required string After { get; init; }
}

/// <summary>What the backend is asked for instead.</summary>
public sealed record RewriteBody
{
    /// <summary>The whole path.</summary>
    public string? Path { get; init; }

    /// <summary>An expression whose first match in the path is replaced.</summary>
    public string? Regex { get; init; }

    /// <summary>By what.</summary>
    public string? With { get; init; }

    /// <summary>The Host field.</summary>
    public string? Host { get; init; }
}

/// <summary>Rules that requests are held to.</summary>
public sealed record WafBody
{
    /// <summary>block (default), monitor or off.</summary>
    public string? Mode { get; init; }

    /// <summary>The mode of single rules: method, uri-length, query-length, header-count, header-size, body-size, content-type, path-traversal, path-encoding, header-anomaly.</summary>
    public Dictionary<string, string>? Rules { get; init; }

    /// <summary>Methods that pass.</summary>
    public List<string>? Methods { get; init; }

    /// <summary>Bytes of path and query.</summary>
    public string? MaxUri { get; init; }

    /// <summary>Bytes of the query.</summary>
    public string? MaxQuery { get; init; }

    /// <summary>Header fields.</summary>
    public int? MaxHeaders { get; init; }

    /// <summary>Bytes of all header fields.</summary>
    public string? MaxHeaderBytes { get; init; }

    /// <summary>Bytes of content.</summary>
    public string? MaxBody { get; init; }

    /// <summary>Types of content that pass.</summary>
    public List<string>? ContentTypes { get; init; }
}

/// <summary>How much of a service is used at a time; 0 for no bound.</summary>
public sealed record CircuitBody
{
    /// <summary>Connections open.</summary>
    public int? Connections { get; init; }

    /// <summary>Requests that wait for a connection; default 1024.</summary>
    public int? Pending { get; init; }

    /// <summary>Requests under way.</summary>
    public int? Requests { get; init; }

    /// <summary>Tries after the first under way.</summary>
    public int? Retries { get; init; }
}

/// <summary>Gives an address that is new or came back its share bit by bit.</summary>
public sealed record SlowStartBody
{
    /// <summary>Until the whole share.</summary>
    public required string Window { get; init; }

    /// <summary>The share to begin with; default 10.</summary>
    public int? MinPercent { get; init; }
}

/// <summary>How access lines are written.</summary>
public sealed record ListenerLogBody
{
    /// <summary>json, combined, common, or a template with nginx's names.</summary>
    public string? Format { get; init; }

    /// <summary>Of a hundred lines about what went well, how many are written.</summary>
    public int? Sample { get; init; }
}
