using System.Net;
using System.Text.Json;
using MarchProxy.Cli.Commands;
using MarchProxy.Cli.Hosting.Upgrade;
using MarchProxy.Edge;
using MarchProxy.Edge.Admin;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net.Dns;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;
using MarchProxy.Telemetry.Syslog;

namespace MarchProxy.Cli.Hosting;

/// <summary>An edge configured by a file: starts, reloads when the file changes and on SIGHUP, is followed by a new process on SIGUSR2, drains on SIGTERM.</summary>
internal sealed class EdgeHost : IPlaneHost, IAsyncDisposable
{
    private static readonly string[] s_counters = ["marchproxy_requests_total", "marchproxy_connections_total", "marchproxy_active_connections", "marchproxy_bytes_total", "marchproxy_egress_decisions_total"];
    private readonly EdgeHostOptions _options;
    private readonly FlowLedger _flows = new();
    private readonly DnsResolver _resolver;
    private readonly LogWriter? _accessLog;
    private readonly TakeOver? _takeOver;
    private long _reloads, _refused;

    private EdgeHost(EdgeHostOptions options)
    {
        _options = options;
        TimeProvider time = TimeProvider.System;
        Log = options.Log ?? new ProcessLog(Console.Error, options.JsonLog, LogLevel.Info, time);
        EdgeSettings settings = options.Edge;
        Metrics = options.Metrics ?? new MetricRegistry(EdgeServer.LoopCount(settings));
        ProcessMetrics.Register(Metrics, BuildVersion.Text);
        Metrics.Observe("marchproxy_config_reloads_total", "Configurations put in force.", () => Interlocked.Read(ref _reloads));
        Metrics.Observe("marchproxy_flows_lost_total", "Egress decisions left out of the manager's flows, since there were too many different ones.", () => _flows.Lost);
        Metrics.Observe("marchproxy_config_refused_total", "Configurations refused.", () => Interlocked.Read(ref _refused));
        _resolver = new DnsResolver(new DnsResolverOptions());
        _accessLog = MakeAccessLog(options, time);
        if (_accessLog is { } writer)
        {
            Metrics.Observe("marchproxy_log_dropped_lines_total", "Log lines dropped since the sink was too slow.", "sink", () => writer.Sinks.Select(s => (s.Name, (double)s.Dropped)));
            Metrics.Observe("marchproxy_log_sink_errors_total", "Writes of log lines that failed.", "sink", () => writer.Sinks.Select(s => (s.Name, (double)s.Failures)));
        }

        _takeOver = options.TakeOver is { Length: > 0 } path ? TakeOver.Begin(path) : null;
        Edge = new EdgeServer(settings, _resolver, Metrics, _accessLog, Log, time, _takeOver is null ? null : new EdgeInheritance(_takeOver.Sockets, _takeOver.TicketKeys));
    }

    public EdgeServer Edge { get; }

    public ProcessLog Log { get; }

    public MetricRegistry Metrics { get; }

    public string Prefix => "marchproxy";

