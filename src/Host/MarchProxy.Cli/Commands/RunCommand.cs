using System.CommandLine;
using System.Runtime.InteropServices;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;
using MarchProxy.Control;
using MarchProxy.Rpc.Discovery;
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
        run.Subcommands.Add(Manager(settings));
        return run;
    }

    private static Command Edge(SettingSource settings)
    {
        var file = new Option<string?>("--file", "-f") { Description = "The resource file; read again when it changes and on SIGHUP." };
        Option<string?> manager = SharedOptions.Optional(settings, "--manager", "The manager's discovery address, instead of a file: https://HOST:18000.");
        Option<string?> key = SharedOptions.Optional(settings, "--cluster-key", "The cluster's API key, or file:PATH to it.");
        Option<string> name = SharedOptions.Text(settings, "--name", "The plane's name in its cluster.", Environment.MachineName.ToLowerInvariant());
        Option<string?> ca = SharedOptions.Optional(settings, "--manager-ca", "A PEM file of the CA that the manager's certificate comes from; the system's when left out.");
        Option<string> data = SharedOptions.Text(settings, "--data", "The folder of the last good configuration.", "./data");
        var options = new EdgeOptions(settings);
        var edge = new Command("edge", "The egress and ingress proxy, configured by a file or by a manager.") { file, manager, key, name, ca, data };
        options.AddTo(edge);
        edge.SetAction((result, cancellation) =>
        {
            string? path = result.GetValue(file), address = result.GetValue(manager);
            if (path is null == address is null) throw new SettingException("Give --file FILE, or --manager URL with --cluster-key.");
            EdgeHostOptions host = options.Read(result);
            if (path is not null) return EdgeHost.RunAsync(host, owner => new FileConfig(owner, Path.GetFullPath(path)), null, cancellation);
            if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https")) throw new SettingException($"--manager {address} is not http://HOST:PORT or https://HOST:PORT.");
            if (uri.Scheme == "http" && !uri.IsLoopback) throw new SettingException($"--manager {address}: the cluster's key would cross the network in clear; use https://.");
            string folder = Path.GetFullPath(result.GetValue(data)!);
            Directory.CreateDirectory(folder);
            var plane = new ManagedConfigOptions
            {
                Stream = new ConfigStreamOptions { Address = uri, Key = Key(result.GetValue(key)), Name = result.GetValue(name)!, CaPem = result.GetValue(ca) is { } pem ? File.ReadAllText(pem) : null },
                CacheFile = Path.Combine(folder, "edge.snapshot"),
                Box = KeyFile.Open(Path.Combine(folder, "edge.key")),
            };
            return EdgeHost.RunAsync(host with { RunFolder = host.RunFolder ?? folder }, owner => new ManagedConfig(owner, plane), null, cancellation);
        });
        return edge;
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

    private static string Key(string? given)
    {
        if (given is null) throw new SettingException("--cluster-key is missing; make one with: marchproxy keys rotate CLUSTER.");
        return given.StartsWith("file:", StringComparison.Ordinal) ? File.ReadAllText(given[5..]).Trim() : given;
    }
}
