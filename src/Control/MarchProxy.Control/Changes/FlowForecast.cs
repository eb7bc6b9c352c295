using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Egress;

namespace MarchProxy.Control.Changes;

/// <summary>A flow of the last 24 hours that an edit would decide otherwise.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Flow">Who asked, for what.</param>
/// <param name="Count">How often it was asked, and when last.</param>
/// <param name="Before">What stands now says.</param>
/// <param name="After">What the edit makes would say.</param>
public sealed record FlowChange(string Cluster, Flow Flow, StoredFlow Count, EgressDecision Before, EgressDecision After)
{
    /// <summary>Whether it passes now and no longer would; else the reverse.</summary>
    public bool NewlyDenied => Before.Passes;
}

/// <summary>What an edit would do to the flows of the last 24 hours.</summary>
/// <param name="Asked">How many flows there were to ask about.</param>
/// <param name="Changes">Those that would be decided otherwise, the latest first.</param>
public sealed record FlowForecastResult(int Asked, IReadOnlyList<FlowChange> Changes);

/// <summary>Asks the policies before and after an edit for every flow of the last 24 hours.</summary>
internal static class FlowForecast
{
    private static readonly string[] s_kinds = ["services", "mappings"];

    /// <summary>Whether an edit can decide a flow of a cluster otherwise.</summary>
    public static bool Concerns(Plan plan, string cluster) => plan.Of(cluster).Any(c => s_kinds.Contains(c.Key.Kind)) && plan.Base.Cluster(cluster) is not null;

    /// <summary>The flows that would be decided otherwise, in the order given.</summary>
    public static IEnumerable<FlowChange> Find(ClusterState before, ClusterState? after, IEnumerable<(Flow Flow, StoredFlow Count)> flows, DateTimeOffset now)
    {
        EgressPolicy old = before.Snapshot.Egress, next = (after ?? ClusterState.Empty(before.Name)).Snapshot.Egress;
        foreach ((Flow flow, StoredFlow count) in flows)
        {
            EgressDecision was = flow.Decide(old, now), would = flow.Decide(next, now);
            if (was.Passes != would.Passes) yield return new FlowChange(before.Name, flow, count, was, would);
        }
    }
}
