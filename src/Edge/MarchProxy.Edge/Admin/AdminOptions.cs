using System.Buffers;
using System.Net;

namespace MarchProxy.Edge.Admin;

/// <summary>What the admin port serves.</summary>
public sealed record AdminOptions
{
    /// <summary>Where it listens. Port 0 lets the kernel choose.</summary>
    public required EndPoint Listen { get; init; }

    /// <summary>The product's version, vMajor.Minor.Patch.Epoch.</summary>
    public required string Version { get; init; }

    /// <summary>Asked at each <c>/readyz</c>, on the thread pool.</summary>
    public required Func<ReadyState> Ready { get; init; }

    /// <summary>
    /// Writes the metrics of <c>/metrics</c> and returns their content type; the argument is the request's Accept header. Called on the thread pool.
    /// </summary>
    public required Func<string?, IBufferWriter<byte>, string> Metrics { get; init; }

    /// <summary>
    /// Throws out stored responses of a route, a host, a path and query, or of all that begin so, and returns of how many targets; empty ones stand for any. Null where nothing is stored.
    /// Called on the thread pool.
    /// </summary>
    public Func<(string Route, string Host, string Path, bool Prefix), int>? Purge { get; init; }

    /// <summary>The bytes that stored responses take, and of how many targets they are; null where nothing is stored.</summary>
    public Func<(long Bytes, int Count)>? Stored { get; init; }

    /// <summary>Asked first, on the thread pool: what a role answers itself; null for what it does not know. What changes anything has a method that a page of another origin cannot send unasked.</summary>
    public Func<AdminRequest, Task<AdminAnswer?>>? More { get; init; }

    /// <summary>The clock of the uptime.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
