using System.Runtime.CompilerServices;
using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

/// <summary>Requests of routes that cache (RFC 9111): served by what is kept, or sent on so that what comes is kept.</summary>
internal sealed partial class HttpExchange
{
    private byte[]? _cacheKey;
    private int _cacheKeyLength;
    private CacheFilter? _cacheFilter;
    private StoredUpstream? _storedUpstream;
    private ResponseHead? _storedHead;
    private RequestControl _control;

    /// <summary>What is kept and no longer fresh: confirmed by a 304, or served when the upstream fails.</summary>
    private CachedResponse? _stored;
    private bool _revalidates;

    private ReadOnlySpan<byte> CacheKeyBytes => _cacheKey.AsSpan(0, _cacheKeyLength);

    /// <summary>Looks the request up; what is not kept is fetched, by one request at a time.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> CacheAsync(CachePolicy policy)
    {
        _control = RequestControl.Of(_request, HeadBytes);
        bool usable = _request.Method is RequestMethod.Get or RequestMethod.Head && _request.Body == BodyKind.None && !_request.UpgradeWanted;
        if (!usable || _control.Bypass || Preconditions.HasOthers(_request, HeadBytes) || !WriteKey(_route!.NameBytes, _request.Authority.In(HeadBytes), _request.Path.In(HeadBytes))) return await SendOnAsync(policy, null, "bypass");
        bool waited = false;
        while (true)
        {
            long now = _edge.NowMs;
            if (_edge.Cache.Find(CacheKeyBytes, _request, HeadBytes) is { } stored)
            {
                CacheUse use = _control.Judge(stored.Freshness, now);
                if (use == CacheUse.StaleWhileRevalidate) RenewBeside(policy, stored);
                if (use != CacheUse.Revalidate)
                {
                    Record.Cache = use == CacheUse.Fresh ? "hit" : "stale";
                    return await ServeStoredAsync(stored, "");
                }

                _stored = stored;
            }

            if (_control.OnlyIfCached)
            {
                Record.Cache = "miss";
                return await RespondAsync(LocalAnswers.NotCached);
            }

            // A part must not be kept as the whole, and what has no content tells nothing about content.
            if (_request.Method == RequestMethod.Head || (_stored is null && _request.Has(KnownHeader.Range))) return await SendOnAsync(policy, null, "miss");
            CacheFill? fill = _edge.Cache.TryBegin(CacheKeyBytes, policy.MaxObjectBytes);
            if (fill is null && !waited && !_control.NoCache && policy.FillWait > TimeSpan.Zero && await WaitForFillAsync(policy, now))
            {
                if (_clientGone) return Leave();
                waited = true;
                _stored = null;
                continue;
            }

            if (fill is not null && _stored is not null) AskForChange(_stored);
            return await SendOnAsync(policy, fill, _stored is null ? "miss" : _control.NoCache ? "request" : "stale");
        }
    }

    /// <summary>Waits for the response that another request is fetching.</summary>
    /// <returns>Whether it was waited for.</returns>
    private async ValueTask<bool> WaitForFillAsync(CachePolicy policy, long now)
    {
        var signal = new LoopSignal(_edge.Loop);
        if (!_edge.Cache.TryWait(CacheKeyBytes, _edge.Loop, signal, now)) return false;
        _client.WatchHangUp(this);
        await signal.WaitAsync((long)policy.FillWait.TotalMilliseconds);
        _client.UnwatchHangUp();
        Cached.NoteCollapsed();
        return true;
    }

    private CacheFilter Cached => _cacheFilter ??= new CacheFilter(_edge);

    private ValueTask<bool> SendOnAsync(CachePolicy policy, CacheFill? fill, string why)
    {
        Record.Cache = why switch { "stale" => "expired", "request" => "expired", _ => why };
        AddFilter(Cached.Forward(policy, fill, why == "miss" ? "uri-miss" : why, _edge.NowMs));
        return AskBackendAsync();
    }

    /// <summary>Serves what is kept.</summary>
    /// <param name="stored">The response.</param>
    /// <param name="why">For Cache-Status: empty for a hit.</param>
    private ValueTask<bool> ServeStoredAsync(CachedResponse stored, string why)
    {
        StoredUpstream upstream = (_storedUpstream ??= new StoredUpstream()).Use(stored);
        bool there = Cached.IsInUse;
        Cached.Serve(upstream, stored.Freshness, _edge.NowMs, why);
        if (!there) AddFilter(Cached);
        AddLastFilters();
        return ServeAsync(upstream, _route!.ResponseRewrite);
    }

    /// <summary>Asks whether what is kept still holds, instead of for what the client asked (RFC 9111 section 4.3.1).</summary>
    private void AskForChange(CachedResponse stored)
    {
        ResponseHead head = ParseStored(stored);
        RequestEdit edit = Edit;
        edit.Dropped |= KnownHeaders.Set(KnownHeader.IfNoneMatch, KnownHeader.IfModifiedSince, KnownHeader.Range);
        if (head.TryGet(KnownHeader.ETag, out ByteRange tag)) edit.Add("If-None-Match"u8, tag.In(stored.Head));
        if (head.TryGet(KnownHeader.LastModified, out ByteRange changed)) edit.Add("If-Modified-Since"u8, changed.In(stored.Head));
        _revalidates = !tag.IsEmpty || !changed.IsEmpty;
    }

