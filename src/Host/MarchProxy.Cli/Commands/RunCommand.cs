using System.CommandLine;
using System.Runtime.InteropServices;
using ArticDbm.Proxy;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;
using MarchProxy.Control;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy run ROLE</c>: one role in one process.</summary>
internal static class RunCommand
{
    public static Command Create(SettingSource settings)
    {
        var run = new Command("run", "Run one role of the suite.");
        run.Subcommands.Add(Edge(settings));
        run.Subcommands.Add(ArticDbm(settings));
        run.Subcommands.Add(Manager(settings));
        return run;
    }

    private static Command Edge(SettingSource settings)
    {
        var plane = new PlaneOptions(settings, "edge");
        var options = new EdgeOptions(settings);
        var edge = new Command("edge", "The egress and ingress proxy, configured by a file or by a manager.");
        plane.AddTo(edge);
        options.AddTo(edge);
        edge.SetAction((result, cancellation) =>
        {
            EdgeHostOptions host = options.Read(result);
            (Func<IPlaneHost, IConfigSource> source, string? folder) = plane.Read(result);
            return EdgeHost.RunAsync(host with { RunFolder = host.RunFolder ?? folder }, source, null, cancellation);
        });
        return edge;
    }

    private static Command ArticDbm(SettingSource settings)
    {
        var plane = new PlaneOptions(settings, "articdbm");
        Option<string> admin = SharedOptions.Text(settings, "--db-admin-listen", "Where ArticDBM's /healthz, /readyz and /metrics are served; port 0 lets the kernel choose.", "127.0.0.1:9090");
        Option<string?> ready = SharedOptions.ReadyFile(settings), log = SharedOptions.Optional(settings, "--statement-log", "Where lines of statements and log-ins go: stdout (the default), off, or a file's path.");
        Option<string> format = SharedOptions.LogFormat(settings), text = SharedOptions.StatementText(settings);
        Option<string?> syslog = SharedOptions.Syslog(settings);
        var articdbm = new Command("articdbm", "The database proxy, configured by a file or by a manager.") { admin, ready, log, text, syslog, format };
        plane.AddTo(articdbm);
        articdbm.SetAction((result, cancellation) => DbHost.RunAsync(
            new DbHostOptions
            {
                AdminListen = result.GetValue(admin),
                ReadyFile = result.GetValue(ready),
                StatementLog = result.GetValue(log),
                Syslog = SharedOptions.SyslogTarget(result.GetValue(syslog)),
                Settings = DbSettings.Default with { LogText = result.GetValue(text) == "folded" },
                JsonLog = result.GetValue(format) == "json",
            },
            plane.Read(result).Source, cancellation));
        return articdbm;
    }

    private static Command Manager(SettingSource settings)
    {
        var options = new ManagerSettings(settings);
        Option<string?> ready = SharedOptions.ReadyFile(settings);
        Option<string> format = SharedOptions.LogFormat(settings);
        var manager = new Command("manager", "The manager: API, console and the configuration of data planes.") { ready, format };
        options.AddTo(manager);
        manager.SetAction(async (result, cancellation) =>
        {
            var log = new ProcessLog(Console.Error, result.GetValue(format) == "json", LogLevel.Info, TimeProvider.System);
            using var metrics = new MetricRegistry(1);
            ProcessMetrics.Register(metrics, BuildVersion.Text);
            await using var server = new ManagerServer(options.Read(result), metrics, log, TimeProvider.System);
            if (!await ManagerHost.StartAsync(server, log)) return ExitCodes.Failed;
            var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration cancelled = cancellation.Register(() => stop.TrySetResult());
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                stop.TrySetResult();
            });
            if (result.GetValue(ready) is { } file)
            {
                await File.WriteAllTextAsync(file + ".new", System.Text.Json.JsonSerializer.Serialize(new { manager = server.Address.Authority, xds = server.XdsAddress.Authority }), cancellation);
                File.Move(file + ".new", file, overwrite: true);
            }

            await stop.Task;
            log.Info("stopped");
            return ExitCodes.Ok;
        });
        return manager;
    }
}
