using System.Text;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Ingress;
using MarchProxy.Model.Routing;
using MarchProxy.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange : IRequestFields
{
    private static readonly ResponseRewrite s_forwardResponse = new(addVia: true, HeaderChanges.None);
    private static readonly RequestRewrite s_forwardRequest = new(ForwardedPolicy.Egress, HeaderChanges.None);
    private CompiledRoute? _route;
    private CompiledBackend? _backend;
    private EndpointState? _endpoint;
    private bool _counted;
    private EndpointState?[]? _tried;
    private int _triedCount;

    /// <summary>Finds the route and its backend, then lets the request pass.</summary>
    private ValueTask<bool> IngressAsync()
    {
        if (Errand is { } errand) return RunErrandAsync(errand);
        ReadOnlySpan<byte> head = HeadBytes;
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        if (_edge.Log.TellsAgent) KeepAgent(head);
        ReadOnlySpan<byte> host = _request.Host.Host.In(head), target = _request.Path.In(head);
        if (_request.Method == RequestMethod.Connect || IngressRules.Find(_config, host, target, _request.MethodName.In(head), this) is not { } route) return RespondAsync(LocalAnswers.NoRoute);
        _route = _config.Compiled(route);
        Record.Rule = route.Name;
        var asked = new IngressRequest
        {
            Fields = this,
            Client = _client.Connection.Address,
            Certificate = _client.Connection.Certificate,
            ServerName = _client.Connection.ServerName,
            IsSecure = _client.Connection.IsSecure,
            Authority = _request.Authority.In(head),
            Host = host,
            Target = target,
        };
        RateState left = default;
        if (IngressRules.Judge(_edge, _client.Connection.Listener, _route, asked, ref left) is { } answer) return RespondAsync(answer);
        if (_route.Waf is { } profile && HoldToRules(profile) is { } refusal) return RespondAsync(refusal);
        if (route.RateLimit is { Headers: true } limit) TellLimit(limit.RequestsPerSecond, left.Remaining, left.ResetSeconds);
        return ServeByRouteAsync(_route);
    }

    /// <summary>Chooses a backend and its address, and sends the request there.</summary>
    private ValueTask<bool> AskBackendAsync()
    {
        CompiledRoute route = _route!;
        long now = _edge.Loop.NowMs;
        bool mirrors = Errand is { Fill: null };
        if (Errand is null) AddLastFilters();
        (CompiledBackend Backend, EndpointState State)? marked = route.Marks is { } marks && !mirrors ? FindMarked(marks, now) : null;
        _backend = mirrors ? route.MirrorTo! : marked?.Backend ?? route.Pick(now);
        Record.Destination = _backend.Service.Name;
        _targetTls = _backend.Tls;
        if (!EnterCircuit(_backend)) return Instead(Upstream.ResponseOutcome.Failed) is { } kept ? ServeInsteadAsync(kept, confirmed: false) : RespondAsync(LocalAnswers.CircuitOpen("circuit-requests"));
        if (route.PathRewrite is { } rewrite && rewrite.Apply(_request.Path.In(HeadBytes)) is { } path) Edit.Path = path;
        if (_backend.Endpoints.Length == 0) return ResolveBackendAsync(_backend);
        Choose(_backend, marked?.State ?? _backend.Choose(route.KeyOf(this, _client.Connection.Address), now));
        return ProxyAsync(route.RequestRewrite, route.ResponseRewrite, Errand?.Timeout ?? route.Route.Timeout);
    }

    private void KeepAgent(ReadOnlySpan<byte> head)
    {
        _request.TryGet(KnownHeader.UserAgent, out ByteRange agent);
        _request.TryGet(KnownHeader.Referer, out ByteRange referer);
        Record.SetAgent(agent.In(head), referer.In(head));
    }

    /// <inheritdoc/>
    ReadOnlySpan<byte> IRequestFields.Query
    {
        get
        {
            ReadOnlySpan<byte> path = _request.Path.In(HeadBytes);
            int mark = path.IndexOf((byte)'?');
            return mark < 0 ? default : path[(mark + 1)..];
        }
    }

    /// <inheritdoc/>
    bool IRequestFields.TryGetField(ReadOnlySpan<byte> lowerName, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> head = HeadBytes;
        foreach (ref readonly HeaderField field in _request.Fields)
        {
            if (!Ascii.EqualsIgnoreCase(field.Name.In(head), lowerName)) continue;
            value = field.Value.In(head);
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Takes an address of a backend, and counts it as busy where that is balanced by.</summary>
    private void Choose(CompiledBackend backend, EndpointState endpoint)
    {
        Unchoose();
        _backend = backend;
        _endpoint = endpoint;
        _counted = backend.Counts;
        if (_counted) Interlocked.Increment(ref _endpoint.Active);
        _targets[0] = _endpoint.Endpoint;
        _targetCount = 1;
    }

    private void Unchoose()
    {
        if (_counted) Interlocked.Decrement(ref _endpoint!.Active);
        _counted = false;
        _endpoint = null;
    }

    /// <summary>Tells the address that was asked what came of it.</summary>
    private void Note(bool failed)
    {
        if (_endpoint is not null) _route!.Note(_backend!, _endpoint, failed, _edge.Loop.NowMs);
    }

    private async ValueTask<bool> ResolveBackendAsync(CompiledBackend backend)
    {
        if (backend.Name is null) return await RespondAsync(LocalAnswers.NoBackendAddress);
        if (!_edge.Resolver.TryGetCached(backend.Name, out ResolveResult? result))
        {
            result = await _edge.Resolver.ResolveAsync(backend.Name);
            await _edge.Loop.Enter();
        }

        _targetCount = 0;
        foreach (System.Net.IPAddress address in result.Addresses)
        {
            if (_targetCount < _targets.Length) _targets[_targetCount++] = Endpoint.From(address, backend.Port);
        }

        return _targetCount == 0
            ? await RespondAsync(LocalAnswers.NoBackendAddress)
            : await ProxyAsync(_route!.RequestRewrite, _route.ResponseRewrite, Errand?.Timeout ?? _route.Route.Timeout);
    }
}
