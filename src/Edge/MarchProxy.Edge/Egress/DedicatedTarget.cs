using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace MarchProxy.Edge.Egress;

/// <summary>Where a client of a dedicated port may go: the one service, under the same decision as everything else. The client is known by its address alone.</summary>
internal static class DedicatedTarget
{
    /// <summary>Decides, resolves and checks; fills in the record.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="listener">The dedicated listener as configured.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="protocol">Tcp or Udp.</param>
    /// <param name="record">Told the decision, and the reason when there is no target.</param>
    /// <param name="gate">Holds the decision afterwards.</param>
    /// <returns>The addresses that may be dialled; empty when none may.</returns>
    public static ValueTask<Endpoint[]> FindAsync(EdgeLoop edge, Listener listener, Endpoint client, EgressProtocols protocol, AccessRecord record, EgressGate gate)
    {
        EgressPolicy policy = edge.Config.Snapshot.Egress;
        Service? service = policy.FindService(listener.Service);
        if (service is null || service.Addresses.IsEmpty)
        {
            record.Reason = "no-backend-address";
            return new ValueTask<Endpoint[]>([]);
        }

        string host = service.Addresses[0];
        int port = listener.ServicePort > 0 ? listener.ServicePort : service.Ports.Preferred;
        record.SetHost(host);
        gate.SetSource(null, client.Address is { } address ? policy.FindByAddress(address) : [], protocol, edge.Now);
        if (gate.SetDestination(Encoding.ASCII.GetBytes(host), host.Contains(':', StringComparison.Ordinal), port)) return EgressAdmission.AdmitAsync(edge, edge.Config, gate, record);
        EgressAdmission.Note(record, new EgressDecision(MappingEffect.Deny, DenyReason.BadDestination, null, null, service, port), gate.AnySource);
        return new ValueTask<Endpoint[]>([]);
    }
}
