using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>The 99th percentile of latency when requests come at half the rate that nginx reaches at its peak here.</summary>
internal sealed class LatencyMeasure(string group, string name, int connections) : Measure(group, name, "p99 us")
{
    private const string Path = "/small";
    private double _rate;

    public override bool MoreIsBetter => false;

    public override void WarmUp(Peer peer, TimeSpan duration) => Wrk.Ingress("http", peer.HttpPort, Path, connections, duration);

    public override void Prepare(IReadOnlyList<Peer> peers, TimeSpan round)
    {
        Peer nginx = peers.FirstOrDefault(p => p.Name == "nginx") ?? throw new BenchException("the rate is taken from nginx, which is not running");
        WrkReport peak = Wrk.Ingress("http", nginx.HttpPort, Path, connections, round);
        _rate = peak.Requests / peak.Seconds / 2;
    }

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        using PacedLoad load = new(peer.HttpPort, Path, connections);
        (PacedReport report, double cpu) = Cost(peer, () => load.Run(_rate, duration));
        return new Sample(report.P99, new Dictionary<string, double>
        {
            ["requestsPerSecond"] = _rate,
            ["p50Microseconds"] = report.P50,
            ["p999Microseconds"] = report.P999,
            ["maxMicroseconds"] = report.Max,
            ["cores"] = cpu / duration.TotalSeconds,
        });
    }
}
