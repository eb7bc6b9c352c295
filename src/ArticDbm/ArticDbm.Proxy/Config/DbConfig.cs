using System.Collections.Frozen;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Snapshots;

namespace ArticDbm.Proxy.Config;

/// <summary>A snapshot ready to serve: what sessions ask, and the targets behind its databases, which live on over changes that do not touch them.</summary>
internal sealed class DbConfig
{
    private readonly FrozenDictionary<string, DbTarget> _targets;

    public DbConfig(Snapshot snapshot, DbConfig? before, int loops, TimeProvider time)
    {
        Snapshot = snapshot;
        Access = snapshot.Databases;
        _targets = Access.Databases.Where(d => DbProxy.Serves(DbEngines.Name(d.Engine))).ToFrozenDictionary(
            d => d.Name, d => before?._targets.GetValueOrDefault(d.Name) is { } known && known.Database == d ? known : new DbTarget(d, loops, time, before?._targets.GetValueOrDefault(d.Name)), StringComparer.Ordinal);
    }

    public Snapshot Snapshot { get; }

    public DbAccess Access { get; }

    public IEnumerable<DbTarget> Targets => _targets.Values;

    public DbTarget? Target(string database) => _targets.GetValueOrDefault(database);
}
