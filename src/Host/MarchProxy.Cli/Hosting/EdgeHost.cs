using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using MarchProxy.Cli.Commands;
using MarchProxy.Cli.Configuration;
using MarchProxy.Edge;
using MarchProxy.Edge.Admin;
using MarchProxy.Model.Intake;
using MarchProxy.Net.Dns;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;
using MarchProxy.Telemetry.Syslog;

namespace MarchProxy.Cli.Hosting;

/// <summary>An edge configured by a file: starts, reloads when the file changes and on SIGHUP, drains on SIGTERM.</summary>
internal sealed class EdgeHost : IAsyncDisposable
{
    private readonly EdgeHostOptions _options;
    private readonly ProcessLog _log;
    private readonly MetricRegistry _metrics;
    private readonly DnsResolver _resolver;
    private readonly LogWriter? _accessLog;
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private long _reloads, _refused;

    private EdgeHost(EdgeHostOptions options)
    {
        _options = options;
        TimeProvider time = TimeProvider.System;
        _log = new ProcessLog(Console.Error, options.JsonLog, LogLevel.Info, time);
        EdgeSettings settings = options.Edge;
        _metrics = new MetricRegistry(EdgeServer.LoopCount(settings));
        ProcessMetrics.Register(_metrics, BuildVersion.Text);
        _metrics.Observe("marchproxy_config_reloads_total", "Configurations put in force.", () => Interlocked.Read(ref _reloads));
        _metrics.Observe("marchproxy_config_refused_total", "Configurations refused.", () => Interlocked.Read(ref _refused));
        _resolver = new DnsResolver(new DnsResolverOptions());
        _accessLog = MakeAccessLog(options, time);
        if (_accessLog is { } writer)
        {
            _metrics.Observe("marchproxy_log_dropped_lines_total", "Log lines dropped since the sink was too slow.", "sink", () => writer.Sinks.Select(s => (s.Name, (double)s.Dropped)));
            _metrics.Observe("marchproxy_log_sink_errors_total", "Writes of log lines that failed.", "sink", () => writer.Sinks.Select(s => (s.Name, (double)s.Failures)));
        }

        Edge = new EdgeServer(settings, _resolver, _metrics, _accessLog, _log, time);
    }

    public EdgeServer Edge { get; }

    /// <summary>Runs until told to stop.</summary>
    public static async Task<int> RunAsync(EdgeHostOptions options, Func<EdgeHost, Task>? started, CancellationToken cancellation)
    {
        await using var host = new EdgeHost(options);
        return await host.RunAsync(started, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Edge.DisposeAsync();
        if (_accessLog is not null) await _accessLog.DisposeAsync();
        await _resolver.DisposeAsync();
        _metrics.Dispose();
        _reloading.Dispose();
    }

    private async Task<int> RunAsync(Func<EdgeHost, Task>? started, CancellationToken cancellation)
    {
        if (!await ReloadAsync("start")) return ExitCodes.Invalid;
        await using AdminServer? admin = await StartAdminAsync();
        if (admin is null) return ExitCodes.Failed;
        string adminAddress = admin.Address!.Authority;

        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration cancelled = cancellation.Register(() => stop.TrySetResult());
        using PosixSignalRegistration terminate = On(PosixSignal.SIGTERM, () => stop.TrySetResult());
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, () => stop.TrySetResult());
        using PosixSignalRegistration hangUp = On(PosixSignal.SIGHUP, () => _ = ReloadAsync("SIGHUP"));
        using FileWatch watch = new(_options.File, () => _ = ReloadAsync("file changed"));
        foreach ((string name, string endpoint) in Edge.Listeners.OrderBy(l => l.Key, StringComparer.Ordinal)) _log.Info("listening", ("listener", name), ("address", endpoint));
        _log.Info("ready", ("version", BuildVersion.Text), ("config", Edge.Version), ("admin", "http://" + adminAddress));
        if (_options.ReadyFile is { } ready) WriteReady(ready, adminAddress);
        if (started is not null) await started(this);
        await stop.Task;

        _log.Info("draining");
        await Edge.DrainAsync(CancellationToken.None);
        _log.Info("stopped");
        return ExitCodes.Ok;
    }

    /// <summary>Opens the admin port; null, with the reason logged, when its address cannot be had.</summary>
    private async Task<AdminServer?> StartAdminAsync()
    {
        if (!IPEndPoint.TryParse(_options.AdminListen, out IPEndPoint? endpoint))
        {
            _log.Error("--admin-listen is not ADDRESS:PORT", ("given", _options.AdminListen));
            return null;
        }

        var admin = new AdminServer(Edge.CreateTransport(), new AdminOptions
        {
            Listen = endpoint,
            Version = BuildVersion.Text,
            Ready = () => Edge.IsReady ? ReadyState.Ready : new ReadyState([Edge.IsDraining ? "draining" : "no configuration is in force yet"]),
            Metrics = (accept, output) =>
            {
                ExpositionFormat format = ExpositionFormats.FromAccept(accept);
                _metrics.Write(output, format);
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
            _log.Error("the admin address cannot be had; choose another with --admin-listen", ("address", _options.AdminListen), ("fault", e.Message));
            await admin.DisposeAsync();
            return null;
        }
    }

    /// <summary>Reads the file again. A file with a fault changes nothing; the first one must be right.</summary>
    private async Task<bool> ReloadAsync(string why)
    {
        await _reloading.WaitAsync();
        try
        {
            _accessLog?.Reopen();
            ResourceFile file = ResourceFile.Load(_options.File);
            foreach (Diagnostic diagnostic in file.Diagnostics)
            {
                if (diagnostic.Severity == Severity.Error) _log.Error(diagnostic.ToString());
                else _log.Warn(diagnostic.ToString());
            }

            if (file.Snapshot is not { } snapshot) return Refuse(why, "it has errors");
            if (snapshot.Version == Edge.Version) return true;
            string? before = Edge.Version;
            await Edge.ApplyAsync(snapshot);
            Interlocked.Increment(ref _reloads);
            if (before is not null) _log.Info("configuration in force", ("why", why), ("before", before), ("now", snapshot.Version));
            return true;
        }
        catch (EdgeConfigurationException e)
        {
            return Refuse(why, e.Message);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _reloading.Release();
        }
    }

    private bool Refuse(string why, string fault)
    {
        Interlocked.Increment(ref _refused);
        _log.Error("configuration refused", ("why", why), ("fault", fault), ("kept", Edge.Version ?? "none"));
        return false;
    }

    /// <summary>Written beside and renamed, so that who waits for it never reads half of it.</summary>
    private void WriteReady(string path, string admin)
    {
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(new { admin, listeners = Edge.Listeners }));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static PosixSignalRegistration On(PosixSignal signal, Action action) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        action();
    });

    private static LogWriter? MakeAccessLog(EdgeHostOptions options, TimeProvider time)
    {
        var sinks = new List<ILogSink>();
        if (options.AccessLog is null or "stdout") sinks.Add(FileSink.StandardOutput());
        else if (options.AccessLog != "off") sinks.Add(FileSink.Append(options.AccessLog));
        if (options.Syslog is { } syslog)
        {
            if (!Uri.TryCreate(syslog, UriKind.Absolute, out Uri? target) || target.Scheme != "udp") throw new InvalidOperationException($"--syslog {syslog} is not udp://HOST:PORT.");
            sinks.Add(new SyslogSink(target.Host, target.Port > 0 ? target.Port : 514, "marchproxy", time));
        }

        return sinks.Count > 0 ? new LogWriter(sinks) : null;
    }
}
