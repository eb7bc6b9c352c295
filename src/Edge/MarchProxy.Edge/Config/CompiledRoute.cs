using System.Net;
using System.Text;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Compression;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Upstream;
using MarchProxy.Edge.Waf;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Routing;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net;

namespace MarchProxy.Edge.Config;

/// <summary>A route ready to serve: its backends in a weighted order, its header changes as bytes.</summary>
internal sealed partial class CompiledRoute
{
    /// <summary>Slots of the backend wheel: weights are kept to about half a per cent, and the wheel fits a cache line or three.</summary>
    private const int MaxSlots = 200;

    /// <summary>Tries after the first that requests earn: one in five, and ten to begin with. A backend that is down is not asked twice as often by all.</summary>
    private const int RetryPrice = 10, RetryIncome = 2, RetryPurse = 100;

    /// <summary>Tries that a route has even when it has earned none, so that one with few requests is not without.</summary>
    private const int RetriesPerSecond = 10;

    private readonly RateBucket _retryFloor = new();
    private readonly CompiledBackend[] _wheel;
    private readonly byte[]? _hashField, _hashCookie;
    private int _next;
    private int _retryPurse = RetryPurse;

    public CompiledRoute(Route route, Snapshot snapshot, Func<Service, string, UpstreamTls?> tls, EndpointTable endpoints, CircuitTable circuits)
    {
        Route = route;
        RequestRewrite = new RequestRewrite(ForwardedPolicy.Ingress, Changes(route.RequestHeaders), route.StripPrefix, route.AddPrefix, route.Rewrite?.Host ?? "");
        ResponseRewrite = new ResponseRewrite(addVia: true, Changes(route.ResponseHeaders));
        Backends = [.. route.Backends.Where(b => b.Weight > 0).Select(b => new CompiledBackend(snapshot.Egress.FindService(b.Service)!, b.Weight, tls, route.Balance, endpoints, circuits))];
        _wheel = Wheel(Backends);
        Addresses = Backends.Sum(b => b.Endpoints.Length);
        _hashField = Named(route.HashOn.ToLowerInvariant(), "header:");
        _hashCookie = Named(route.HashOn, "cookie:");
        RateField = route.RateLimit?.Key == "authorization" ? "authorization"u8.ToArray() : Named(route.RateLimit?.Key.ToLowerInvariant() ?? "", "header:");
        RateCookie = Named(route.RateLimit?.Key ?? "", "cookie:");
        NameBytes = Encoding.ASCII.GetBytes(route.Name);
        Waf = route.Waf is { Mode: not WafMode.Off } waf ? new WafProfile(waf) : null;
        Compression = route.Compression is { } compression ? new CompressionRule(compression, route.Reference) : null;
        Marks = route.Affinity is { } affinity ? new AffinityMarks(affinity, Backends) : null;
        MirrorTo = route.Mirror is { } mirror ? new CompiledBackend(snapshot.Egress.FindService(mirror.Service)!, 1, tls, Balance.RoundRobin, endpoints, circuits) : null;
        PathRewrite = route.Rewrite is { } rewrite ? new PathRewrite(rewrite) : null;
        Retries = new RetryRule(route.RetryOn);
    }

    public Route Route { get; }

    public RequestRewrite RequestRewrite { get; }

    public ResponseRewrite ResponseRewrite { get; }

    public CompiledBackend[] Backends { get; }

    /// <summary>How many addresses there are to turn to.</summary>
    public int Addresses { get; }

    /// <summary>Whom a rate limit counts: the field's name in lower case; null for the address or the route as a whole.</summary>
    public byte[]? RateField { get; }

    /// <summary>The cookie whose value a rate limit counts; null for none.</summary>
    public byte[]? RateCookie { get; }

    /// <summary>The next backend in weighted turn that has an address which is up. Loops share the wheel's hand: a lost update only repeats a turn.</summary>
    public CompiledBackend Pick(long nowMs)
    {
        if (_retryPurse < RetryPurse) _retryPurse += RetryIncome;
        if (_wheel.Length == 1) return _wheel[0];
        CompiledBackend first = _wheel[(int)((uint)_next++ % (uint)_wheel.Length)];
        CompiledBackend backend = first;
        for (int i = 0; i < _wheel.Length && !backend.IsAvailable(nowMs); i++) backend = _wheel[(int)((uint)_next++ % (uint)_wheel.Length)];
        return backend.IsAvailable(nowMs) ? backend : first;
    }

    /// <summary>Notes what a request to an address came to; the one that failed too often is set aside, unless too many of the route's are.</summary>
    public void Note(CompiledBackend backend, EndpointState state, bool failed, long nowMs)
    {
        if (!failed) state.Succeeded();
        else if (state.Failed(backend.Service.Outlier) && Addresses > 1) SetAside(backend.Service.Outlier, state, nowMs);
    }

    /// <summary>An address for another try of a request: one that was not tried, and is up if any such is.</summary>
    public (CompiledBackend Backend, EndpointState State)? Another(ReadOnlySpan<EndpointState?> tried, long nowMs)
    {
        (CompiledBackend Backend, EndpointState State)? spare = null;
        int start = Random.Shared.Next(Backends.Length);
        for (int b = 0; b < Backends.Length; b++)
        {
            CompiledBackend backend = Backends[(start + b) % Backends.Length];
            int first = backend.Endpoints.Length > 1 ? Random.Shared.Next(backend.Endpoints.Length) : 0;
            for (int i = 0; i < backend.Endpoints.Length; i++)
            {
                EndpointState state = backend.Endpoints[(first + i) % backend.Endpoints.Length];
                if (tried.Contains(state)) continue;
                if (state.IsAvailable(nowMs)) return (backend, state);
                spare ??= (backend, state);
            }
        }

        return spare;
    }

