using System.Text;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
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
        ReadOnlySpan<byte> head = HeadBytes;
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
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
        if (IngressRules.Judge(_edge, _client.Connection.Listener, _route, asked) is { } answer) return RespondAsync(answer);
        _backend = _route.Pick(_edge.Loop.NowMs);
        Record.Destination = _backend.Service.Name;
        _targetTls = _backend.Tls;
        if (_backend.Endpoints.Length == 0) return ResolveBackendAsync(_backend);
        Choose(_backend, _backend.Choose(_route.KeyOf(this, _client.Connection.Address), _edge.Loop.NowMs));
        return ProxyAsync(_route.RequestRewrite, _route.ResponseRewrite, route.Timeout);
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
            : await ProxyAsync(_route!.RequestRewrite, _route.ResponseRewrite, _route.Route.Timeout);
    }
}
