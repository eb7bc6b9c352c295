using System.Globalization;
using System.Text.RegularExpressions;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Load;

/// <summary>Closed-loop HTTP/2 load by h2load, one thread: it must not take the proxy's core.</summary>
internal static partial class H2load
{
    /// <summary>Loads a server through its ingress over TLS.</summary>
    /// <exception cref="BenchException">h2load failed, or some request did.</exception>
    public static WrkReport Ingress(int port, string path, int connections, int streams, TimeSpan duration)
    {
        string seconds = Math.Max(1, Math.Round(duration.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        Tool tool = Tool.Run("h2load",
            ["-t1", $"-D{seconds}", string.Create(CultureInfo.InvariantCulture, $"-c{connections}"), string.Create(CultureInfo.InvariantCulture, $"-m{streams}"), "-H", $":authority: {TestBed.Host}", $"https://127.0.0.1:{port}{path}"]);
        Match requests = Requests().Match(tool.Output), traffic = Traffic().Match(tool.Output), statuses = Statuses().Match(tool.Output);
        if (!requests.Success || !statuses.Success) throw new BenchException($"h2load failed: {tool.FirstLine}");
        long answered = Number(statuses.Groups[1]), failed = Number(requests.Groups[1]) + Number(requests.Groups[2]) + Number(statuses.Groups[2]) + Number(statuses.Groups[3]);
        return failed == 0 && answered > 0
            ? new WrkReport(answered, duration.TotalSeconds, traffic.Success ? Number(traffic.Groups[1]) : 0, 0, 0, 0, 0)
            : throw new BenchException($"{answered} answers; {requests.Value}; {statuses.Value}");
    }

    private static long Number(Group group) => long.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"requests: [^\n]* succeeded, ([0-9]+) failed, ([0-9]+) errored", RegexOptions.None, 1000)]
    private static partial Regex Requests();

    [GeneratedRegex(@"status codes: ([0-9]+) 2xx, [0-9]+ 3xx, ([0-9]+) 4xx, ([0-9]+) 5xx", RegexOptions.None, 1000)]
    private static partial Regex Statuses();

    [GeneratedRegex(@"traffic: [^\n]*\(([0-9]+)\) total", RegexOptions.None, 1000)]
    private static partial Regex Traffic();
}
