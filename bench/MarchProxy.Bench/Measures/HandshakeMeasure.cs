using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>TLS handshakes per CPU-second of the proxy: with a P-256 certificate and TLS 1.3, or taking up a session of TLS 1.2.</summary>
internal sealed class HandshakeMeasure(string group, string name, bool resumed) : Measure(group, name, "handshakes/CPU-s")
{
    public override void WarmUp(Peer peer, TimeSpan duration) => Handshakes.Run(peer.HttpsPort, resumed, duration);

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        (long made, double cpu) = Cost(peer, () => Handshakes.Run(peer.HttpsPort, resumed, duration));
        return new Sample(made / cpu, new Dictionary<string, double> { ["handshakesPerSecond"] = made / duration.TotalSeconds });
    }
}
