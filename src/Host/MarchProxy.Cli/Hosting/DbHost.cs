using System.Net;
using System.Text.Json;
using ArticDbm.Proxy;
using MarchProxy.Cli.Commands;
using MarchProxy.Edge.Admin;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net.Dns;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;
using MarchProxy.Telemetry.Syslog;

namespace MarchProxy.Cli.Hosting;

/// <summary>ArticDBM in a process: by itself, or beside an edge.</summary>
internal sealed class DbHost : IPlaneHost, IAsyncDisposable
{
    private static readonly string[] s_counters = ["articdbm_connections_total", "articdbm_active_connections", "articdbm_queries_total", "articdbm_auth_failures_total", "articdbm_denied_total"];
    private readonly DbHostOptions _options;
    private readonly DnsResolver _resolver = new(new DnsResolverOptions());
    private readonly LogWriter? _statementLog;
    private readonly UseLedger _uses = new();
    private readonly bool _ownsMetrics;
    private long _reloads, _refused;

    /// <summary>Makes one that serves nothing yet.</summary>
    public DbHost(DbHostOptions options)
    {
        _options = options;
        Log = options.Log ?? new ProcessLog(Console.Error, options.JsonLog, LogLevel.Info, TimeProvider.System);
        _ownsMetrics = options.Metrics is null;
        Metrics = options.Metrics ?? new MetricRegistry(DbProxy.LoopCount(options.Settings));
        if (_ownsMetrics) ProcessMetrics.Register(Metrics, BuildVersion.Text);
        Metrics.Observe("articdbm_config_reloads_total", "Configurations put in force.", () => Interlocked.Read(ref _reloads));
        Metrics.Observe("articdbm_config_refused_total", "Configurations refused.", () => Interlocked.Read(ref _refused));
        var sinks = new List<ILogSink>();
        if (options.StatementLog != "off")
        {
            sinks.Add(options.StatementLog is null or "stdout" ? FileSink.StandardOutput() : FileSink.Append(options.StatementLog));
        }

        if (options.Syslog is { } syslog) sinks.Add(new SyslogSink(syslog, "articdbm", TimeProvider.System));
        if (sinks.Count > 0)
        {
            _statementLog = new LogWriter(sinks);
            Metrics.Observe("articdbm_log_failures_total", "Writes of statements' lines that failed, by sink.", "sink", () => _statementLog.Sinks.Select(s => (s.Name, (double)s.Failures)));
            Metrics.Observe("articdbm_log_dropped_lines_total", "Lines of statements dropped since the sink was too slow.", () => _statementLog.Sinks.Sum(s => (double)s.Dropped));
        }

        Db = new DbProxy(options.Settings, _resolver, Metrics, _statementLog, Log, TimeProvider.System);
    }

    public DbProxy Db { get; }

    public ProcessLog Log { get; }

    public MetricRegistry Metrics { get; }

    public string Prefix => "articdbm";

    /// <summary>Runs by itself until told to stop.</summary>
    public static async Task<int> RunAsync(DbHostOptions options, Func<DbHost, IConfigSource> source, CancellationToken cancellation)
    {
        await using var host = new DbHost(options);
        await using IConfigSource config = source(host);
        using var signals = new StopSignals(config.Reload, cancellation);
        config.Start();
        if (config is FileConfig && !await config.First) return ExitCodes.Invalid;
        await using AdminServer? admin = await host.StartAdminAsync();
        if (admin is null) return ExitCodes.Failed;
        if (await Task.WhenAny(config.First, signals.Stopped) == config.First && await config.First)
        {
            host.TellListeners();
            host.Log.Info("ready", ("version", BuildVersion.Text), ("config", host.Db.Version), ("admin", "http://" + admin.Address!.Authority));
            if (options.ReadyFile is { } ready)
            {
                await File.WriteAllTextAsync(ready + ".new", JsonSerializer.Serialize(new { pid = Environment.ProcessId, admin = admin.Address!.Authority, listeners = host.Db.Listeners }), CancellationToken.None);
                File.Move(ready + ".new", ready, overwrite: true);
            }

            SystemdNotify.Ready();
            await signals.Stopped;
        }

        SystemdNotify.Stopping();
        host.Log.Info("draining");
        await host.Db.DrainAsync(signals.AtOnce);
        host.Log.Info("stopped");
        return ExitCodes.Ok;
    }

