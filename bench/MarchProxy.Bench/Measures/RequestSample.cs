using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>One round of requests by wrk: what was answered, what the proxy spent on it, and that it wrote its access log meanwhile.</summary>
internal static class RequestSample
{
    /// <exception cref="BenchException">A request failed, or the proxy logged nothing.</exception>
    public static Sample Take(Peer peer, Func<WrkReport> load)
    {
        double cpuBefore = peer.CpuSeconds;
        long loggedBefore = peer.LoggedBytes;
        WrkReport report = load();
        double cpu = peer.CpuSeconds - cpuBefore;
        long logged = peer.LoggedBytes - loggedBefore;
        if (cpu <= 0) throw new BenchException("spent no measurable CPU time: the round is too short");
        if (peer.LoggedBytes == 0) throw new BenchException("wrote no access log");
        return new Sample(report.Requests / cpu, new Dictionary<string, double>
        {
            ["requestsPerSecond"] = report.Requests / report.Seconds,
            ["megabytesPerSecond"] = report.Bytes / report.Seconds / 1e6,
            ["cores"] = cpu / report.Seconds,
            ["p50Microseconds"] = report.P50,
            ["p99Microseconds"] = report.P99,
            ["logBytesPerRequest"] = (double)logged / report.Requests,
        });
    }
}
