using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Udp;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Edge;

/// <summary>The edge's metric families, made once a process.</summary>
internal sealed class EdgeMetricFamilies(MetricRegistry registry)
{
    public CounterFamily Connections { get; } = registry.Counter("marchproxy_connections_total", "Connections accepted.", "listener");

    public GaugeFamily ActiveConnections { get; } = registry.Gauge("marchproxy_active_connections", "Client connections open.");

    public CounterFamily Requests { get; } = registry.Counter("marchproxy_requests_total", "HTTP requests answered, tunnels and TCP connections ended.", "listener", "kind", "code");

    public HistogramFamily Duration { get; } = registry.Histogram(
        "marchproxy_request_duration_seconds", "From the first byte of a request to the last of its response.", MetricRegistry.LatencyBuckets, "listener");

    public CounterFamily Decisions { get; } = registry.Counter("marchproxy_egress_decisions_total", "Egress decisions by effect and reason.", "effect", "reason");

    public CounterFamily Failures { get; } = registry.Counter("marchproxy_failures_total", "Requests and connections that went wrong, by reason.", "reason");

    public CounterFamily Bytes { get; } = registry.Counter("marchproxy_bytes_total", "Bytes from (in) and to (out) clients.", "direction");

    public CounterFamily UpstreamConnections { get; } = registry.Counter("marchproxy_upstream_connections_total", "Upstream connections by how they were had.", "how");

    public GaugeFamily UpstreamIdle { get; } = registry.Gauge("marchproxy_upstream_idle_connections", "Idle upstream connections kept.");

    public GaugeFamily Buffers { get; } = registry.Gauge("marchproxy_buffers_rented", "Buffer blocks in use.");

    public CounterFamily Shed { get; } = registry.Counter("marchproxy_shed_total", "Connections, requests and flows refused for overload, by what there was too much of.", "what");

    public GaugeFamily ActiveRequests { get; } = registry.Gauge("marchproxy_active_requests", "HTTP requests under way.");

    public GaugeFamily PendingConnects { get; } = registry.Gauge("marchproxy_pending_connects", "Connections to upstreams that are being made.");

    public CounterFamily Tls { get; } = registry.Counter("marchproxy_tls_handshakes_total", "TLS handshakes with clients by result.", "result");

    public CounterFamily Datagrams { get; } = registry.Counter("marchproxy_udp_datagrams_total", "Datagrams from (in) and to (out) clients.", "direction");

    public CounterFamily DatagramsDropped { get; } = registry.Counter("marchproxy_udp_dropped_datagrams_total", "Datagrams that went nowhere, by reason.", "reason");

    public CounterFamily Http2Connections { get; } = registry.Counter("marchproxy_http2_connections_total", "Client connections that speak HTTP/2.");

    public CounterFamily Http2Faults { get; } = registry.Counter("marchproxy_http2_faults_total", "Faults of HTTP/2 peers that ended a connection or a stream, by kind.", "fault");

    public IngressMetricFamilies Ingress { get; } = new(registry);

    public CounterFamily Retries { get; } = registry.Counter("marchproxy_upstream_retries_total", "Tries after the first.");
}

/// <summary>One loop's cells of the families. Cells are looked up by reference, since names in records are the same objects again and again.</summary>
internal sealed class EdgeMetrics(EdgeMetricFamilies families, int shard)
{
    private readonly Dictionary<(string Listener, string Kind, int Status), CounterCell> _requests = [];
    private readonly Dictionary<string, HistogramCell> _durations = [];
    private readonly Dictionary<string, CounterCell> _accepted = [];
    private readonly Dictionary<(string Effect, string Reason), CounterCell> _decisions = [];
    private readonly Dictionary<string, CounterCell> _failures = [];
    private readonly Dictionary<string, CounterCell> _shed = [];
    private readonly GaugeCell _requestsNow = families.ActiveRequests.Cell(shard);
    private readonly GaugeCell _connects = families.PendingConnects.Cell(shard);
    private readonly Dictionary<string, CounterCell> _http2Faults = [];
    private readonly CounterCell _bytesIn = families.Bytes.Cell(shard, "in");
    private readonly CounterCell _bytesOut = families.Bytes.Cell(shard, "out");
    private readonly CounterCell _reused = families.UpstreamConnections.Cell(shard, "reused");
    private readonly CounterCell _opened = families.UpstreamConnections.Cell(shard, "opened");
    private readonly CounterCell _retries = families.Retries.Cell(shard);
    private readonly GaugeCell _active = families.ActiveConnections.Cell(shard);
    private readonly GaugeCell _idle = families.UpstreamIdle.Cell(shard);
    private readonly GaugeCell _buffers = families.Buffers.Cell(shard);

