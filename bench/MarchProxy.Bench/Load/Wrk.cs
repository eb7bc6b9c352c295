using System.Globalization;
using System.Text;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Load;

/// <summary>What one run of wrk or h2load saw.</summary>
/// <param name="Requests">Answered requests.</param>
/// <param name="Seconds">Length of the load.</param>
/// <param name="Bytes">Bytes received.</param>
/// <param name="Errors">Connections refused or timed out, failed writes and answers that are not 2xx or 3xx.</param>
/// <param name="ReadErrors">Failed reads; a server that closes after its answer may cause some.</param>
/// <param name="P50">Median latency in microseconds, closed loop.</param>
/// <param name="P99">99th percentile of the same.</param>
internal sealed record WrkReport(long Requests, double Seconds, long Bytes, long Errors, long ReadErrors, double P50, double P99);

/// <summary>Closed-loop HTTP load by wrk, one thread: it must not take the proxy's core.</summary>
internal static class Wrk
{
    /// <summary>Loads a server through its ingress.</summary>
    /// <exception cref="BenchException">wrk failed, or some request did.</exception>
    public static WrkReport Ingress(string scheme, int port, string path, int connections, TimeSpan duration, bool keepAlive = true)
    {
        List<string> arguments = ["-H", $"Host: {TestBed.Host}", "-s", Script("report.lua")];
        if (!keepAlive) arguments.AddRange(["-H", "Connection: close"]);
        return Run(connections, duration, [.. arguments, $"{scheme}://127.0.0.1:{port}{path}"], toleratesReadErrors: !keepAlive);
    }

    /// <summary>Loads a forward proxy with requests in absolute form.</summary>
    /// <exception cref="BenchException">wrk failed, or some request did.</exception>
    public static WrkReport Forward(int proxyPort, int originPort, string path, int connections, TimeSpan duration)
    {
        string credential = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{TestBed.User}:{TestBed.Token}"));
        return Run(connections, duration,
            ["-s", Script("forward.lua"), $"http://127.0.0.1:{proxyPort}/", "--", $"http://{TestBed.Host}:{originPort}{path}", credential], toleratesReadErrors: false);
    }

    private static WrkReport Run(int connections, TimeSpan duration, IEnumerable<string> arguments, bool toleratesReadErrors)
    {
        string seconds = Math.Max(1, Math.Round(duration.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        Tool tool = Tool.Run("env",
            [$"REPORT_LUA={Script("report.lua")}", "wrk", "-t1", $"-c{connections}", $"-d{seconds}s", "--timeout", "5s", .. arguments]);
        string line = tool.Output.Split('\n').FirstOrDefault(l => l.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new BenchException($"wrk failed: {tool.FirstLine}");
        double[] n = [.. line.Split(' ').Skip(1).Select(t => double.Parse(t, CultureInfo.InvariantCulture))];
        WrkReport report = new((long)n[0], n[1] / 1e6, (long)n[2], (long)(n[3] + n[5] + n[6]), (long)n[4], n[7], n[8]);
        long errors = report.Errors + (toleratesReadErrors ? 0 : report.ReadErrors);
        return errors == 0 && report.Requests > 0
            ? report
            : throw new BenchException(string.Create(CultureInfo.InvariantCulture,
                $"{report.Requests} answers; {n[6]} with a wrong status, {n[3]} connections refused or timed out, {n[4]} failed reads, {n[5]} failed writes"));
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Load", name);
}
