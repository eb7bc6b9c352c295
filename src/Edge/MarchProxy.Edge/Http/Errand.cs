using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Config;

namespace MarchProxy.Edge.Http;

/// <summary>What an exchange does that no client waits for.</summary>
internal sealed record Errand
{
    /// <summary>mirror, refresh or hedge, as the access line tells it.</summary>
    public required string Kind { get; init; }

    /// <summary>The route that it is done for.</summary>
    public required CompiledRoute Route { get; init; }

    /// <summary>For the whole of it.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The tries that it is the second of; null for others.</summary>
    public HedgeRace? Race { get; init; }

    /// <summary>Takes the response that is fetched; null for a mirror.</summary>
    public CacheFill? Fill { get; init; }

    /// <summary>What is kept and to be renewed; null for a mirror.</summary>
    public CachedResponse? Stored { get; init; }
}
