using MarchProxy.Control.State;
using MarchProxy.Control.Storage;

namespace MarchProxy.Control.Changes;

/// <summary>An edit worked out upon one state: valid, not yet stored.</summary>
/// <param name="Base">The state it was worked out upon.</param>
/// <param name="After">The state that it makes.</param>
/// <param name="Objects">What is told.</param>
/// <param name="Put">Made or changed, with what stood before.</param>
/// <param name="Gone">Deleted.</param>
/// <param name="NewlyDenied">Traffic that was allowed and is no longer.</param>
/// <param name="Warnings">What should be looked at.</param>
internal sealed record Plan(
    ManagerState Base, ManagerState After, IReadOnlyList<ObjectChange> Objects, IReadOnlyList<(Entry? Before, Entry After)> Put, IReadOnlyList<Entry> Gone,
    IReadOnlyList<string> NewlyDenied, IReadOnlyList<string> Warnings)
{
    /// <summary>Whether it changes nothing.</summary>
    public bool IsEmpty => Put.Count == 0 && Gone.Count == 0;

    /// <summary>The clusters that it touches.</summary>
    public IEnumerable<string> Clusters => Put.Select(p => p.After.Key.Cluster).Concat(Gone.Select(g => g.Key.Cluster)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>The objects of a cluster, as versions keep them.</summary>
    public IEnumerable<(ResourceKey Key, Entry? Before, Entry? After)> Of(string cluster) =>
        Put.Select(p => (p.After.Key, p.Before, (Entry?)p.After)).Concat(Gone.Select(g => (g.Key, (Entry?)g, (Entry?)null))).Where(c => c.Key.Cluster == cluster);
}
