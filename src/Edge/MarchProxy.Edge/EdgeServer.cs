using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Health;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Overload;
using MarchProxy.Edge.Tls;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tls;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Edge;

/// <summary>
/// The edge data plane: loops, listeners and the configuration they obey. A snapshot comes in from a file or a control plane by <see cref="ApplyAsync"/>;
/// it takes effect on new requests at once and cuts no open connection.
/// </summary>
public sealed partial class EdgeServer : IAsyncDisposable
{
    private readonly LoopGroup _loops;
    private readonly EdgeSettings _settings;
    private readonly MetricRegistry _metrics;
    private readonly LogWriter? _accessLog;
    private readonly ProcessLog _log;
    private readonly TimeProvider _time;
    private readonly INameResolver _resolver;
    private readonly SemaphoreSlim _applying = new(1, 1);
    private readonly UpstreamTlsCache _upstreams = new();
    private readonly JwksStore _jwks;
    private readonly EgressLimits _limits;
    private readonly RateTable _rates;
    private readonly EndpointTable _endpoints = new();
    private readonly CircuitTable _circuits;
    private readonly ResponseCache _cache;
    private readonly HealthMonitor _health;
    private readonly EdgeInheritance? _inherited;
    private readonly OwnHost _own = new();
    private readonly TicketKeys _tickets;
    private readonly OcspStapler _stapler;
    private readonly OverloadWatch _overload;
    private EdgeLoop[] _edges = [];
    private ListenerSet? _listeners;

    /// <summary>Makes an edge that serves nothing yet.</summary>
    /// <param name="settings">Limits and timers.</param>
    /// <param name="resolver">Resolves names.</param>
    /// <param name="metrics">Where it counts; made for <see cref="LoopCount"/> shards.</param>
    /// <param name="accessLog">Where its access lines go, or null.</param>
    /// <param name="log">The process's log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="inherited">What a process before this one has handed over; nothing is accepted before <see cref="GoOnAsync"/> then.</param>
    public EdgeServer(EdgeSettings settings, INameResolver resolver, MetricRegistry metrics, LogWriter? accessLog, ProcessLog log, TimeProvider time, EdgeInheritance? inherited = null)
    {
        _inherited = inherited;
        _tickets = new TicketKeys(time, inherited?.TicketKeys);
        _stapler = new OcspStapler(time, log);
        _overload = new OverloadWatch(time, log);
        _settings = settings;
        _resolver = resolver;
        _metrics = metrics;
        _accessLog = accessLog;
        _log = log;
        _time = time;
        _jwks = new JwksStore(time, log);
        _rates = new RateTable(time);
        _cache = new ResponseCache(settings.CacheBytes);
        _circuits = new CircuitTable(GiveUpIdle);
        _limits = new EgressLimits(time, _rates);
        _health = new HealthMonitor(log, time);
        _loops = new LoopGroup(LoopCount(settings), EventLoopOptions.Default with { MaxBufferBytes = settings.MaxBufferBytesPerLoop });
        foreach (EventLoop loop in _loops.Loops) loop.OnUnhandled = Defect;
    }

    /// <summary>The version of the snapshot in force; null before the first.</summary>
    public string? Version { get; private set; }

    /// <summary>Whether it serves.</summary>
    public bool IsReady => Version is not null && !IsDraining;

    /// <summary>Whether it was told to stop.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>What the edge has too much of just now, so that the newest is refused; empty when nothing.</summary>
    public IReadOnlyList<string> Overload => _overload.Now();

    /// <summary>The listeners that are open, by name, with the ports that the kernel chose.</summary>
    public IReadOnlyDictionary<string, string> Listeners => _listeners?.Endpoints ?? new Dictionary<string, string>();

    /// <summary>Names something of this process that listens beside the listeners, so that no egress leads there by accident.</summary>
    /// <param name="endpoint">Where it listens.</param>
    public void AddOwn(System.Net.IPEndPoint endpoint) => _own.Add(endpoint);

    /// <summary>The loops as a transport for Kestrel: what is served beside the data plane needs no threads of its own.</summary>
    public LoopTransport CreateTransport() => new(_loops.Loops, LoopTransportOptions.Default with { Inherited = _inherited?.Sockets });

