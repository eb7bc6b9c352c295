using System.Collections.Frozen;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Edge.Config;

/// <summary>A snapshot with what the edge computes from it once: shared by all loops, never changed.</summary>
internal sealed class EdgeConfig
{
    private readonly FrozenDictionary<Route, CompiledRoute> _routes;

    public EdgeConfig(Snapshot snapshot)
    {
        Snapshot = snapshot;
        _routes = snapshot.Resources.Routes.ToFrozenDictionary(
            r => r, r => new CompiledRoute(r, snapshot), ReferenceEqualityComparer.Instance as IEqualityComparer<Route>);
        AnyTokens = snapshot.Resources.Services.Any(s => s.Auth.Type == AuthType.Token);
    }

    public Snapshot Snapshot { get; }

    /// <summary>Whether a client could prove itself by a token: only then is it worth a challenge.</summary>
    public bool AnyTokens { get; }

    public CompiledRoute Compiled(Route route) => _routes[route];
}
