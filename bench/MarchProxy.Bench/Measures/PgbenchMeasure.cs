using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>pgbench's select-only transactions through a pool of twenty connections by transaction, per CPU-second of the proxy: PgBouncer, and ours with firewall, grants and a line for each statement.</summary>
internal sealed class PgbenchMeasure(string group, string name, string mode, int clients, bool connectEach = false) : Measure(group, name, "transactions/CPU-s")
{
    public override IReadOnlyList<string> Peers => ["pgbouncer", "articdbm"];

    public override string Subject => "articdbm";

    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        (long done, double cpu) = Cost(peer, () => Load(peer, duration));
        return new Sample(done / cpu, new Dictionary<string, double> { ["transactionsPerSecond"] = done / duration.TotalSeconds, ["cores"] = cpu / duration.TotalSeconds });
    }

    private long Load(Peer peer, TimeSpan duration)
    {
        IDatabasePeer pooler = (IDatabasePeer)peer;
        return Pgbench.Run(pooler.Pgbench, pooler.DatabasePort, pooler.Who, mode, clients, connectEach, duration);
    }
}
