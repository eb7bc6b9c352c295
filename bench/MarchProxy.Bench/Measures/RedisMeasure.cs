using System.Diagnostics;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>redis-benchmark's GET and SET, per CPU-second of the proxy: nutcracker, and ours with log-in, grants, firewall and statement log.</summary>
internal sealed class RedisMeasure(string group, string name, string command, int pipeline) : Measure(group, name, "commands/CPU-s")
{
    /// <summary>What either peer does at the least in a second of this load, so that a run lasts about as long as it was asked to.</summary>
    private const int PerSecond = 40_000;

    public override IReadOnlyList<string> Peers => ["nutcracker", "articdbm-redis"];

    public override string Subject => "articdbm-redis";

    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer, duration);

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        long started = Stopwatch.GetTimestamp();
        (long done, double cpu) = Cost(peer, () => Load(peer, duration));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Sample(done / cpu, new Dictionary<string, double> { ["commandsPerSecond"] = done / seconds, ["cores"] = cpu / seconds });
    }

    private long Load(Peer peer, TimeSpan duration)
    {
        var proxy = (IRedisPeer)peer;
        long count = (long)(PerSecond * (pipeline > 1 ? 10 : 1) * Math.Max(1, duration.TotalSeconds));
        RedisBenchmark.Run(proxy.RedisPort, proxy.LogIn, command, pipeline, count);
        return count;
    }
}
