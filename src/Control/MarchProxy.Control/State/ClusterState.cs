using System.Collections.Immutable;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Control.State;

/// <summary>The configuration of one cluster at one moment. Never changes; an edit makes the next one, which shares what did not change.</summary>
public sealed class ClusterState
{
    private static readonly ImmutableSortedDictionary<string, Entry> s_none = ImmutableSortedDictionary.Create<string, Entry>(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, ImmutableSortedDictionary<string, Entry>> _kinds;
    private readonly Lazy<Snapshot> _snapshot;

    private ClusterState(string name, ImmutableDictionary<string, ImmutableSortedDictionary<string, Entry>> kinds, ContentDigest digest)
    {
        Name = name;
        _kinds = kinds;
        Digest = digest;
        Version = digest.ToString();
        _snapshot = new Lazy<Snapshot>(() => SnapshotCompiler.CompileValid(Set(), Name));
    }

    /// <summary>The cluster.</summary>
    public string Name { get; }

    /// <summary>The content hash that planes run.</summary>
    public string Version { get; }

    /// <summary>Compiled when first asked for: what <c>explain</c> looks into.</summary>
    public Snapshot Snapshot => _snapshot.Value;

    /// <summary>Every resource.</summary>
    public IEnumerable<Entry> All => ResourceKind.All.SelectMany(Of);

    private ContentDigest Digest { get; }

    /// <summary>A cluster without resources.</summary>
    /// <param name="name">Its name.</param>
    public static ClusterState Empty(string name) => new(name, ImmutableDictionary<string, ImmutableSortedDictionary<string, Entry>>.Empty, default);

    /// <summary>The resources of a kind, by name.</summary>
    /// <param name="kind">The kind.</param>
    public IEnumerable<Entry> Of(ResourceKind kind) => Map(kind).Values;

    /// <summary>How many there are of a kind.</summary>
    /// <param name="kind">The kind.</param>
    public int Count(ResourceKind kind) => Map(kind).Count;

    /// <summary>A resource, or null.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    public Entry? Find(ResourceKind kind, string name) => Map(kind).GetValueOrDefault(name);

    /// <summary>The resources of a kind after a name, in order; the first page without one.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="after">The last name of the page before, or null.</param>
    public IEnumerable<Entry> After(ResourceKind kind, string? after)
    {
        ImmutableSortedDictionary<string, Entry> map = Map(kind);
        return after is null ? map.Values : map.Values.SkipWhile(e => string.CompareOrdinal(e.Name, after) <= 0);
    }

    /// <summary>The cluster after an edit.</summary>
    /// <param name="put">Made or changed.</param>
    /// <param name="delete">Gone.</param>
    public ClusterState With(IEnumerable<Entry> put, IEnumerable<Entry> delete)
    {
        var kinds = _kinds.ToBuilder();
        ContentDigest digest = Digest;
        foreach (Entry gone in delete)
        {
            kinds[gone.Kind.Plural] = kinds[gone.Kind.Plural].Remove(gone.Name);
            digest -= gone.Digest;
        }

        foreach (IGrouping<string, Entry> group in put.GroupBy(e => e.Kind.Plural))
        {
            var map = (kinds.TryGetValue(group.Key, out ImmutableSortedDictionary<string, Entry>? existing) ? existing : s_none).ToBuilder();
            foreach (Entry entry in group)
            {
                if (map.TryGetValue(entry.Name, out Entry? before)) digest -= before.Digest;
                map[entry.Name] = entry;
                digest += entry.Digest;
            }

            kinds[group.Key] = map.ToImmutable();
        }

        return new ClusterState(Name, kinds.ToImmutable(), digest);
    }

    /// <summary>All resources as the model's set.</summary>
    public ResourceSet Set()
    {
        ResourceSet set = ResourceSet.Empty;
        foreach (ResourceKind kind in ResourceKind.All) set = kind.Replace(set, Of(kind).Select(e => e.Resource));
        return set;
    }

    private ImmutableSortedDictionary<string, Entry> Map(ResourceKind kind) => _kinds.GetValueOrDefault(kind.Plural, s_none);
}