    private void SetAside(OutlierEjection rule, EndpointState state, long nowMs)
    {
        int ejected = Backends.Sum(b => b.Endpoints.Count(e => e.IsEjected(nowMs)));
        if ((ejected + 1) * 100 <= rule.MaxEjectedPercent * Addresses) state.Eject(rule, nowMs);
    }

    /// <summary>Pays for a try after the first; false when the route's requests have not earned it.</summary>
    /// <param name="nowMs">The time.</param>
    public bool TryRetry(long nowMs)
    {
        if (Interlocked.Add(ref _retryPurse, -RetryPrice) >= 0) return true;
        Interlocked.Add(ref _retryPurse, RetryPrice);
        return _retryFloor.Take(nowMs * 1000, 1_000_000 / RetriesPerSecond, RetriesPerSecond) == 0;
    }

    /// <summary>What keeps a request with others like it.</summary>
    public ulong KeyOf(IRequestFields request, IPAddress? client)
    {
        if (!Balancer.NeedsKey(Route.Balance)) return 0;
        if (Route.Balance != Balance.IpHash)
        {
            if (_hashField is not null && request.TryGetField(_hashField, out ReadOnlySpan<byte> field)) return Balancer.Hash(field);
            if (_hashCookie is not null && request.TryGetField("cookie"u8, out ReadOnlySpan<byte> cookies) && Cookies.TryGet(cookies, _hashCookie, out ReadOnlySpan<byte> cookie)) return Balancer.Hash(cookie);
        }

        Span<byte> address = stackalloc byte[16];
        return client is not null && client.TryWriteBytes(address, out int length) ? Balancer.Hash(address[..length]) : 0;
    }

    private static byte[]? Named(string text, string kind) => text.StartsWith(kind, StringComparison.Ordinal) ? Encoding.ASCII.GetBytes(text[kind.Length..]) : null;

    private static HeaderChanges Changes(IReadOnlyCollection<FieldChange> changes) => changes.Count == 0
        ? HeaderChanges.None
        : HeaderChanges.Compile(changes.Select(c => new HeaderChange(Action(c.Action), c.Name, c.Value)));

    private static HeaderAction Action(string action) => action switch { "set" => HeaderAction.Set, "remove" => HeaderAction.Remove, _ => HeaderAction.Add };

    /// <summary>Smooth weighted order: in every stretch each backend has its share.</summary>
    private static CompiledBackend[] Wheel(CompiledBackend[] backends)
    {
        if (backends.Length < 2) return backends;
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
    private readonly Balancer _balancer;

    public CompiledBackend(Service service, int weight, Func<Service, string, UpstreamTls?> tls, Balance balance, EndpointTable states, CircuitTable circuits)
    {
        Service = service;
        Weight = weight;
        Circuit = circuits.For(service);
        Port = service.Ports.IsAny ? (service.Protocol == "https" ? 443 : 80) : service.Ports.Preferred;
        var endpoints = new List<Endpoint>();
        foreach (string address in service.Addresses)
        {
            if (!HostPattern.TryParse(address, out HostPattern pattern, out _)) continue;
            if (pattern.Kind == HostPatternKind.Network && pattern.Network.PrefixLength >= 32) endpoints.Add(Endpoint.From(pattern.Network.BaseAddress, Port));
            else if (pattern.Kind == HostPatternKind.Name && service.Resolve.TryGetValue(pattern.Name, out var known)) endpoints.AddRange(known.Select(a => Endpoint.From(a, Port)));
            else if (pattern.Kind == HostPatternKind.Name) Name ??= pattern.Name;
        }

        Endpoints = [.. endpoints.Distinct().Select(e => states.Get(service.Name, e))];
        var weights = service.Weights.DistinctBy(w => IPAddress.Parse(w.Key)).ToDictionary(w => IPAddress.Parse(w.Key), w => w.Value);
        foreach (EndpointState state in Endpoints)
        {
            state.Weight = state.Endpoint.Address is { } address && weights.TryGetValue(address, out int own) ? own : 1;
            state.SlowStart = service.SlowStart;
        }

        _balancer = new Balancer(balance, Endpoints);
        string? named = service.Addresses.FirstOrDefault(a => HostPattern.TryParse(a, out HostPattern p, out _) && p.Kind == HostPatternKind.Name);
        TlsName = service.Tls is { ServerName.Length: > 0 } given ? given.ServerName : named ?? service.Addresses.FirstOrDefault(a => a.Length > 0)?.Split('/')[0] ?? "";
        Tls = tls(service, named ?? service.Addresses.FirstOrDefault(a => a.Length > 0)?.Split('/')[0] ?? "");
    }

    /// <summary>The name that its certificate must have.</summary>
    public string TlsName { get; }

    /// <summary>TLS towards it, or null for plain HTTP.</summary>
    public UpstreamTls? Tls { get; }

    public Service Service { get; }

    /// <summary>How much of the service is used; null when it has no bounds.</summary>
    public Circuit? Circuit { get; }

    public int Weight { get; }

    public int Port { get; }

    /// <summary>Addresses known beforehand.</summary>
    public EndpointState[] Endpoints { get; }

    /// <summary>The name to resolve when no address is known.</summary>
    public string? Name { get; }

    /// <summary>Whether requests under way must be counted.</summary>
    public bool Counts => _balancer.Counts;

    /// <summary>Whether there is an address to send to that is up; of a name, nobody knows beforehand.</summary>
    public bool IsAvailable(long nowMs) => Endpoints.Length == 0 ? Name is not null : _balancer.AnyAvailable(nowMs);

    /// <summary>An address for a request; there must be one.</summary>
    public EndpointState Choose(ulong key, long nowMs) => _balancer.Choose(key, nowMs);
}
