using System.Runtime.CompilerServices;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Compression;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Waf;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Routing;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

/// <summary>What a route does beside passing requests on: rules, copies, marks, compression. A route without any of it costs one test.</summary>
internal sealed partial class HttpExchange
{
    private ResponseAdditions? _additions;
    private CompressionFilter? _compression;
    private WafBodyFilter? _wafBody;
    private MirrorTap? _mirrorTap;
    private RequestEdit? _requestEdit;
    private bool _editsRequest;
    private bool _hasLastFilters;
    private EndpointState? _marked;

    /// <summary>What it is done for without a client; null when there is one.</summary>
    public Errand? Errand { get; set; }

    private RequestEdit Edit
    {
        get
        {
            _requestEdit ??= new RequestEdit();
            if (!_editsRequest) _requestEdit.Reset();
            _editsRequest = true;
            return _requestEdit;
        }
    }

    private ResponseAdditions Additions => _additions ??= new ResponseAdditions();

    /// <summary>Holds the request to the route's rules.</summary>
    /// <returns>The answer that refuses it, or null.</returns>
    private LocalResponse? HoldToRules(WafProfile profile)
    {
        WafVerdict verdict = WafInspector.Inspect(profile, _request, HeadBytes);
        if (verdict.First is { } first)
        {
            Record.Waf = Model.Resources.Waf.NameOf(verdict.Blocked ?? first);
            foreach ((_, WafRule rule) in Model.Resources.Waf.Rules)
            {
                if (verdict.Has(rule)) _edge.Metrics.Ingress.Waf(rule, profile[rule] == WafMode.Block);
            }

            if (verdict.Blocked is { } blocked) return LocalAnswers.Waf(blocked, profile);
        }

        if (profile.MaxBody > 0 && _request.Body == BodyKind.Chunked && profile[WafRule.BodySize] != WafMode.Off) AddFilter((_wafBody ??= new WafBodyFilter(_edge)).Use(profile, Record));
        return null;
    }

    /// <summary>Sends the request on its way, with what the route does beside.</summary>
    private ValueTask<bool> ServeByRouteAsync(CompiledRoute route)
    {
        if (route.MirrorTo is not null) Mirror(route.Route.Mirror!);
        if (route.CachesBeside.Length > 0 && IsUnsafe) AddFilter(InvalidationFilter.Instance);
        return route.Route.Cache is { } policy ? CacheAsync(policy) : AskBackendAsync();
    }

    /// <summary>Those that see what all others made: the mark of the address, then compression.</summary>
    private void AddLastFilters()
    {
        if (_hasLastFilters) return;
        _hasLastFilters = true;
        if (_route!.Marks is not null || _tellsLimit) AddFilter(Additions);
        if (_route.Compression is { } rule) AddFilter((_compression ??= new CompressionFilter(_edge)).Use(rule));
    }

    private bool _tellsLimit;

    /// <summary>The response is to tell what is left of the route's limit.</summary>
    private void TellLimit(int limit, int remaining, int reset)
    {
        Additions.TellLimit(limit, remaining, reset);
        _tellsLimit = true;
    }

    private bool IsUnsafe => _request.Method is not (RequestMethod.Get or RequestMethod.Head or RequestMethod.Options or RequestMethod.Trace);

    /// <summary>The address that the client's mark stands for, when it can be asked.</summary>
    private (CompiledBackend Backend, EndpointState State)? FindMarked(AffinityMarks marks, long nowMs)
    {
        IRequestFields fields = this;
        ReadOnlySpan<byte> mark = default;
        if (marks.Field is { } field) fields.TryGetField(field, out mark);
        else if (marks.Cookie is { } cookie) Cookies.TryGet(_request, HeadBytes, cookie, out mark);
        if (mark.IsEmpty || marks.Find(mark) is not { } found) return null;
        _marked = found.State;
        return found.State.IsAvailable(nowMs) ? found : null;
    }

    /// <summary>Gives the client the mark of the address that answered, unless it brought it. A field is told each time, so that a client that keeps nothing can bring it back.</summary>
    public void MarkAddress(ResponseEdit edit)
    {
        if (_route?.Marks is not { } marks || _endpoint is null || (_endpoint == _marked && marks.Field is null)) return;
        edit.AddLine(marks.LineFor(_endpoint, _client.Connection.IsSecure));
    }

    /// <summary>Copies the request to the mirror, where it is one of its share.</summary>
    private void Mirror(Mirror mirror)
    {
        if (_request.UpgradeWanted || Random.Shared.Next(100) >= mirror.Percent) return;
        if (_request.Body == BodyKind.None) SendMirror([]);
        else if (_request.ContentLength > mirror.MaxBodyBytes) DropMirror();
        else AddFilter((_mirrorTap ??= new MirrorTap()).Use(this, mirror.MaxBodyBytes));
    }

    /// <summary>Sends a copy of the request.</summary>
    public void SendMirror(byte[] content)
    {
        var errand = new Errand { Kind = "mirror", Route = _route!, Timeout = _route!.Route.Mirror!.Timeout };
        if (_edge.TryRun(errand, _client.Connection, HeadBytes.ToArray(), content)) _edge.Metrics.Ingress.MirrorSent.Inc();
        else DropMirror();
    }

    /// <summary>The request is not copied after all.</summary>
    public void DropMirror() => _edge.Metrics.Ingress.MirrorDropped.Inc();

    /// <summary>Does what no client waits for.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> RunErrandAsync(Errand errand)
    {
        if (errand.Race is not null) return await RunSecondAsync(errand);
        ReadOnlySpan<byte> head = HeadBytes;
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        Record.Kind = errand.Kind;
        Record.Rule = errand.Route.Route.Name;
        _route = errand.Route;
        if (errand.Fill is { } fill)
        {
            _stored = errand.Stored;
            if (!WriteKey(_route.NameBytes, _request.Authority.In(head), _request.Path.In(head)))
            {
                fill.Abandon();
                return false;
            }

            AddFilter(Cached.Forward(_route.Route.Cache!, fill, "stale", _edge.NowMs));
            AskForChange(errand.Stored!);
        }

        return await AskBackendAsync();
    }

    private void ForgetFeatures()
    {
        Errand = null;
        _editsRequest = _hasLastFilters = _tellsLimit = false;
        _marked = null;
        ForgetCache();
    }
}
