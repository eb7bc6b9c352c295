using System.Collections.Frozen;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Edge.Config;

/// <summary>A snapshot with what the edge computes from it once: shared by all loops, never changed.</summary>
internal sealed class EdgeConfig
{
    private readonly FrozenDictionary<Route, CompiledRoute> _routes;

    public EdgeConfig(Snapshot snapshot, UpstreamTlsCache upstreams, EndpointTable endpoints)
    {
        var certificates = snapshot.Resources.Certificates.ToDictionary(c => c.Name, StringComparer.Ordinal);
        UpstreamTls? Tls(Service service, string dialled) => upstreams.For(service, dialled, certificates);
        Snapshot = snapshot;
        _routes = snapshot.Resources.Routes.ToFrozenDictionary(
            r => r, r => new CompiledRoute(r, snapshot, Tls, endpoints), ReferenceEqualityComparer.Instance as IEqualityComparer<Route>);
        AnyTokens = snapshot.Resources.Services.Any(s => s.Auth.Type is AuthType.Token or AuthType.Jwt);
    }

    /// <summary>The TLS of upstreams that it uses.</summary>
    public IEnumerable<UpstreamTls> Upstreams => _routes.Values.SelectMany(r => r.Backends).Select(b => b.Tls).OfType<UpstreamTls>();

    /// <summary>The known addresses of the services that routes lead to.</summary>
    public IEnumerable<(Service Service, EndpointState State)> Endpoints => _routes.Values.SelectMany(r => r.Backends).SelectMany(b => b.Endpoints.Select(e => (b.Service, e)));

    public Snapshot Snapshot { get; }

    /// <summary>Whether a client could prove itself by a token: only then is it worth a challenge.</summary>
    public bool AnyTokens { get; }

    public CompiledRoute Compiled(Route route) => _routes[route];
}
