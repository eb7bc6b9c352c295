using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>Every comparison with other proxies, in the order in which they are run and printed.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Measure> All { get; } =
    [
        new RequestsMeasure("http", "http-small-64", "http", "/small", 64) { Goals = Both(1.0) },
        new RequestsMeasure("http", "http-small-256", "http", "/small", 256) { Goals = Both(1.0) },
        new RequestsMeasure("http", "http-16k-64", "http", "/16k", 64) { Goals = Both(0.9) },
        new RequestsMeasure("http", "http-1m-64", "http", "/1m", 64) { Goals = Both(0.9) },
        new RequestsMeasure("http", "http-close-64", "http", "/small", 64, keepAlive: false) { Goals = [new Goal("nginx", 0.9)] },
        new ForwardMeasure("forward", "forward-small-64", "/small", 64) { Goals = [new Goal("squid", 2.0)] },
        new Http2Measure("http2", "http2-small-16x16", "/small", 16, 16) { Goals = [new Goal("nginx", 0.8)] },
        new TunnelMeasure("tunnels", "connect-64", socks: false) { Goals = [new Goal("squid", 1.0)] },
        new TunnelMeasure("tunnels", "socks-64", socks: true) { Goals = [new Goal("dante", 1.0)] },
        new UdpMeasure("udp", "udp-64x8", 64, 8) { Goals = [new Goal("nginx", 1.0)] },
        new SizeMeasure("size", "routes-10000", forward: false) { Goals = [new Goal("marchproxy-10", 0.95)] },
        new SizeMeasure("size", "mappings-10000", forward: true) { Goals = [new Goal("marchproxy-10", 0.95)] },
        new PgbenchMeasure("pg", "pg-simple-16", "simple", 16) { Goals = [new Goal("pgbouncer", 1.0)] },
        new PgbenchMeasure("pg", "pg-extended-16", "extended", 16) { Goals = [new Goal("pgbouncer", 1.0)] },
        new PgbenchMeasure("pg", "pg-simple-64", "simple", 64) { Goals = [new Goal("pgbouncer", 1.0)] },
        new PgbenchMeasure("pg", "pg-connect-16", "simple", 16, connectEach: true) { Goals = [new Goal("pgbouncer", 1.0)] },
        new RedisMeasure("redis", "redis-get-1", "get", 1) { Goals = [new Goal("nutcracker", 1.0)] },
        new RedisMeasure("redis", "redis-set-1", "set", 1) { Goals = [new Goal("nutcracker", 1.0)] },
        new RedisMeasure("redis", "redis-get-16", "get", 16) { Goals = [new Goal("nutcracker", 1.0)] },
        new RedisMeasure("redis", "redis-set-16", "set", 16) { Goals = [new Goal("nutcracker", 1.0)] },
        new HandshakeMeasure("handshakes", "tls13-full", resumed: false) { Goals = [new Goal("nginx", 0.9)] },
        new HandshakeMeasure("handshakes", "tls12-resumed", resumed: true) { Goals = [new Goal("nginx", 0.9)] },
        new RequestsMeasure("tls", "tls-small-64", "https", "/small", 64) { Goals = [new Goal("nginx", 0.9)] },
        new LatencyMeasure("latency", "latency-half", 64) { Goals = [new Goal("nginx", 1.0)] },
        new BulkMeasure("bulk", "tcp-bulk-1", 1, connect: false) { Goals = [new Goal("haproxy", 1.0)] },
        new BulkMeasure("bulk", "tcp-bulk-64", 64, connect: false) { Goals = [new Goal("haproxy", 1.0)] },
        new BulkMeasure("bulk", "connect-bulk-1", 1, connect: true) { Goals = [new Goal("haproxy", 1.0)] },
        new BulkMeasure("bulk", "connect-bulk-64", 64, connect: true) { Goals = [new Goal("haproxy", 1.0)] },
        new IdleMeasure("idle", "idle-10000", 10_000) { Goals = [new Goal(null, 100)] },
    ];

    /// <summary>The measures that a word of the command line asks for: all, a group, or one by name.</summary>
    /// <exception cref="BenchException">There is no such measure.</exception>
    public static IReadOnlyList<Measure> Find(string what)
    {
        Measure[] found = [.. All.Where(m => what == "all" || m.Group == what || m.Name == what)];
        return found.Length > 0 ? found : throw new BenchException($"there is no measure '{what}'\n\n{BenchOptions.Usage}{Describe()}");
    }

    /// <summary>The groups with their measures, one group a line.</summary>
    public static string Describe() =>
        "measures:\n" + string.Join('\n', All.GroupBy(m => m.Group).Select(g => $"  {g.Key,-8} {string.Join(' ', g.Select(m => m.Name))}"));

    private static Goal[] Both(double factor) => [new("nginx", factor), new("haproxy", factor)];
}
