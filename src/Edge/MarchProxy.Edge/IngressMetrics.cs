using MarchProxy.Edge.Compression;
using MarchProxy.Model.Resources;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Edge;

/// <summary>The metric families of what routes do beside passing on, made once a process.</summary>
internal sealed class IngressMetricFamilies(MetricRegistry registry)
{
    public CounterFamily Cache { get; } = registry.Counter("marchproxy_cache_requests_total", "Requests of routes that cache, by what came of it.", "result");

    public CounterFamily Waf { get; } = registry.Counter("marchproxy_waf_matches_total", "Requests that a rule found, by rule and what was done.", "rule", "action");

    public CounterFamily Mirror { get; } = registry.Counter("marchproxy_mirror_requests_total", "Copies of requests: sent, or dropped since there were too many or they were too long.", "result");

    public CounterFamily Compressed { get; } = registry.Counter("marchproxy_compressed_responses_total", "Responses compressed, by coding; skipped where too many were at a time.", "coding");

    public CounterFamily CompressionBytes { get; } = registry.Counter("marchproxy_compression_bytes_total", "Bytes into and out of compression.", "direction");

    public CounterFamily Hedges { get; } = registry.Counter("marchproxy_hedged_requests_total", "Second tries of slow requests, by whose answer came first.", "winner");
}

/// <summary>One loop's cells of the families.</summary>
internal sealed class IngressMetrics(IngressMetricFamilies families, int shard)
{
    private readonly Dictionary<string, CounterCell> _cache = new(StringComparer.Ordinal);
    private readonly Dictionary<(WafRule Rule, bool Blocked), CounterCell> _waf = [];
    private readonly CounterCell[] _compressed = [.. Enum.GetValues<ContentCoding>().Select(c => families.Compressed.Cell(shard, c == ContentCoding.Identity ? "skipped" : System.Text.Encoding.ASCII.GetString(AcceptEncoding.NameOf(c))))];

    public CounterCell MirrorSent { get; } = families.Mirror.Cell(shard, "sent");

    public CounterCell MirrorDropped { get; } = families.Mirror.Cell(shard, "dropped");

    public CounterCell CompressionSkipped => _compressed[(int)ContentCoding.Identity];

    public CounterCell CompressionIn { get; } = families.CompressionBytes.Cell(shard, "in");

    public CounterCell CompressionOut { get; } = families.CompressionBytes.Cell(shard, "out");

    public CounterCell HedgeFirst { get; } = families.Hedges.Cell(shard, "first");

    public CounterCell HedgeSecond { get; } = families.Hedges.Cell(shard, "second");

    public void Compressed(ContentCoding coding) => _compressed[(int)coding].Inc();

    public void Cache(string result)
    {
        if (!_cache.TryGetValue(result, out CounterCell? cell)) _cache[result] = cell = families.Cache.Cell(shard, result);
        cell.Inc();
    }

    public void Waf(WafRule rule, bool blocked)
    {
        if (!_waf.TryGetValue((rule, blocked), out CounterCell? cell)) _waf[(rule, blocked)] = cell = families.Waf.Cell(shard, Model.Resources.Waf.NameOf(rule), blocked ? "blocked" : "monitored");
        cell.Inc();
    }
}
