using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Requests over HTTP/2 and TLS through the ingress per CPU-second of the proxy.</summary>
internal sealed class Http2Measure(string group, string name, string path, int connections, int streams) : Measure(group, name, "requests/CPU-s")
{
    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration) => RequestSample.Take(peer, () => Load(peer, duration));

    private WrkReport Load(Peer peer, TimeSpan duration) => H2load.Ingress(peer.HttpsPort, path, connections, streams, duration);
}