    /// <summary>Logs where it listens.</summary>
    public void TellListeners()
    {
        foreach ((string name, string endpoint) in Db.Listeners.OrderBy(l => l.Key, StringComparer.Ordinal)) Log.Info("listening", ("listener", name), ("address", endpoint));
    }

    public async Task<string?> ApplyAsync(Snapshot snapshot, string why)
    {
        string? before = Db.Version;
        if (snapshot.Version == before) return null;
        try
        {
            await Db.ApplyAsync(snapshot);
        }
        catch (DbConfigurationException e)
        {
            Refuse(why, e.Message);
            return e.Message;
        }
        catch (ObjectDisposedException)
        {
            return "ArticDBM stops";
        }

        Interlocked.Increment(ref _reloads);
        if (before is not null) Log.Info("database configuration in force", ("why", why), ("before", before), ("now", snapshot.Version));
        return null;
    }

    public bool Refuse(string why, string fault)
    {
        Interlocked.Increment(ref _refused);
        Log.Error("database configuration refused", ("why", why), ("fault", fault), ("kept", Db.Version ?? "none"));
        return false;
    }

    public void ReopenLogs() => _statementLog?.Reopen();

    public Action ReportSoon
    {
        set => Db.KeyUsed = value;
    }

    public async Task FillAsync(PlaneReport report)
    {
        report.Kind = "articdbm";
        report.RunningVersion = Db.Version ?? "";
        report.Draining = Db.IsDraining;
        report.Capabilities.AddRange(["epoll", "postgresql", "tls"]);
        foreach ((string name, double value) in Metrics.Totals(s_counters)) report.Counters[name] = value;
        foreach ((string account, string key, long count) in Db.TakeKeyUses()) report.KeyUses.Add(new KeyUse { Account = account, Key = key, Count = count });
        _uses.Report(report, await Db.TakeUsesAsync());
    }

    public void Answered()
    {
        Db.KeyUsesTold();
        _uses.Answered();
    }

    public async ValueTask DisposeAsync()
    {
        await Db.DisposeAsync();
        if (_statementLog is not null) await _statementLog.DisposeAsync();
        await _resolver.DisposeAsync();
        if (_ownsMetrics) Metrics.Dispose();
    }

    private async Task<AdminServer?> StartAdminAsync()
    {
        if (!IPEndPoint.TryParse(_options.AdminListen ?? "", out IPEndPoint? endpoint))
        {
            Log.Error("--db-admin-listen is not ADDRESS:PORT", ("given", _options.AdminListen ?? ""));
            return null;
        }

        var admin = new AdminServer(new LoopTransport(Db.Loops), new AdminOptions
        {
            Listen = endpoint,
            Version = BuildVersion.Text,
            More = new DbAdminApi(Db).AnswerAsync,
            Ready = () => Db.IsReady ? ReadyState.Ready : new ReadyState([Db.IsDraining ? "draining" : "no configuration is in force yet"]),
            Metrics = (accept, output) =>
            {
                ExpositionFormat format = ExpositionFormats.FromAccept(accept);
                Metrics.Write(output, format);
                return format.ContentType();
            },
        });
        try
        {
            await admin.StartAsync();
            return admin;
        }
        catch (IOException e)
        {
            Log.Error("the admin address cannot be had; choose another with --db-admin-listen", ("address", _options.AdminListen), ("fault", e.Message));
            await admin.DisposeAsync();
            return null;
        }
    }
}
