using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Resident memory of the proxy while clients hold keep-alive connections that say nothing.</summary>
internal sealed class IdleMeasure(string group, string name, int connections) : Measure(group, name, "MB resident")
{
    public override bool MoreIsBetter => false;

    public override int Rounds(int asked) => 1;

    public override void WarmUp(Peer peer, TimeSpan duration)
    {
        // A fresh process is what is measured: its first connections are part of the load.
    }

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        double before = peer.ResidentBytes / 1e6;
        using IdleLoad load = new(peer.HttpPort, connections);
        double after = peer.ResidentBytes / 1e6;
        if (load.Open != connections) throw new BenchException($"closed {connections - load.Open} of {connections} idle connections");
        return new Sample(after, new Dictionary<string, double>
        {
            ["megabytesBefore"] = before,
            ["bytesPerConnection"] = (after - before) * 1e6 / connections,
        });
    }
}
