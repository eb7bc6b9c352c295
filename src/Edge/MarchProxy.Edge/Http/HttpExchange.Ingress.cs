using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private static readonly ResponseRewrite s_forwardResponse = new(addVia: true, HeaderChanges.None);
    private static readonly RequestRewrite s_forwardRequest = new(ForwardedPolicy.Egress, HeaderChanges.None);
    private CompiledRoute? _route;

    /// <summary>Finds the route and its backend, then lets the request pass.</summary>
    private ValueTask<bool> IngressAsync()
    {
        ReadOnlySpan<byte> head = _session.Pending[.._headLength];
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        if (_request.Method == RequestMethod.Connect || FindRoute(head) is not { } route) return RespondAsync(LocalAnswers.NoRoute);
        _route = _config.Compiled(route);
        Record.Rule = route.Name;
        CompiledBackend backend = _route.Pick();
        Record.Destination = backend.Service.Name;
        _targetTls = backend.Tls;
        if (backend.Endpoints.Length == 0) return ResolveBackendAsync(backend);
        _targets[0] = backend.Next();
        _targetCount = 1;
        return ProxyAsync(_route.RequestRewrite, _route.ResponseRewrite, route.Timeout);
    }

    private Route? FindRoute(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> host = _request.Host.Host.In(head);
        Span<char> name = stackalloc char[256];
        if (host.Length > name.Length) return null;
        for (int i = 0; i < host.Length; i++) name[i] = char.ToLowerInvariant((char)host[i]);
        int length = host.Length > 1 && name[host.Length - 1] == '.' ? host.Length - 1 : host.Length;
        ReadOnlySpan<byte> path = _request.Path.In(head);
        int query = path.IndexOf((byte)'?');
        if (query >= 0) path = path[..query];
        if (path.IsEmpty) path = "/"u8;
        return _config.Snapshot.Routes.Match(name[..length], path, _request.MethodName.In(head));
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