    /// <summary>Runs until told to stop.</summary>
    /// <param name="options">How.</param>
    /// <param name="source">Makes the source of its configuration.</param>
    /// <param name="started">Called once it serves.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<int> RunAsync(EdgeHostOptions options, Func<IPlaneHost, IConfigSource> source, Func<EdgeHost, Task>? started, CancellationToken cancellation)
    {
        await using var host = new EdgeHost(options);
        await using IConfigSource config = source(host);
        return await host.RunAsync(config, started, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Edge.DisposeAsync();
        _takeOver?.Dispose();
        if (_accessLog is not null) await _accessLog.DisposeAsync();
        await _resolver.DisposeAsync();
        Metrics.Dispose();
    }

    private async Task<int> RunAsync(IConfigSource config, Func<EdgeHost, Task>? started, CancellationToken cancellation)
    {
        using var signals = new StopSignals(config.Reload, cancellation);
        config.Start();

        // A file is right or wrong at once; a manager may be away, and then the admin port tells that we are not ready. Who takes over must be ready before it is seen.
        if ((config is FileConfig || _takeOver is not null) && !await IsConfiguredAsync(config, signals)) return ExitCodes.Invalid;
        LoopTransport transport = Edge.CreateTransport();
        await using AdminServer? admin = await StartAdminAsync(transport);
        if (admin is null) return ExitCodes.Failed;
        string adminAddress = admin.Address!.Authority;
        foreach (string? own in new[] { adminAddress, _options.Manager, _options.Xds })
        {
            if (own is not null && IPEndPoint.TryParse(own, out IPEndPoint? endpoint)) Edge.AddOwn(endpoint);
        }

        Upgrades upgrades = null!;
        upgrades = new Upgrades(_options.RunFolder, new HandOver(Edge, transport, config.Settle, () => LetGoAsync(upgrades, config)), Log, signals);
        if (await IsConfiguredAsync(config, signals))
        {
            if (_takeOver is { } takeOver && !await TakeOverAsync(takeOver)) return ExitCodes.Failed;
            foreach ((string name, string endpoint) in Edge.Listeners.OrderBy(l => l.Key, StringComparer.Ordinal)) Log.Info("listening", ("listener", name), ("address", endpoint));
            Log.Info("ready", ("version", BuildVersion.Text), ("config", Edge.Version), ("admin", "http://" + adminAddress));
            if (started is not null) await started(this);
            upgrades.Open();
            if (_options.ReadyFile is { } ready) WriteReady(ready, adminAddress);
            SystemdNotify.Ready();
            await signals.Stopped;
        }

        await upgrades.DisposeAsync();
        if (!upgrades.IsHandedOver) SystemdNotify.Stopping();
        Log.Info("draining");
        Task beside = _options.Beside?.DrainAsync(signals.AtOnce) ?? Task.CompletedTask;
        int cut = await Edge.DrainAsync(signals.AtOnce);
        await beside;
        Log.Info("stopped", ("cut", cut));
        return ExitCodes.Ok;
    }

    /// <summary>Waits for the first configuration; false when there is none, or the process is told to stop before.</summary>
    private static async Task<bool> IsConfiguredAsync(IConfigSource config, StopSignals signals) => await Task.WhenAny(config.First, signals.Stopped) == config.First && await config.First;

    /// <summary>Goes on where the process before this one stops.</summary>
    private async Task<bool> TakeOverAsync(TakeOver takeOver)
    {
        try
        {
            await Edge.GoOnAsync(await takeOver.ReadyAsync());
            await takeOver.BegunAsync();
            return true;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            Log.Error("the running edge could not be taken over from, and goes on", ("fault", e.Message));
            return false;
        }
    }

    /// <summary>Another process has the sockets: ends what only one of both may do.</summary>
    private async Task LetGoAsync(Upgrades upgrades, IConfigSource config)
    {
        await upgrades.CloseAsync();
        await config.DisposeAsync();
        if (_options.LetGo is { } more) await more();
    }

    /// <summary>Opens the admin port; null, with the reason logged, when its address cannot be had.</summary>
    private async Task<AdminServer?> StartAdminAsync(LoopTransport transport)
    {
        if (!IPEndPoint.TryParse(_options.AdminListen, out IPEndPoint? endpoint))
        {
            Log.Error("--admin-listen is not ADDRESS:PORT", ("given", _options.AdminListen));
            return null;
        }

        var admin = new AdminServer(transport, new AdminOptions
        {
            Listen = endpoint,
            Version = BuildVersion.Text,
            Ready = () => Edge.IsReady ? ReadyState.Ready with { Overload = Edge.Overload } : new ReadyState([Edge.IsDraining ? "draining" : "no configuration is in force yet"]),
            Purge = asked => Edge.PurgeCache(asked.Route, asked.Host, asked.Path, asked.Prefix),
            Stored = () => Edge.CacheUse,
            More = _options.Beside is { } beside ? new DbAdminApi(beside).AnswerAsync : null,
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
            Log.Error("the admin address cannot be had; choose another with --admin-listen", ("address", _options.AdminListen), ("fault", e.Message));
            await admin.DisposeAsync();
            return null;
        }
    }

    /// <summary>Puts a snapshot in force; null when it holds, else why not.</summary>
    public async Task<string?> ApplyAsync(Snapshot snapshot, string why)
    {
        string? before = Edge.Version;
        if (snapshot.Version == before) return null;
        try
        {
            await Edge.ApplyAsync(snapshot);
        }
        catch (EdgeConfigurationException e)
        {
            Refuse(why, e.Message);
            return e.Message;
        }
        catch (ObjectDisposedException)
        {
            return "the edge stops";
        }

        Interlocked.Increment(ref _reloads);
        if (before is not null) Log.Info("configuration in force", ("why", why), ("before", before), ("now", snapshot.Version));
        return null;
    }

    /// <summary>Counts and tells a configuration that was refused; always false.</summary>
    public bool Refuse(string why, string fault)
    {
        Interlocked.Increment(ref _refused);
        Log.Error("configuration refused", ("why", why), ("fault", fault), ("kept", Edge.Version ?? "none"));
        return false;
    }

    /// <summary>Has the logs open their files anew.</summary>
    public void ReopenLogs() => _accessLog?.Reopen();

    public async Task FillAsync(PlaneReport report)
    {
        report.Kind = "edge";
        report.RunningVersion = Edge.Version ?? "";
        report.Draining = Edge.IsDraining;
        report.Capabilities.AddRange(["epoll", "http1", "http2", "socks5", "tls", "transparent", "udp"]);
        foreach ((string name, double value) in Metrics.Totals(s_counters)) report.Counters[name] = value;
        (IReadOnlyList<(string Flow, Edge.Egress.FlowCount Count)> counts, long lost) = await Edge.TakeFlowsAsync();
        _flows.Report(report, counts, lost);
    }

    public void Answered() => _flows.Answered();

    /// <summary>Written beside and renamed, so that who waits for it never reads half of it.</summary>
    private void WriteReady(string path, string admin)
    {
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(new { pid = Environment.ProcessId, admin, manager = _options.Manager, xds = _options.Xds, listeners = Edge.Listeners.Concat(_options.Beside?.Listeners ?? new Dictionary<string, string>()).ToDictionary() }));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static LogWriter? MakeAccessLog(EdgeHostOptions options, TimeProvider time)
    {
        var sinks = new List<ILogSink>();
        if (options.AccessLog is null or "stdout") sinks.Add(FileSink.StandardOutput());
        else if (options.AccessLog != "off") sinks.Add(FileSink.Append(options.AccessLog));
        if (options.Syslog is { } syslog) sinks.Add(new SyslogSink(syslog, "marchproxy", time));

        return sinks.Count > 0 ? new LogWriter(sinks) : null;
    }
}