    // The last cells used: most requests are like the one before.
    private string? _lastListener;
    private string? _lastKind;
    private int _lastStatus;
    private CounterCell? _lastRequests;
    private HistogramCell? _lastDuration;

    public IngressMetrics Ingress { get; } = new(families.Ingress, shard);

    public DatagramMetrics Datagrams { get; } = new(families.Datagrams, families.DatagramsDropped, shard);

    /// <summary>Counts a refusal for overload.</summary>
    public void Shed(string what)
    {
        if (!_shed.TryGetValue(what, out CounterCell? cell)) _shed[what] = cell = families.Shed.Cell(shard, what);
        cell.Inc();
    }

    public CounterCell Http2Connections { get; } = families.Http2Connections.Cell(shard);

    public void Http2Fault(string fault)
    {
        if (!_http2Faults.TryGetValue(fault, out CounterCell? cell)) _http2Faults[fault] = cell = families.Http2Faults.Cell(shard, fault);
        cell.Inc();
    }

    public CounterCell TlsHandshakes { get; } = families.Tls.Cell(shard, "ok");

    public CounterCell TlsFailures { get; } = families.Tls.Cell(shard, "failed");

    public void Accepted(string listener)
    {
        if (!_accepted.TryGetValue(listener, out CounterCell? cell)) _accepted[listener] = cell = families.Connections.Cell(shard, listener);
        cell.Inc();
    }

    public void Gauge(int sessions, int requests, int connects, int idle, int buffers)
    {
        _requestsNow.Set(requests);
        _connects.Set(connects);
        _active.Set(sessions);
        _idle.Set(idle);
        _buffers.Set(buffers);
    }

    public void Finished(AccessRecord record)
    {
        if (!ReferenceEquals(record.Listener, _lastListener) || !ReferenceEquals(record.Kind, _lastKind) || record.Status != _lastStatus) Choose(record);
        _lastRequests!.Inc();
        if (record.Cache is { } cache) Ingress.Cache(cache);
        if (record.Retries > 0) _retries.Add(record.Retries);
        if (record.Reason is { } reason) Failure(reason);
        if (record.Upstream.Family != default) (record.UpstreamReused ? _reused : _opened).Inc();

        // What no client waits for says nothing about what clients see.
        if (record.IsErrand) return;
        _lastDuration!.Record(Stopwatch.GetElapsedTime(record.Started, record.Ended).TotalSeconds);
        _bytesIn.Add(record.BytesIn);
        _bytesOut.Add(record.BytesOut);
        if (record.Effect is { } effect) Decision(effect, record.Reason ?? "none");
    }

    private void Choose(AccessRecord record)
    {
        var key = (record.Listener, record.Kind, record.Status);
        if (!_requests.TryGetValue(key, out CounterCell? requests))
        {
            _requests[key] = requests = families.Requests.Cell(shard, record.Listener, record.Kind, record.Status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        if (!_durations.TryGetValue(record.Listener, out HistogramCell? duration)) _durations[record.Listener] = duration = families.Duration.Cell(shard, record.Listener);
        (_lastListener, _lastKind, _lastStatus, _lastRequests, _lastDuration) = (record.Listener, record.Kind, record.Status, requests, duration);
    }

    private void Decision(string effect, string reason)
    {
        if (!_decisions.TryGetValue((effect, reason), out CounterCell? cell)) _decisions[(effect, reason)] = cell = families.Decisions.Cell(shard, effect, reason);
        cell.Inc();
    }

    private void Failure(string reason)
    {
        if (!_failures.TryGetValue(reason, out CounterCell? cell)) _failures[reason] = cell = families.Failures.Cell(shard, reason);
        cell.Inc();
    }
}
