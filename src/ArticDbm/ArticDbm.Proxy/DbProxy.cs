using ArticDbm.Proxy.Admin;
using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Loop;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace ArticDbm.Proxy;

/// <summary>The database data plane: loops, listeners and the configuration they obey. A snapshot comes in by <see cref="ApplyAsync"/>; it cuts no session that it still allows.</summary>
public sealed class DbProxy : IAsyncDisposable
{
    private readonly LoopGroup _loops;
    private readonly DbSettings _settings;
    private readonly MetricRegistry _metrics;
    private readonly LogWriter? _statementLog;
    private readonly ProcessLog _log;
    private readonly TimeProvider _time;
    private readonly INameResolver _resolver;
    private readonly SemaphoreSlim _applying = new(1, 1);
    private readonly DbShared _shared;
    private DbLoop[] _dbs = [];
    private DbListenerSet? _listeners;
    private HealthChecker? _health;
    private volatile DbConfig? _config;

    /// <summary>Makes one that serves nothing yet.</summary>
    /// <param name="settings">Limits and timers.</param>
    /// <param name="resolver">Resolves the names of servers.</param>
    /// <param name="metrics">Where it counts; made for <see cref="LoopCount"/> shards.</param>
    /// <param name="statementLog">Where its lines go, or null.</param>
    /// <param name="log">The process's log.</param>
    /// <param name="time">The clock.</param>
    public DbProxy(DbSettings settings, INameResolver resolver, MetricRegistry metrics, LogWriter? statementLog, ProcessLog log, TimeProvider time)
    {
        _settings = settings;
        _resolver = resolver;
        _metrics = metrics;
        _statementLog = statementLog;
        _log = log;
        _time = time;
        _loops = new LoopGroup(LoopCount(settings));
        _shared = new DbShared(_loops.Loops.Count, time);
        foreach (EventLoop loop in _loops.Loops) loop.OnUnhandled = Defect;
    }

    /// <summary>The version of the snapshot in force; null before the first.</summary>
    public string? Version { get; private set; }

    /// <summary>Whether it serves.</summary>
    public bool IsReady => Version is not null && !IsDraining;

    /// <summary>Whether it was told to stop.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>The listeners that are open, by name, with the ports that the kernel chose.</summary>
    public IReadOnlyDictionary<string, string> Listeners => _listeners?.Endpoints ?? new Dictionary<string, string>();

    /// <summary>What operators see and do; null before the first configuration.</summary>
    public DbAdmin? Admin { get; private set; }

    /// <summary>What accounts used of databases since the last call.</summary>
    public async Task<IReadOnlyList<DatabaseUsed>> TakeUsesAsync()
    {
        DatabaseUsed[][] uses = await Task.WhenAll(_dbs.Select(db => db.Loop.InvokeAsync(db.Metrics.TakeUses)));
        return [.. uses.SelectMany(u => u)];
    }

    /// <summary>How often keys were used whose uses are bounded, as far as <see cref="KeyUsesTold"/> has not said that it is known.</summary>
    public IReadOnlyList<(string Account, string Key, long Count)> TakeKeyUses() => _shared.Keys.Take();

    /// <summary>Whoever asked for the uses of keys has passed them on.</summary>
    public void KeyUsesTold() => _shared.Keys.Answered();

    /// <summary>Told of each use of a key whose uses are bounded; it must not block.</summary>
    public Action? KeyUsed
    {
        set => _shared.Keys.Used = value;
    }

    /// <summary>The loops.</summary>
    public IReadOnlyList<EventLoop> Loops => _loops.Loops;

    /// <summary>Whether an engine is served.</summary>
    internal static bool Serves(string engine) => DbEngineList.Find(engine) is not null;

    /// <summary>How many loops one with these settings has: the shards of its metrics.</summary>
    /// <param name="settings">The settings.</param>
    public static int LoopCount(DbSettings settings) => settings.Loops > 0 ? settings.Loops : Environment.ProcessorCount;

