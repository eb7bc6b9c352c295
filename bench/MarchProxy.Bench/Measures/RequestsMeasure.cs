using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Requests through the ingress per CPU-second of the proxy.</summary>
internal sealed class RequestsMeasure(string group, string name, string scheme, string path, int connections, bool keepAlive = true)
    : Measure(group, name, "requests/CPU-s")
{
    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration) => RequestSample.Take(peer, () => Load(peer, duration));

    private WrkReport Load(Peer peer, TimeSpan duration) =>
        Wrk.Ingress(scheme, scheme == "https" ? peer.HttpsPort : peer.HttpPort, path, connections, duration, keepAlive);
}
