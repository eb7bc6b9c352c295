using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net;

namespace MarchProxy.Edge.Config;

/// <summary>A route ready to serve: its backends in a weighted order, its header changes as bytes.</summary>
internal sealed class CompiledRoute
{
    /// <summary>Slots of the backend wheel: weights are kept to about half a per cent, and the wheel fits a cache line or three.</summary>
    private const int MaxSlots = 200;

    private readonly CompiledBackend[] _wheel;
    private int _next;

    public CompiledRoute(Route route, Snapshot snapshot, Func<Service, string, UpstreamTls?> tls)
    {
        Route = route;
        RequestRewrite = new RequestRewrite(ForwardedPolicy.Ingress, Changes(route.RequestHeaders), route.StripPrefix, route.AddPrefix);
        ResponseRewrite = new ResponseRewrite(addVia: true, Changes(route.ResponseHeaders));
        Backends = [.. route.Backends.Where(b => b.Weight > 0).Select(b => new CompiledBackend(snapshot.Egress.FindService(b.Service)!, b.Weight, tls))];
        _wheel = Wheel(Backends);
    }

    public Route Route { get; }

    public RequestRewrite RequestRewrite { get; }

    public ResponseRewrite ResponseRewrite { get; }

    public CompiledBackend[] Backends { get; }

    /// <summary>The next backend in weighted turn. Loops share the wheel's hand: a lost update only repeats a turn.</summary>
    public CompiledBackend Pick() => _wheel.Length == 1 ? _wheel[0] : _wheel[(int)((uint)_next++ % (uint)_wheel.Length)];

    private static HeaderChanges Changes(IReadOnlyCollection<FieldChange> changes) => changes.Count == 0
        ? HeaderChanges.None
        : HeaderChanges.Compile(changes.Select(c => new HeaderChange(Action(c.Action), c.Name, c.Value)));

    private static HeaderAction Action(string action) => action switch { "set" => HeaderAction.Set, "remove" => HeaderAction.Remove, _ => HeaderAction.Add };

    /// <summary>Smooth weighted order: in every stretch each backend has its share.</summary>
    private static CompiledBackend[] Wheel(CompiledBackend[] backends)
    {
        if (backends.Length == 1) return backends;
        long total = backends.Sum(b => (long)b.Weight);
        long divisor = backends.Aggregate(0L, (gcd, b) => Gcd(gcd, b.Weight));
        int slots = (int)Math.Min(MaxSlots, total / divisor);
        var wheel = new CompiledBackend[Math.Max(slots, backends.Length)];
        var credit = new double[backends.Length];
        for (int i = 0; i < wheel.Length; i++)
        {
            for (int b = 0; b < backends.Length; b++) credit[b] += (double)backends[b].Weight / total;
            int best = Array.IndexOf(credit, credit.Max());
            credit[best]--;
            wheel[i] = backends[best];
        }

        return wheel;
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);
}

/// <summary>A service as the target of a route: addresses that are known, or a name to resolve.</summary>
internal sealed class CompiledBackend
{
    private int _next;

    public CompiledBackend(Service service, int weight, Func<Service, string, UpstreamTls?> tls)
    {
        Service = service;
        Weight = weight;
        Port = service.Ports.IsAny ? (service.Protocol == "https" ? 443 : 80) : service.Ports.Preferred;
        var endpoints = new List<Endpoint>();
        foreach (string address in service.Addresses)
        {
            if (!HostPattern.TryParse(address, out HostPattern pattern, out _)) continue;
            if (pattern.Kind == HostPatternKind.Network && pattern.Network.PrefixLength >= 32) endpoints.Add(Endpoint.From(pattern.Network.BaseAddress, Port));
            else if (pattern.Kind == HostPatternKind.Name && service.Resolve.TryGetValue(pattern.Name, out var known)) endpoints.AddRange(known.Select(a => Endpoint.From(a, Port)));
            else if (pattern.Kind == HostPatternKind.Name) Name ??= pattern.Name;
        }

        Endpoints = [.. endpoints];
        string? named = service.Addresses.FirstOrDefault(a => HostPattern.TryParse(a, out HostPattern p, out _) && p.Kind == HostPatternKind.Name);
        Tls = tls(service, named ?? service.Addresses.FirstOrDefault(a => a.Length > 0)?.Split('/')[0] ?? "");
    }

    /// <summary>TLS towards it, or null for plain HTTP.</summary>
    public UpstreamTls? Tls { get; }

    public Service Service { get; }

    public int Weight { get; }

    public int Port { get; }

    /// <summary>Addresses known beforehand.</summary>
    public Endpoint[] Endpoints { get; }

    /// <summary>The name to resolve when no address is known.</summary>
    public string? Name { get; }

    /// <summary>The next known address, in turn.</summary>
    public Endpoint Next() => Endpoints.Length == 1 ? Endpoints[0] : Endpoints[(int)((uint)_next++ % (uint)Endpoints.Length)];
}
