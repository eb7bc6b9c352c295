using System.Text;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;
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
        ReadOnlySpan<byte> head = _session.Pending[.._headLength];
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        if (_request.Method == RequestMethod.Connect || FindRoute(head) is not { } route) return RespondAsync(LocalAnswers.NoRoute);
        _route = _config.Compiled(route);
        Record.Rule = route.Name;
        if (_session.Client.Tls is { } tls && !ServesName(tls.ServerName, head)) return RespondAsync(LocalAnswers.Misdirected);
        if (route.RateLimit is { } limit && Limited(limit) is > 0 and var seconds) return RespondAsync(LocalAnswers.TooManyRequests(seconds, limit.RequestsPerSecond));
        if (route.Redirect is { } redirect) return RespondAsync(LocalAnswers.Redirected(redirect.Status, Location(redirect, head)));
        _backend = _route.Pick(_edge.Loop.NowMs);
        Record.Destination = _backend.Service.Name;
        _targetTls = _backend.Tls;
        if (_backend.Endpoints.Length == 0) return ResolveBackendAsync(_backend);
        Choose(_backend, _backend.Choose(_route.KeyOf(this, _session.Address), _edge.Loop.NowMs));
        return ProxyAsync(_route.RequestRewrite, _route.ResponseRewrite, route.Timeout);
    }

    /// <inheritdoc/>
    ReadOnlySpan<byte> IRequestFields.Query
    {
        get
        {
            ReadOnlySpan<byte> path = _request.Path.In(_session.Pending);
            int mark = path.IndexOf((byte)'?');
            return mark < 0 ? default : path[(mark + 1)..];
        }
    }

    /// <inheritdoc/>
    bool IRequestFields.TryGetField(ReadOnlySpan<byte> lowerName, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> head = _session.Pending;
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

    // RFC 9110 section 7.4: a connection that was made for one name asks for another only where one certificate is for both.
    private bool ServesName(string? serverName, ReadOnlySpan<byte> head)
    {
        if (serverName is null || _session.Listener.Certificates.Length < 2) return true;
        ReadOnlySpan<byte> host = _request.Host.Host.In(head);
        return host.IsEmpty || Ascii.EqualsIgnoreCase(host, serverName) || _session.Listener.SameCertificate(serverName, Encoding.ASCII.GetString(host));
    }

    private int Limited(RouteRateLimit limit)
    {
        Span<byte> key = stackalloc byte[16];
        int length = 0;
        int burst = limit.Burst > 0 ? limit.Burst : limit.RequestsPerSecond;
        if (_route!.RateField is { } field)
        {
            ((IRequestFields)this).TryGetField(field, out ReadOnlySpan<byte> value);
            return _edge.Rates.Take(_route.Route.Name, value, limit.RequestsPerSecond, burst);
        }

        if (limit.Key == "address") _session.Address?.TryWriteBytes(key, out length);
        return _edge.Rates.Take(_route.Route.Name, key[..length], limit.RequestsPerSecond, burst);
    }

    private string Location(Redirect redirect, ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> path = _request.Path.In(head);
        int mark = path.IndexOf((byte)'?');
        string query = mark < 0 ? "" : Encoding.Latin1.GetString(path[mark..]);
        string where = redirect.Path.Length > 0 ? redirect.Path : Encoding.Latin1.GetString(mark < 0 ? path : path[..mark]);
        string scheme = redirect.Scheme.Length > 0 ? redirect.Scheme : _session.IsSecure ? "https" : "http";

        // Another scheme has another port: the one that was asked would be wrong there.
        string host = redirect.Host.Length > 0 ? redirect.Host : Encoding.Latin1.GetString(redirect.Scheme.Length > 0 ? _request.Host.Host.In(head) : _request.Authority.In(head));
        if (redirect is { Host: "", Scheme.Length: > 0 } && _request.Host.IsIPv6 && !host.StartsWith('[')) host = $"[{host}]";
        return $"{scheme}://{host}{(where.Length == 0 ? "/" : where)}{query}";
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
        return _config.Snapshot.Routes.Match(name[..length], path, _request.MethodName.In(head), this);
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
