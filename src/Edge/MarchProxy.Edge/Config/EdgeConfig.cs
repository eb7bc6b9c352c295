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

    public EdgeConfig(Snapshot snapshot, UpstreamTlsCache upstreams, EndpointTable endpoints, CircuitTable circuits)
    {
        var certificates = snapshot.Resources.Certificates.ToDictionary(c => c.Name, StringComparer.Ordinal);
        UpstreamTls? Tls(Service service, string dialled) => upstreams.For(service, dialled, certificates);
        Snapshot = snapshot;
        var caching = snapshot.Resources.Routes.Where(r => r.Cache is not null).GroupBy(r => string.Join(',', r.Hosts.Order(StringComparer.Ordinal)), StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Select(r => System.Text.Encoding.ASCII.GetBytes(r.Name)).ToArray(), StringComparer.Ordinal);
        _routes = snapshot.Resources.Routes.ToFrozenDictionary(
            r => r, r => new CompiledRoute(r, snapshot, Tls, endpoints, circuits) { CachesBeside = caching.GetValueOrDefault(string.Join(',', r.Hosts.Order(StringComparer.Ordinal)), []) }, ReferenceEqualityComparer.Instance as IEqualityComparer<Route>);
        AnyTokens = snapshot.Resources.Services.Any(s => s.Auth.Type is AuthType.Token or AuthType.Jwt);
    }

    /// <summary>The TLS of upstreams that it uses.</summary>
    public IEnumerable<UpstreamTls> Upstreams => Backends.Select(b => b.Tls).OfType<UpstreamTls>();

    /// <summary>The known addresses of the services that routes lead to.</summary>
    public IEnumerable<(Service Service, EndpointState State)> Endpoints => Backends.SelectMany(b => b.Endpoints.Select(e => (b.Service, e)));

    private IEnumerable<CompiledBackend> Backends => _routes.Values.SelectMany(r => r.MirrorTo is { } mirror ? r.Backends.Append(mirror) : r.Backends);

    public Snapshot Snapshot { get; }

    /// <summary>Whether a client could prove itself by a token: only then is it worth a challenge.</summary>
    public bool AnyTokens { get; }

    public CompiledRoute Compiled(Route route) => _routes[route];
}
