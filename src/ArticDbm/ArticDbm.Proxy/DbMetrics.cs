using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Listeners;
using MarchProxy.Telemetry.Metrics;

namespace ArticDbm.Proxy;

/// <summary>ArticDBM's metric families, made once a process.</summary>
internal sealed class DbMetricFamilies(MetricRegistry registry)
{
    public CounterFamily Connections { get; } = registry.Counter("articdbm_connections_total", "Client connections accepted.", "listener", "engine");

    public GaugeFamily Active { get; } = registry.Gauge("articdbm_active_connections", "Client connections open.");

    public CounterFamily Queries { get; } = registry.Counter("articdbm_queries_total", "Statements answered.", "database", "decision");

    public HistogramFamily Duration { get; } = registry.Histogram("articdbm_query_duration_seconds", "From a statement's arrival to the end of its answer.", MetricRegistry.LatencyBuckets, "database");

    public CounterFamily AuthFailures { get; } = registry.Counter("articdbm_auth_failures_total", "Log-ins refused, by reason.", "reason");

    public CounterFamily Injections { get; } = registry.Counter("articdbm_sql_injection_attempts_total", "Statements that a rule of the firewall found, by rule and what was done.", "rule", "mode");

    public CounterFamily Denied { get; } = registry.Counter("articdbm_denied_total", "Statements refused, by reason.", "reason");

    public CounterFamily BackendErrors { get; } = registry.Counter("articdbm_backend_errors_total", "Server connections that could not be had or broke, by database.", "database", "reason");

    public CounterFamily Pins { get; } = registry.Counter("articdbm_session_pins_total", "Sessions that keep their server connection to themselves, by reason.", "reason");

    public CounterFamily Shed { get; } = registry.Counter("articdbm_connections_shed_total", "Connections refused since the loop had its fill.");

    public CounterFamily Rows { get; } = registry.Counter("articdbm_rows_total", "Rows returned or changed.", "database");

    public CounterFamily AccountConnections { get; } = registry.Counter("articdbm_account_connections_total", "Log-ins, by account.", "account", "tenant", "database");

    public CounterFamily AccountQueries { get; } = registry.Counter("articdbm_account_queries_total", "Statements answered or refused, by account.", "account", "tenant", "database");

    public CounterFamily AccountRows { get; } = registry.Counter("articdbm_account_rows_total", "Rows returned or changed, by account.", "account", "tenant", "database");

    public CounterFamily AccountBytes { get; } = registry.Counter("articdbm_account_bytes_total", "Bytes from (in) and to (out) clients, by account.", "account", "tenant", "database", "direction");

    public CounterFamily Bytes { get; } = registry.Counter("articdbm_bytes_total", "Bytes from (in) and to (out) clients.", "direction");
}

/// <summary>One loop's cells of the families.</summary>
internal sealed class DbMetrics(DbMetricFamilies families, int shard)
{
    private readonly Dictionary<(string Database, string Decision), CounterCell> _queries = [];
    private readonly Dictionary<(string Account, string Tenant, string Database), UseCounts> _uses = [];
    private readonly Dictionary<string, HistogramCell> _durations = [];
    private readonly Dictionary<string, CounterCell> _rows = [];
    private readonly GaugeCell _active = families.Active.Cell(shard);
    private string? _lastDatabase, _lastDecision;
    private CounterCell? _lastQueries, _lastRows;
    private HistogramCell? _lastDuration;

    public CounterCell Shed { get; } = families.Shed.Cell(shard);

    public CounterCell BytesIn { get; } = families.Bytes.Cell(shard, "in");

    public CounterCell BytesOut { get; } = families.Bytes.Cell(shard, "out");

    public void Accepted(DbListener listener) => families.Connections.Cell(shard, listener.Name, listener.Engine).Inc();

    /// <summary>The counting of an account's use of a database. Accounts that there are no longer stay counted until the process ends: those that come have been proven, so they are few.</summary>
    public UseCounts Use(string account, string tenant, string database)
    {
        if (!_uses.TryGetValue((account, tenant, database), out UseCounts? use)) _uses[(account, tenant, database)] = use = new UseCounts(families, shard, account, tenant, database);
        return use;
    }

    /// <summary>What accounts used since the last call.</summary>
    public DatabaseUsed[] TakeUses() => [.. _uses.Values.Select(u => u.Take()).OfType<DatabaseUsed>()];

    public void Gauge(int sessions) => _active.Set(sessions);

    public void AuthFailure(string reason) => families.AuthFailures.Cell(shard, reason).Inc();

    public void BackendError(string database, string reason) => families.BackendErrors.Cell(shard, database, reason).Inc();

    public void Pinned(string reason) => families.Pins.Cell(shard, reason).Inc();

    public void Found(string rule, string mode) => families.Injections.Cell(shard, rule, mode).Inc();

    public void Finished(StatementRecord record)
    {
        if (!ReferenceEquals(record.Database, _lastDatabase) || !ReferenceEquals(record.Decision, _lastDecision)) Choose(record);
        _lastQueries!.Inc();
        _lastDuration!.Record(System.Diagnostics.Stopwatch.GetElapsedTime(record.Started, record.Ended).TotalSeconds);
        if (record.Rows > 0) _lastRows!.Add(record.Rows);
        if (record.Reason is { } reason) families.Denied.Cell(shard, reason).Inc();
    }

    /// <summary>The cells that statements on a database are counted in, for engines that count many at once.</summary>
    public (CounterCell Queries, HistogramCell Duration) Cells(string database, string decision) =>
        (families.Queries.Cell(shard, database, decision), families.Duration.Cell(shard, database));

    private void Choose(StatementRecord record)
    {
        (_lastDatabase, _lastDecision) = (record.Database, record.Decision);
        if (!_queries.TryGetValue((record.Database, record.Decision), out _lastQueries)) _queries[(record.Database, record.Decision)] = _lastQueries = families.Queries.Cell(shard, record.Database, record.Decision);
        if (!_durations.TryGetValue(record.Database, out _lastDuration)) _durations[record.Database] = _lastDuration = families.Duration.Cell(shard, record.Database);
        if (!_rows.TryGetValue(record.Database, out _lastRows)) _rows[record.Database] = _lastRows = families.Rows.Cell(shard, record.Database);
    }
}