    /// <summary>Puts a snapshot in force. What cannot be opened is an error and changes nothing.</summary>
    /// <param name="snapshot">A valid snapshot.</param>
    /// <exception cref="DbConfigurationException">A listener cannot be opened; the message names it and the mend.</exception>
    public async Task ApplyAsync(Snapshot snapshot)
    {
        await _applying.WaitAsync();
        try
        {
            foreach (Listener strange in snapshot.Listeners.Where(l => l.Purpose == ListenerPurpose.Database && !Serves(l.Engine)))
            {
                _log.Warn("a listener's engine is not served by this program; it stays closed", ("listener", strange.Name), ("engine", strange.Engine));
            }

            var config = new DbConfig(snapshot, _config, _loops.Loops.Count, _time);
            bool first = _dbs.Length == 0;
            if (first) Begin(config);
            Func<Task> commit = await _listeners!.PrepareAsync(snapshot);
            await _loops.ForEachAsync(loop => _dbs[loop.Id].Obey(config));
            _loops.Loops[0].Post(() => _health!.Obey(config));
            await commit();
            _config = config;
            _shared.Keys.Obey(config.Access);
            Version = snapshot.Version;
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>Stops accepting, and lets what is open go on: another process listens now.</summary>
    public Task LetGoAsync() => _listeners?.CloseAllAsync() ?? Task.CompletedTask;

    /// <summary>Stops accepting, lets transactions end, and closes the rest at the deadline.</summary>
    /// <param name="cancellationToken">Ends the waiting early.</param>
    public async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        if (IsDraining || _dbs.Length == 0) return;
        IsDraining = true;
        await _listeners!.CloseAllAsync();
        await _loops.ForEachAsync(loop => _dbs[loop.Id].BeginDrain());
        long deadline = Environment.TickCount64 + _settings.DrainMs;
        while (Environment.TickCount64 < deadline && !cancellationToken.IsCancellationRequested && await OpenSessionsAsync() > 0) await Task.Delay(50, CancellationToken.None);
        int left = await OpenSessionsAsync();
        if (left > 0) _log.Warn("database sessions were still busy at the end of the drain and are closed", ("count", left));
        _loops.Loops[0].Post(_health!.Stop);
        await _loops.ForEachAsync(loop => _dbs[loop.Id].KillAll());
        await _loops.ForEachAsync(loop => _dbs[loop.Id].Log.Flush());
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _loops.Dispose();
        _shared.MySql.Dispose();
        _listeners?.Dispose();
        _applying.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Begin(DbConfig config)
    {
        var families = new DbMetricFamilies(_metrics);
        _metrics.Observe("articdbm_server_connections", "Connections to a server.", "server", () => Shares(s => s.Open));
        _metrics.Observe("articdbm_pool_waiting", "Clients that wait for a connection to a server.", "server", () => Shares(s => s.Waiting));
        _metrics.Observe("articdbm_server_up", "Whether a server is up: by the questions put to it, and with one server alone by the last try to reach it.", "server", () => Shares(s => s.Health.IsUp && s.LastFault is null ? 1 : 0));
        _metrics.Observe("articdbm_server_primary", "Whether a server says that it is the primary; writes go to one of these.", "server", () => Shares(s => s.Health.IsPrimary ? 1 : 0));
        _metrics.Observe("articdbm_replica_lag_seconds", "How far a replica is behind; -1 when it does not know.", "server", () => Shares(s => s.Health.Standing is { IsPrimary: false } standing ? standing.Lag?.TotalSeconds ?? -1 : 0));
        _dbs =
        [
            .. _loops.Loops.Select(loop => new DbLoop(
                loop, _settings, config, _shared, new DbMetrics(families, loop.Id), new StatementLog(_statementLog is null ? null : new LineBatch(_statementLog), _time), _resolver, _time, Defect)),
        ];
        _health = new HealthChecker(_dbs[0], _log, _metrics.Counter("articdbm_failovers_total", "Times that writes went to another server than before.", "database"));
        _shared.Admin = Admin = new DbAdmin(_dbs, () => _config, _time);
        _listeners = new DbListenerSet(_loops, _dbs);
        _loops.Start();
        foreach (EventLoop loop in _loops.Loops) loop.Post(_dbs[loop.Id].Start);
    }

    private IEnumerable<(string, double)> Shares(Func<Pools.ServerShare, double> value) =>
        _config?.Targets.SelectMany(t => t.Known.Select(s => ($"{t.Database.Name} {s.Label}", value(s)))) ?? [];

    private async Task<int> OpenSessionsAsync()
    {
        int[] counts = await Task.WhenAll(_loops.Loops.Select(loop => loop.InvokeAsync(() => _dbs[loop.Id].Sessions.Count)));
        return counts.Sum();
    }

    private void Defect(Exception e) => _log.Error("a defect of the proxy's own: one session was lost to it", ("exception", e.ToString()));
}

/// <summary>A snapshot that is valid in itself cannot be put in force on this host; the message names the object and the mend.</summary>
public sealed class DbConfigurationException : Exception
{
    /// <summary>Makes one.</summary>
    public DbConfigurationException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    public DbConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    /// <param name="innerException">What lies behind.</param>
    public DbConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
