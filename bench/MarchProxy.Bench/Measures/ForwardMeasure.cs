using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Requests in absolute form, with a user and a token, through the forward proxy per CPU-second of it.</summary>
internal sealed class ForwardMeasure(string group, string name, string path, int connections) : Measure(group, name, "requests/CPU-s")
{
    public override IReadOnlyList<string> Peers => ["squid", "marchproxy"];

    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration) => RequestSample.Take(peer, () => Load(peer, duration));

    private WrkReport Load(Peer peer, TimeSpan duration) => Wrk.Forward(peer.ForwardPort, peer.OriginPort, path, connections, duration);
}