    /// <summary>Throws out stored responses.</summary>
    /// <param name="route">Of this route; empty for any.</param>
    /// <param name="host">Of this host; empty for any.</param>
    /// <param name="target">Of this path and query; empty for any.</param>
    /// <param name="prefix">Of all targets that begin so.</param>
    /// <returns>Of how many targets.</returns>
    public int PurgeCache(string route, string host, string target, bool prefix) =>
        _cache.Purge(Encoding.UTF8.GetBytes(route), Encoding.UTF8.GetBytes(host.ToLowerInvariant()), Encoding.UTF8.GetBytes(target), prefix);

    /// <summary>Bytes and number of targets of stored responses.</summary>
    public (long Bytes, int Count) CacheUse => (_cache.Bytes, _cache.Count);

    /// <summary>How many loops an edge with these settings has: the shards of its metrics.</summary>
    /// <param name="settings">The settings.</param>
    public static int LoopCount(EdgeSettings settings) => settings.Loops > 0 ? settings.Loops : Environment.ProcessorCount;

    /// <summary>Puts a snapshot in force: on every loop, then on the listeners. What cannot be opened is an error and changes nothing.</summary>
    /// <param name="snapshot">A valid snapshot.</param>
    /// <exception cref="EdgeConfigurationException">A listener cannot be opened, or a certificate not used; the message names it and the mend.</exception>
    public async Task ApplyAsync(Snapshot snapshot)
    {
        await _applying.WaitAsync();
        try
        {
            ObjectDisposedException.ThrowIf(_released, this);
            var config = new EdgeConfig(snapshot, _upstreams, _endpoints, _circuits);
            if (_edges.Length == 0) Begin(config);

            await _jwks.PrepareAsync(snapshot);
            ListenerPlan plan = await _listeners!.PrepareAsync(snapshot);
            _own.Watch(snapshot.Egress, [.. plan.Opened.Concat(plan.Kept.Select(k => k.Listener)).Select(l => l.Endpoint).Where(e => e.Address is not null).Select(e => new System.Net.IPEndPoint(e.Address!, e.Port))]);
            await _loops.ForEachAsync(loop => _edges[loop.Id].Obey(config));
            await _listeners.CommitAsync(plan);
            await _stapler.KeepAsync(snapshot.Resources.Certificates);
            _upstreams.Keep(config.Upstreams.ToHashSet());
            _endpoints.Keep([.. config.Endpoints.Select(e => e.State)]);
            await _health.WatchAsync(config.Endpoints);
            Version = snapshot.Version;
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>Takes the counts of egress decisions since the last taking.</summary>
    /// <returns>The counts by the text of their <see cref="Model.Egress.Flow"/>, the same flow once for each loop, and how many decisions found no room.</returns>
    public async Task<(IReadOnlyList<(string Flow, FlowCount Count)> Counts, long Lost)> TakeFlowsAsync()
    {
        if (_edges.Length == 0) return ([], 0);
        (List<(string, FlowCount)> Counts, long Lost)[] all = await Task.WhenAll(_loops.Loops.Select(loop => loop.InvokeAsync(() => _edges[loop.Id].Flows.Take())));
        return ([.. all.SelectMany(a => a.Counts)], all.Sum(a => a.Lost));
    }

    /// <summary>Tells that it is not ready, waits for that to be noticed, stops accepting, lets what is open end, and closes the rest at the deadline.</summary>
    /// <param name="cancellationToken">Ends the waiting early.</param>
    /// <returns>Connections that had to be cut.</returns>
    public async Task<int> DrainAsync(CancellationToken cancellationToken = default)
    {
        if (IsDraining || _edges.Length == 0) return 0;
        IsDraining = true;
        if (_settings.DrainDelayMs > 0 && !_released) await Task.Delay(TimeSpan.FromMilliseconds(_settings.DrainDelayMs), _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_released) await _listeners!.CloseAllAsync();
        await _loops.ForEachAsync(loop => _edges[loop.Id].BeginDrain());
        long deadline = Environment.TickCount64 + _settings.DrainMs;
        while (Environment.TickCount64 < deadline && !cancellationToken.IsCancellationRequested && await OpenSessionsAsync() > 0)
        {
            await Task.Delay(50, CancellationToken.None);
        }

        int left = await OpenSessionsAsync();
        if (left > 0) _log.Warn("connections were still open at the end of the drain and are closed", ("count", left));
        await _loops.ForEachAsync(loop => _edges[loop.Id].KillAll());
        await _loops.ForEachAsync(loop => _edges[loop.Id].Log.Flush());
        return left;
    }

    /// <summary>Ends everything.</summary>
    public async ValueTask DisposeAsync()
    {
        _own.Dispose();
        await _health.DisposeAsync();
        await _stapler.DisposeAsync();
        _loops.Dispose();
        _listeners?.Dispose();
        _applying.Dispose();
        _jwks.Dispose();
    }

    /// <summary>Bytes that the loops' threads have allocated so far: what the test of the hot path watches.</summary>
    internal async Task<long> LoopAllocationsAsync() =>
        (await Task.WhenAll(_loops.Loops.Select(loop => loop.InvokeAsync(() => GC.GetAllocatedBytesForCurrentThread())))).Sum();

    private void Begin(EdgeConfig config)
    {
        var families = new EdgeMetricFamilies(_metrics);
        _metrics.Observe("marchproxy_egress_open_tunnels", "Tunnels, SOCKS and dedicated connections open, by the service that asks.", "source", _limits.Tunnels);
        _metrics.Observe("marchproxy_upstream_up", "Whether an address of a service gets requests: 0 when its health check fails or it is set aside.", "upstream", () => _endpoints.Up(() => Environment.TickCount64));
        _metrics.Observe("marchproxy_ocsp_staple_seconds", "Seconds for which the OCSP staple of a certificate holds yet; 0 without one.", "certificate", _stapler.Left);
        _metrics.Observe("marchproxy_cache_bytes", "Bytes of memory that stored responses take.", () => _cache.Bytes);
        _metrics.Observe("marchproxy_cache_objects", "Targets that responses are stored of.", () => _cache.Count);
        _metrics.Observe("marchproxy_cache_evicted_total", "Targets thrown out for others.", () => _cache.Evicted);
        _metrics.Observe("marchproxy_cache_purged_total", "Targets thrown out by request.", () => _cache.Purged);
        _metrics.Observe("marchproxy_circuit_requests", "Requests under way to services with bounds.", "service", () => _circuits.Read(c => c.Requests));
        _metrics.Observe("marchproxy_circuit_connections", "Connections open to services with bounds.", "service", () => _circuits.Read(c => c.Connections.Open));
        _metrics.Observe("marchproxy_circuit_pending", "Requests that wait for a connection.", "service", () => _circuits.Read(c => c.Connections.Waiting));
        _metrics.Observe("marchproxy_circuit_refused_total", "What was refused since a bound was reached: service, and requests, connections or retries.", "circuit", _circuits.Refused);
        _edges =
        [
            .. _loops.Loops.Select(loop => new EdgeLoop(
                loop, _settings, config, _resolver, new EdgeMetrics(families, loop.Id),
                new AccessLog(_accessLog is null ? null : new LineBatch(_accessLog), _time, _settings.AccessLogFormat, _settings.AccessLogSample), new ClientProof(_jwks), _limits, _rates, _cache, _overload, _time, Defect)),
        ];
        _listeners = new ListenerSet(_loops, _edges, _inherited?.Sockets, new ListenerTlsFactory(_tickets, _stapler, _time));
        _loops.Start();
        foreach (EventLoop loop in _loops.Loops) loop.Post(_edges[loop.Id].Start);
    }

    /// <summary>A request waits for a connection to a service with bounds: an idle one on another loop is of no use to it.</summary>
    private void GiveUpIdle(CompiledBackend backend)
    {
        foreach (EdgeLoop edge in _edges) edge.Loop.Post(() => edge.Pool.DropOneIdle(backend.Endpoints, backend.Tls));
    }

    private async Task<int> OpenSessionsAsync()
    {
        int[] counts = await Task.WhenAll(_loops.Loops.Select(loop => loop.InvokeAsync(() => _edges[loop.Id].Sessions.Count)));
        return counts.Sum();
    }

    private void Defect(Exception e) => _log.Error("a defect of the proxy's own: one connection was lost to it", ("exception", e.ToString()));
}

/// <summary>A snapshot that is valid in itself cannot be put in force on this host; the message names the object and the mend.</summary>
public sealed class EdgeConfigurationException : Exception
{
    /// <summary>Makes one.</summary>
    public EdgeConfigurationException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    public EdgeConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    /// <param name="innerException">What lies behind.</param>
    public EdgeConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
