using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace ArticDbm.Proxy.Health;

/// <summary>Looks after the servers of the databases that have several: one question after the other to each, on one loop. When the primary is lost and another server has become one, writes go there.</summary>
internal sealed class HealthChecker(DbLoop db, ProcessLog log, CounterFamily failovers)
{
    private readonly Dictionary<DbTarget, ServerProbe[]> _probes = [];

    /// <summary>Begins with the targets that are new, and leaves those that are gone. Call it on the loop.</summary>
    public void Obey(DbConfig config)
    {
        foreach (DbTarget gone in _probes.Keys.Except(config.Targets).ToArray())
        {
            foreach (ServerProbe probe in _probes[gone]) probe.Stop();
            _probes.Remove(gone);
        }

        foreach (DbTarget target in config.Targets.Where(t => t.IsLookedAfter && !_probes.ContainsKey(t)))
        {
            _probes[target] = [.. target.Servers.Select(s => new ServerProbe(db, s, Changed))];
            foreach (ServerProbe probe in _probes[target]) probe.Start();
        }
    }

    /// <summary>Ends every probe. Call it on the loop.</summary>
    public void Stop()
    {
        foreach (ServerProbe probe in _probes.Values.SelectMany(p => p)) probe.Stop();
        _probes.Clear();
    }

    private void Changed(ServerShare share, string? fault)
    {
        string state = share.Health switch { { IsUp: false } => "down", { IsPrimary: true } => "primary", { MayRead: false } => "replica that lags", _ => "replica" };
        log.Info("a database server has changed", ("database", share.Target.Database.Name), ("server", share.Label), ("state", state), ("fault", share.Health.IsUp ? null : fault));
        if (share.Health is { IsUp: true, IsPrimary: true } && share.Target.Servers.Count(s => s.Health is { IsUp: true, IsPrimary: true }) > 1) log.Error("two servers say that they are the primary; end one of them", ("database", share.Target.Database.Name));
        ServerShare before = share.Target.Primary;
        if (share.Target.Elect() is not { } elected) return;
        failovers.Cell(db.Loop.Id, share.Target.Database.Name).Inc();
        log.Warn("writes go to another server now", ("database", share.Target.Database.Name), ("from", before.Label), ("to", elected.Label));
    }
}
