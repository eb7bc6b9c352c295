using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>What a large configuration costs a request: ours with 10,000 services and as many routes or mappings against ours with ten and with 1,000.</summary>
internal sealed class SizeMeasure(string group, string name, bool forward) : Measure(group, name, "requests/CPU-s")
{
    private const int Connections = 64;

    public override IReadOnlyList<string> Peers => ["marchproxy-10", "marchproxy-1000", "marchproxy-10000"];

    public override string Subject => "marchproxy-10000";

    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration) => RequestSample.Take(peer, () => Load(peer, duration));

    private WrkReport Load(Peer peer, TimeSpan duration) => forward
        ? Wrk.Forward(peer.ForwardPort, peer.OriginPort, "/small", Connections, duration)
        : Wrk.Ingress("http", peer.HttpPort, "/small", Connections, duration);
}
