using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Api.Schema;

/// <summary>Who asked for what in the last 24 hours, and what the egress policy said.</summary>
/// <param name="Source">The service that asked; several, joined by commas, where an address belongs to several; empty for nobody known.</param>
/// <param name="Proof">none, token, jwt or mtls.</param>
/// <param name="Host">The name or address asked for.</param>
/// <param name="Port">The port asked for.</param>
/// <param name="Protocols">What was asked for; a CONNECT asks for tcp and https.</param>
/// <param name="Allowed">Times let through.</param>
/// <param name="Denied">Times refused.</param>
/// <param name="Reported">Times let through and reported as what would be denied.</param>
/// <param name="Mapping">The mapping that decided last; null for none.</param>
/// <param name="Reason">The last decision's reason; none when it was let through.</param>
/// <param name="LastSeen">When it was asked last.</param>
public sealed record FlowInfo(
    string Source, string Proof, string Host, int Port, IReadOnlyList<string> Protocols, long Allowed, long Denied, long Reported, string? Mapping, string Reason, DateTimeOffset LastSeen)
{
    internal static FlowInfo Of(Flow flow, StoredFlow count) => new(
        flow.Source, flow.Proof.ToString().ToLowerInvariant(), flow.Host, flow.Port,
        [.. Enum.GetValues<EgressProtocols>().Where(p => p != EgressProtocols.None && flow.Protocols.HasFlag(p)).Select(p => p.ToString().ToLowerInvariant())],
        count.Allowed, count.Denied, count.Reported, count.Mapping.Length > 0 ? count.Mapping : null, count.Reason, count.LastSeen);
}

/// <summary>A page of flows.</summary>
/// <param name="Items">The latest first.</param>
/// <param name="Next">For <c>cursor</c> of the next page.</param>
/// <param name="Total">How many there are in all.</param>
public sealed record FlowPage(IReadOnlyList<FlowInfo> Items, string? Next, int Total);

/// <summary>A flow that an edit would decide otherwise.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Flow">The flow, as it was seen.</param>
/// <param name="Effect">What the edit would say: allow, deny or report.</param>
/// <param name="Reason">Why; none when nothing speaks against it.</param>
/// <param name="Mapping">The mapping that would decide, or the one that nearly fits.</param>
public sealed record FlowVerdict(string Cluster, FlowInfo Flow, string Effect, string Reason, string? Mapping)
{
    internal static FlowVerdict Of(FlowChange change) => new(
        change.Cluster, FlowInfo.Of(change.Flow, change.Count), change.After.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" },
        change.After.Reason.Code(), change.After.Mapping?.Name);
}

/// <summary>What an edit would do to the flows of the last 24 hours.</summary>
/// <param name="Asked">How many flows there were to ask about.</param>
/// <param name="NewlyDenied">Those that passed and no longer would, the latest first.</param>
/// <param name="NewlyAllowed">Those that were refused and would pass.</param>
/// <param name="More">How many more there are of either than are listed.</param>
public sealed record FlowForecastInfo(int Asked, IReadOnlyList<FlowVerdict> NewlyDenied, IReadOnlyList<FlowVerdict> NewlyAllowed, int More)
{
    /// <summary>Flows listed of either: as many as anybody reads.</summary>
    private const int Most = 200;

    internal static FlowForecastInfo? Of(FlowForecastResult? result)
    {
        if (result is null) return null;
        FlowChange[] denied = [.. result.Changes.Where(c => c.NewlyDenied)], allowed = [.. result.Changes.Where(c => !c.NewlyDenied)];
        int more = Math.Max(0, denied.Length - Most) + Math.Max(0, allowed.Length - Most);
        return new FlowForecastInfo(result.Asked, [.. denied.Take(Most).Select(FlowVerdict.Of)], [.. allowed.Take(Most).Select(FlowVerdict.Of)], more);
    }
}
