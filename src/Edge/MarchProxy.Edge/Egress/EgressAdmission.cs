using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Edge.Egress;

/// <summary>One decision for everything that is not HTTP: by name, then by address, told in the record. What comes back may be dialled, and nothing else.</summary>
internal static class EgressAdmission
{
    private const int MaxTargets = 8;

    /// <summary>Decides, resolves and checks.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="config">The configuration that is obeyed.</param>
    /// <param name="gate">Knows source and destination.</param>
    /// <param name="record">Told the decision, and the reason when there is no target.</param>
    /// <returns>The addresses that may be dialled; empty when none may.</returns>
    public static async ValueTask<Endpoint[]> AdmitAsync(EdgeLoop edge, EdgeConfig config, EgressGate gate, AccessRecord record)
    {
        EgressPolicy policy = config.Snapshot.Egress;
        EgressDecision decision = gate.Decide(policy);
        if (decision.Passes && !gate.TryResolve(policy, edge.Resolver))
        {
            ResolveResult resolved = await edge.Resolver.ResolveAsync(gate.HostText);
            await edge.Loop.Enter();
            gate.Resolved = resolved;
        }

        var targets = new Endpoint[MaxTargets];
        int count = decision.Passes ? gate.FillTargets(policy, targets) : 0;
        decision = gate.Decision;
        Note(record, decision, gate.AnySource);
        edge.Flows.Count(gate, edge.Now);
        if (count == 0) record.Reason = decision.Passes ? "dns-failure" : decision.Reason.Code();
        return targets[..count];
    }

    /// <summary>Tells a decision in the record.</summary>
    public static void Note(AccessRecord record, in EgressDecision decision, Service? asker)
    {
        record.Effect = decision.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" };
        record.Rule = decision.Mapping?.Name;
        record.Source = (decision.Source ?? asker)?.Name;
        record.Destination = decision.Destination?.Name;
        record.Reason = decision.Effect == MappingEffect.Report ? "would-deny" : decision.Passes ? null : decision.Reason.Code();
    }
}
