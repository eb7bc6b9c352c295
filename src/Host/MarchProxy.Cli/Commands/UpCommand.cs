using System.CommandLine;
using ArticDbm.Proxy;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;
using MarchProxy.Control;
using MarchProxy.Control.Identity;
using MarchProxy.Edge;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy up</c>: a manager, an edge and ArticDBM in one process, on loopback.</summary>
internal static class UpCommand
{
    /// <summary>For the database configuration to be in force: a listener that cannot be opened must not keep the edge from being ready.</summary>
    private static readonly TimeSpan s_firstDatabases = TimeSpan.FromSeconds(10);

    public static Command Create(SettingSource settings)
    {
        var apply = new Option<string?>("--apply") { Description = "A resource file to apply first." };
        var demo = new Option<bool>("--demo") { Description = "Two small origins and a client of their own, so that there is something to see." };
        var edge = new EdgeOptions(settings);
        var manager = new ManagerSettings(settings);
        var up = new Command("up", "Start everything in one process, on loopback.") { apply, demo };
        Option<string> text = SharedOptions.StatementText(settings);
        up.Options.Add(text);
        manager.AddTo(up);
        edge.AddTo(up);
        up.SetAction((result, cancellation) => result.GetValue(demo)
            ? Demo.RunAsync(edge.Read(result), cancellation)
            : RunAsync(edge.Read(result) with { Databases = DbSettings.Default with { LogText = result.GetValue(text) == "folded" } }, manager.Read(result), manager.Data(result), result.GetValue(apply), cancellation));
        return up;
    }

    private static async Task<int> RunAsync(EdgeHostOptions edge, ManagerOptions options, string data, string? apply, CancellationToken cancellation)
    {
        var log = new ProcessLog(Console.Error, edge.JsonLog, LogLevel.Info, TimeProvider.System);
        var metrics = new MetricRegistry(EdgeServer.LoopCount(edge.Edge));
        await using var manager = new ManagerServer(options, metrics, log, TimeProvider.System);
        string keyFile = Path.Combine(data, "plane.key");
        bool follows = edge.TakeOver is not null;
        if (!follows)
        {
            if (!await ManagerHost.StartAsync(manager, log)) return ExitCodes.Failed;
            if (apply is not null && !await ManagerHost.ApplyAsync(manager, apply)) return ExitCodes.Failed;
        }
        else if (options.Listen.Port == 0 || options.XdsListen.Port == 0)
        {
            throw new SettingException("--take-over: the manager's port 0 would be another in each process; write --manager-listen and --xds-listen with their ports.");
        }

        // The process before this one has the manager's ports and database until its edge has handed over; so ours comes last, and the edge starts from what is on disk.
        Uri xds = follows ? new Uri($"{(options.Tls is null ? "http" : "https")}://{options.XdsListen}") : manager.XdsAddress;
        var plane = new ManagedConfigOptions
        {
            Stream = new ConfigStreamOptions { Address = xds, Key = follows ? File.ReadAllText(keyFile).Trim() : await KeyAsync(manager.Keys, keyFile), Name = "local" },
            CacheFile = Path.Combine(data, "edge.snapshot"),
            Box = options.Box,
        };
        var dbPlane = plane with { Stream = plane.Stream with { Name = "local-articdbm" }, CacheFile = Path.Combine(data, "articdbm.snapshot") };
        await using var db = new DbHost(new DbHostOptions { Log = log, Metrics = metrics, StatementLog = edge.AccessLog, Syslog = edge.Syslog, Settings = edge.Databases });
        await using var dbConfig = new ManagedConfig(db, dbPlane);
        edge = edge with
        {
            Beside = db.Db,
            Log = log,
            Metrics = metrics,
            Manager = follows ? options.Listen.ToString() : manager.Address.Authority,
            Xds = xds.Authority,
            RunFolder = edge.RunFolder ?? data,
            LetGo = async () =>
            {
                await dbConfig.DisposeAsync();
                await db.Db.LetGoAsync();
                await manager.DisposeAsync();
            },
        };
        return await EdgeHost.RunAsync(edge, host => new ManagedConfig(host, plane), StartedAsync, cancellation);

        // The process before this one closes its database listeners when it lets go: what is on disk opens ours then.
        async Task StartedAsync(EdgeHost host)
        {
            dbConfig.Start();
            if (follows) await FollowAsync(manager, log);
            if (await Task.WhenAny(dbConfig.First, Task.Delay(s_firstDatabases, CancellationToken.None)) != dbConfig.First) log.Error("the databases are not served: mend what is told above; the edge goes on");
            db.TellListeners();
        }
    }

    /// <summary>Starts the manager after the edge. Without it the edge goes on: traffic is no reason to stop.</summary>
    private static async Task FollowAsync(ManagerServer manager, ProcessLog log)
    {
        if (!await ManagerHost.StartAsync(manager, log)) log.Error("the edge serves without a manager: mend what is told above and restart when it suits");
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
