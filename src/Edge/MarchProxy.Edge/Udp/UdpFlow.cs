using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Udp;

/// <summary>A flow of a dedicated listener: its client's datagrams to the one service.</summary>
internal sealed class UdpFlow(UdpRelay relay, in Endpoint client, EdgeConfig config) : DatagramFlow(relay.Edge, config, relay.Listener.Name, client, "udp"), IEdgeSession
{
    IEdgeSession? ISessionNode<IEdgeSession>.Next { get; set; }

    IEdgeSession? ISessionNode<IEdgeSession>.Previous { get; set; }

    /// <summary>The relay ends it when its listener closes.</summary>
    public void Drain()
    {
    }

    public void Kill() => End("closed");

    protected override ValueTask<Endpoint[]> DecideAsync(AccessRecord record) => DedicatedTarget.FindAsync(Edge, relay.Listener.Resource, Client, EgressProtocols.Udp, record, new EgressGate());

    protected override void Add(UdpBatch outgoing, ReadOnlySpan<byte> answer) => outgoing.TryAdd(answer, Client);

    protected override void Answer(UdpBatch outgoing) => relay.Answer(outgoing);

    protected override void Forget()
    {
        Edge.Sessions.Remove(this);
        relay.Forget(this);
    }
}
