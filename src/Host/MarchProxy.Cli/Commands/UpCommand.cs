using System.CommandLine;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;
using MarchProxy.Control;
using MarchProxy.Control.Identity;
using MarchProxy.Edge;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy up</c>: a manager and an edge in one process, on loopback.</summary>
internal static class UpCommand
{
    public static Command Create(SettingSource settings)
    {
        var apply = new Option<string?>("--apply") { Description = "A resource file to apply first." };
        var demo = new Option<bool>("--demo") { Description = "Two small origins and a client of their own, so that there is something to see." };
        var edge = new EdgeOptions(settings);
        var manager = new ManagerSettings(settings);
        var up = new Command("up", "Start everything in one process, on loopback.") { apply, demo };
        manager.AddTo(up);
        edge.AddTo(up);
        up.SetAction((result, cancellation) => result.GetValue(demo)
            ? Demo.RunAsync(edge.Read(result), cancellation)
            : RunAsync(edge.Read(result), manager.Read(result), manager.Data(result), result.GetValue(apply), cancellation));
        return up;
    }

    private static async Task<int> RunAsync(EdgeHostOptions edge, ManagerOptions options, string data, string? apply, CancellationToken cancellation)
    {
        var log = new ProcessLog(Console.Error, edge.JsonLog, LogLevel.Info, TimeProvider.System);
        var metrics = new MetricRegistry(EdgeServer.LoopCount(edge.Edge));
        await using var manager = new ManagerServer(options, metrics, log, TimeProvider.System);
        if (!await ManagerHost.StartAsync(manager, log)) return ExitCodes.Failed;
        if (apply is not null && !await ManagerHost.ApplyAsync(manager, apply)) return ExitCodes.Failed;
        var plane = new ManagedConfigOptions
        {
            Stream = new ConfigStreamOptions { Address = manager.XdsAddress, Key = await KeyAsync(manager.Keys, Path.Combine(data, "plane.key")), Name = "local" },
            CacheFile = Path.Combine(data, "edge.snapshot"),
            Box = options.Box,
        };
        edge = edge with { Log = log, Metrics = metrics, Manager = manager.Address.Authority, Xds = manager.XdsAddress.Authority };
        return await EdgeHost.RunAsync(edge, host => new ManagedConfig(host, plane), null, cancellation);
    }

    /// <summary>The key of this process's own plane; a new one when the file's is no longer known.</summary>
    private static async Task<string> KeyAsync(ClusterKeys keys, string file)
    {
        string kept = File.Exists(file) ? (await File.ReadAllTextAsync(file)).Trim() : "";
        if (keys.Verify(kept, out _) is not null) return kept;
        IssuedKey issued = await keys.AddAsync("default");
        KeyFile.Write(file, issued.Key);
        return issued.Key;
    }
}
