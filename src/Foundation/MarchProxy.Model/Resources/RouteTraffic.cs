using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>Compression of a route's responses on their way to the client.</summary>
public sealed record Compression
{
    /// <summary>Content types that shrink well, in the order of their use on the web; nginx's and Envoy's usual lists together.</summary>
    public static ImmutableArray<string> UsualTypes { get; } =
    [
        "text/*", "application/json", "application/*+json", "application/javascript", "application/xml", "application/*+xml", "application/wasm", "application/graphql-response+json", "image/svg+xml",
        "font/ttf", "font/otf",
    ];

    /// <summary>Codings offered, best first, where the client likes them equally: br, gzip, zstd. Default br and gzip.</summary>
    public ImmutableArray<string> Encodings { get; init; } = ["br", "gzip"];

    /// <summary>Content types that are compressed; <c>*</c> stands for any run of characters.</summary>
    public ImmutableArray<string> Types { get; init; } = UsualTypes;

    /// <summary>Bytes below which it is not worth it, where the length is known. Default 1,024: a response of one packet gains nothing.</summary>
    public int MinBytes { get; init; } = 1024;

    /// <summary>1 (fast) to 9. Default 4: most of the gain at a few milliseconds of one core a megabyte.</summary>
    public int Level { get; init; } = 4;
}

/// <summary>Caching of a route's responses by RFC 9111, as a shared cache.</summary>
public sealed record CachePolicy
{
    /// <summary>How long a response is fresh that says nothing about it and whose status may be kept; zero: it is not kept. Default zero.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>How long a stale response is still served while a new one is fetched, where it does not say itself (RFC 5861). Default zero.</summary>
    public TimeSpan StaleWhileRevalidate { get; init; }

    /// <summary>How long a stale response is served when the upstream fails, where it does not say itself (RFC 5861). Default zero.</summary>
    public TimeSpan StaleIfError { get; init; }

    /// <summary>Bytes of content above which a response is not kept. Default 1 MiB: with the usual 128 MiB in all, no few objects push out the rest.</summary>
    public int MaxObjectBytes { get; init; } = 1 << 20;

    /// <summary>How long a request waits for the same response that another request is fetching, before it is sent on by itself. Default 5 s, as nginx's proxy_cache_lock_timeout; zero: it does not wait.</summary>
    public TimeSpan FillWait { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Sends copies of a share of a route's requests to another service; their responses are dropped.</summary>
public sealed record Mirror
{
    /// <summary>The service that gets the copies.</summary>
    public string Service { get; init; } = "";

    /// <summary>The share of requests. Default 100.</summary>
    public int Percent { get; init; } = 100;

    /// <summary>Bytes of content that are copied; a request with more is not mirrored. Default 64 KiB.</summary>
    public int MaxBodyBytes { get; init; } = 64 << 10;

    /// <summary>For the whole of a copy, its response included. Default 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Keeps a client with the address that answered it first.</summary>
public sealed record Affinity
{
    /// <summary>The cookie that is set; empty for a header.</summary>
    public string Cookie { get; init; } = "";

    /// <summary>The response field that tells the mark, and the request field that brings it back; empty for a cookie.</summary>
    public string Header { get; init; } = "";

    /// <summary>How long the cookie lives; zero: until the browser closes.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>The cookie's path. Default /.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Whether scripts cannot read the cookie. Default true.</summary>
    public bool HttpOnly { get; init; } = true;

    /// <summary>auto (default: when the client came over TLS), always or never.</summary>
    public string Secure { get; init; } = "auto";

    /// <summary>lax (default), strict or none.</summary>
    public string SameSite { get; init; } = "lax";

    /// <summary>What marks are made with: the same for all proxies and over restarts. Without it a process makes its own.</summary>
    public string? Secret { get; init; }
}

/// <summary>A second try of a slow request elsewhere, while the first goes on.</summary>
public sealed record Hedge
{
    /// <summary>How long the first try may take before a second is made.</summary>
    public TimeSpan After { get; init; }
}

/// <summary>What a request asks its backend for instead of what the client asked.</summary>
public sealed record Rewrite
{
    /// <summary>The whole path instead; empty to leave it. The query goes along.</summary>
    public string Path { get; init; } = "";

    /// <summary>An expression without backtracking, whose first match in the path is replaced; empty for none.</summary>
    public string Regex { get; init; } = "";

    /// <summary>By what: text with <c>$1</c> or <c>${name}</c> for groups.</summary>
    public string With { get; init; } = "";

    /// <summary>The Host field instead; empty to leave it.</summary>
    public string Host { get; init; } = "";
}
