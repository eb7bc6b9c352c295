using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Datagrams of 128 bytes that went to an echo and came back, per CPU-second of the proxy: a dedicated listener against nginx's stream module.</summary>
internal sealed class UdpMeasure(string group, string name, int flows, int window) : Measure(group, name, "datagrams/CPU-s")
{
    public override IReadOnlyList<string> Peers => ["nginx", "marchproxy"];

    public override void WarmUp(Peer peer, TimeSpan duration)
    {
        using var load = new UdpLoad(peer.UdpPort, flows, window);
        load.Run(duration);
    }

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        using var load = new UdpLoad(peer.UdpPort, flows, window);
        ((long answered, long lost), double cpu) = Cost(peer, () => load.Run(duration));
        return new Sample(answered / cpu, new Dictionary<string, double>
        {
            ["datagramsPerSecond"] = answered / duration.TotalSeconds,
            ["lostPercent"] = 100.0 * lost / (answered + lost),
            ["cores"] = cpu / duration.TotalSeconds,
        });
    }
}
