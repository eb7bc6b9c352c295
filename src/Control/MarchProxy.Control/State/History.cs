using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.State;

/// <summary>The versions of a cluster: what lies between two of them, and the way back to one.</summary>
public sealed class History(Manager manager)
{
    /// <summary>What changed from one version to another, each object once, as it stood at both.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="from">A version's number.</param>
    /// <param name="to">Another; may be the older one.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ControlException">A version is not kept.</exception>
    public async Task<IReadOnlyList<ObjectDelta>> DiffAsync(string cluster, long from, long to, CancellationToken cancellation = default)
    {
        if (from > to) return [.. (await DiffAsync(cluster, to, from, cancellation)).Select(d => new ObjectDelta(d.Key, d.After, d.Before))];
        await DemandAsync(cluster, from, cancellation);
        await DemandAsync(cluster, to, cancellation);
        var sum = new Dictionary<ResourceKey, ObjectDelta>();
        for (long number = from + 1; number <= to; number++)
        {
            foreach (ObjectDelta delta in await manager.DeltasAsync(cluster, number, cancellation))
            {
                sum[delta.Key] = sum.TryGetValue(delta.Key, out ObjectDelta? earlier) ? delta with { Before = earlier.Before } : delta;
            }
        }

        return [.. sum.Values.Where(d => !Same(d.Before, d.After)).OrderBy(d => d.Key.Kind, StringComparer.Ordinal).ThenBy(d => d.Key.Name, StringComparer.Ordinal)];
    }

    /// <summary>Makes a cluster what it was at a version; that is a new version, and can itself be undone.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="number">The version to go back to.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="dryRun">Only tell what would change.</param>
    /// <param name="cancellation">Ends it early.</param>
    public async Task<ChangeResult> RollbackAsync(string cluster, long number, Actor actor, bool dryRun, CancellationToken cancellation = default)
    {
        IReadOnlyList<StoredSnapshot> newest = await manager.Store.SnapshotsAsync(cluster, null, 1, cancellation);
        if (newest.Count == 0) throw new ControlException(RefusalKind.NotFound, $"The cluster {cluster} has no history.");
        ObjectDelta[] back = [.. (await DiffAsync(cluster, newest[0].Number, number, cancellation)).Where(d => !AccessDesk.IsTemporary(d.Before ?? d.After!))];
        return await manager.ChangeAsync(
            new ChangeRequest
            {
                Actor = actor,
                Comment = FormattableString.Invariant($"rollback to {number}"),
                Put = [.. back.Where(d => d.After is not null).Select(d => Back(cluster, d.After!))],
                Delete = [.. back.Where(d => d.After is null).Select(d => d.Key)],
                DryRun = dryRun,
                Exact = true,
            },
            cancellation);
    }

    /// <summary>Keys of accounts stay as they are: going back must not open a door again that was closed.</summary>
    private Resource Back(string cluster, Resource then) =>
        then is DbAccount account && manager.State.Cluster(cluster)?.Find(ResourceKind.Of(account), account.Name)?.Resource is DbAccount now ? account with { Keys = now.Keys } : then;

    private async Task DemandAsync(string cluster, long number, CancellationToken cancellation)
    {
        if (await manager.Store.SnapshotAsync(cluster, number, cancellation) is null)
        {
            throw new ControlException(RefusalKind.NotFound, $"The cluster {cluster} has no version {number}; the newest 100 are kept.");
        }
    }

    private static bool Same(Resource? x, Resource? y) => x is null ? y is null : y is not null && Model.Snapshots.ContentDigest.Of(x) == Model.Snapshots.ContentDigest.Of(y);
}
