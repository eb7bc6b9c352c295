using System.Collections.Immutable;

namespace MarchProxy.Control.State;

/// <summary>All clusters at one revision of the store. Never changes.</summary>
/// <param name="Revision">The store's.</param>
/// <param name="Clusters">By name.</param>
public sealed record ManagerState(long Revision, ImmutableSortedDictionary<string, ClusterState> Clusters)
{
    /// <summary>Nothing yet.</summary>
    public static ManagerState Empty { get; } = new(0, ImmutableSortedDictionary.Create<string, ClusterState>(StringComparer.Ordinal));

    /// <summary>A cluster, or null.</summary>
    /// <param name="name">Its name.</param>
    public ClusterState? Cluster(string name) => Clusters.GetValueOrDefault(name);
}
