using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Edge.Egress;

/// <summary>Where a client of a dedicated port may go: the one service, under the same decision as everything else. The client is known by its address alone.</summary>
internal static class DedicatedTarget
{
    private const int MaxTargets = 8;

    /// <summary>Decides, resolves and checks; fills in the record.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="listener">The dedicated listener as configured.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="protocol">Tcp or Udp.</param>
    /// <param name="record">Told the decision, and the reason when there is no target.</param>
    /// <returns>The addresses that may be dialled; empty when none may.</returns>
    public static async ValueTask<Endpoint[]> FindAsync(EdgeLoop edge, Listener listener, Endpoint client, EgressProtocols protocol, AccessRecord record)
    {
        EgressPolicy policy = edge.Config.Snapshot.Egress;
        Service? service = policy.FindService(listener.Service);
        if (service is null || service.Addresses.IsEmpty)
        {
            record.Reason = "no-backend-address";
            return [];
        }

        var gate = new EgressGate();
        string host = service.Addresses[0];
        int port = listener.ServicePort > 0 ? listener.ServicePort : service.Ports.Preferred;
        record.SetHost(host);
        bool known = gate.SetDestination(Encoding.ASCII.GetBytes(host), host.Contains(':', StringComparison.Ordinal), port);
        gate.SetSource(null, client.Address is { } address ? policy.FindByAddress(address) : [], protocol, edge.Now);
        EgressDecision decision = known ? gate.Decide(policy) : new EgressDecision(MappingEffect.Deny, DenyReason.BadDestination, null, null, service, port);
        if (decision.Passes && !gate.TryResolve(policy, edge.Resolver))
        {
            ResolveResult resolved = await edge.Resolver.ResolveAsync(gate.HostText);
            await edge.Loop.Enter();
            gate.Resolved = resolved;
        }

        var targets = new Endpoint[MaxTargets];
        int count = decision.Passes ? gate.FillTargets(policy, targets) : 0;
        if (decision.Passes) decision = gate.Decision;
        record.Effect = decision.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" };
        record.Rule = decision.Mapping?.Name;
        record.Source = (decision.Source ?? gate.AnySource)?.Name;
        record.Destination = service.Name;
        if (count == 0) record.Reason = decision.Passes ? "dns-failure" : decision.Reason.Code();
        return targets[..count];
    }
}