    private ResponseHead ParseStored(CachedResponse stored)
    {
        ResponseHead head = _storedHead ??= new ResponseHead();
        head.Reset();
        HeadParser.ParseResponse(stored.Head, head, HeadLimits.Default, out _);
        return head;
    }

    /// <summary>Fetches a new response with nobody waiting for it (RFC 5861 section 3).</summary>
    private void RenewBeside(CachePolicy policy, CachedResponse stored)
    {
        if (_edge.Cache.TryBegin(CacheKeyBytes, policy.MaxObjectBytes) is not { } fill) return;
        var errand = new Errand { Kind = "refresh", Route = _route!, Fill = fill, Stored = stored, Timeout = _route!.Route.Timeout };
        if (!_edge.TryRun(errand, _client.Connection, HeadBytes.ToArray(), [])) fill.Abandon();
    }

    /// <summary>What is kept, when it is to be served instead of what came: confirmed by a 304, or in the place of an error.</summary>
    private (CachedResponse Response, string Why)? Instead(ResponseOutcome outcome)
    {
        if (_stored is not { } stored) return null;
        if (outcome == ResponseOutcome.Head && _response.Status == 304 && _revalidates)
        {
            Record.Cache = "revalidated";
            return (Renew(stored), "fwd=stale; fwd-status=304");
        }

        bool failed = outcome != ResponseOutcome.Head || _response.Status is 500 or 502 or 503 or 504;
        if (!failed || _clientGone || !_control.ServesOnError(stored.Freshness, _edge.NowMs)) return null;
        Record.Cache = "stale";
        return (stored, outcome == ResponseOutcome.Head ? $"fwd=stale; fwd-status={_response.Status}" : "fwd=stale; detail=upstream-failed");
    }

    // RFC 9111 section 4.3.4
    private CachedResponse Renew(CachedResponse stored)
    {
        byte[] head = StoredHead.Renew(ParseStored(stored), stored.Head, _response, _upstream!.Received);
        var renewed = stored with { Head = head };
        CacheFill? fill = Cached.TakeFill();
        long now = _edge.NowMs;
        if (Freshness.Of(ParseStored(renewed), head, _route!.Route.Cache!, _request.Has(KnownHeader.Authorization), now, now) is { } freshness)
        {
            renewed = renewed with { Freshness = freshness };
            fill?.Refresh(renewed);
        }
        else
        {
            // It may be used this once, and must be kept no longer.
            fill?.Abandon();
            _edge.Cache.Invalidate(CacheKeyBytes);
        }

        return renewed;
    }

    private async ValueTask<bool> ServeInsteadAsync((CachedResponse Response, string Why) instead, bool confirmed)
    {
        if (confirmed)
        {
            _upstream!.ConsumeHead();
            _upstream.BeginContent(_response, raw: false);
            _upstream.Release(reusable: true);
            _upstream = null;
        }
        else
        {
            CloseUpstream();
        }

        return await ServeStoredAsync(instead.Response, instead.Why);
    }

    private bool WriteKey(ReadOnlySpan<byte> route, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> target)
    {
        _cacheKey ??= new byte[CacheKey.MaxBytes];
        _cacheKeyLength = CacheKey.Write(_cacheKey, route, _client.Connection.IsSecure, authority, target);
        return _cacheKeyLength > 0;
    }

    // RFC 9111 section 4.4
    /// <summary>An unsafe method has changed something: what is kept of its target, and of what it points to on the same host, goes.</summary>
    public void InvalidateTargets(ResponseHead response, ReadOnlySpan<byte> bytes)
    {
        if (response.Status is < 200 or >= 400) return;
        ReadOnlySpan<byte> authority = _request.Authority.In(HeadBytes);
        Invalidate(authority, _request.Path.In(HeadBytes));
        foreach (ref readonly HeaderField field in response.Fields)
        {
            bool points = field.Id == KnownHeader.Location || Ascii.EqualsIgnoreCase(field.Name.In(bytes), "content-location"u8);
            if (points) Invalidate(authority, TargetOn(field.Value.In(bytes), authority));
        }
    }

    private void Invalidate(ReadOnlySpan<byte> authority, ReadOnlySpan<byte> target)
    {
        foreach (byte[] route in _route!.CachesBeside)
        {
            if (!target.IsEmpty && WriteKey(route, authority, target)) _edge.Cache.Invalidate(CacheKeyBytes);
        }
    }

    /// <summary>Path and query of a URI reference that leads to this authority; empty for one that leads elsewhere.</summary>
    private static ReadOnlySpan<byte> TargetOn(ReadOnlySpan<byte> reference, ReadOnlySpan<byte> authority)
    {
        int fragment = reference.IndexOf((byte)'#');
        if (fragment >= 0) reference = reference[..fragment];
        if (reference.StartsWith("/"u8) && !reference.StartsWith("//"u8)) return reference;
        int scheme = reference.IndexOf("://"u8);
        if (scheme is not (4 or 5)) return default;
        ReadOnlySpan<byte> rest = reference[(scheme + 3)..];
        int path = rest.IndexOf((byte)'/');
        return path > 0 && Ascii.EqualsIgnoreCase(rest[..path], authority) ? rest[path..] : default;
    }

    private void ForgetCache()
    {
        _stored = null;
        _revalidates = false;
        _control = default;
    }
}
