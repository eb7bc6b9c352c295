using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Caching;

/// <summary>What to do for a request with a response that is kept.</summary>
internal enum CacheUse
{
    /// <summary>Serve it.</summary>
    Fresh,

    /// <summary>Serve it, and fetch a new one beside.</summary>
    StaleWhileRevalidate,

    /// <summary>Serve it since the client takes stale ones.</summary>
    Stale,

    /// <summary>Ask the upstream whether it still holds.</summary>
    Revalidate,
}

/// <summary>What a request says about caching.</summary>
internal readonly struct RequestControl
{
    private readonly CacheControl _control;

    private RequestControl(in CacheControl control, bool noCache, bool bypass)
    {
        _control = control;
        NoCache = noCache;
        Bypass = bypass;
    }

    /// <summary>The client wants it from the upstream, asked anew.</summary>
    public bool NoCache { get; }

    /// <summary>The request goes past the cache, which neither answers nor keeps.</summary>
    public bool Bypass { get; }

    /// <summary>Nobody is to be asked but us.</summary>
    public bool OnlyIfCached => _control.OnlyIfCached;

    /// <summary>Reads a GET or HEAD request.</summary>
    public static RequestControl Of(RequestHead head, ReadOnlySpan<byte> buffer)
    {
        CacheControl control = Freshness.Read(head, buffer);

        // RFC 9111 section 5.4: where there is no Cache-Control, Pragma speaks.
        bool noCache = control.NoCache || (!control.Any && head.TryGet(KnownHeader.Pragma, out ByteRange pragma) && Lists(pragma.In(buffer), "no-cache"u8));
        return new RequestControl(control, noCache, control.NoStore);
    }

    /// <summary>How a response that is kept may be used (RFC 9111 section 4).</summary>
    public CacheUse Judge(in Freshness stored, long now)
    {
        if (NoCache || stored.NoCache) return CacheUse.Revalidate;
        long left = stored.LeftAt(now);
        if (_control.MaxAge >= 0 && stored.AgeAt(now) > _control.MaxAge * 1000) return CacheUse.Revalidate;
        if (left > 0) return _control.MinFresh > 0 && left < _control.MinFresh * 1000 ? CacheUse.Revalidate : CacheUse.Fresh;
        if (_control.MinFresh > 0) return CacheUse.Revalidate;
        if (-left < stored.StaleWhileRevalidate) return CacheUse.StaleWhileRevalidate;
        return !stored.MustRevalidate && _control.MaxStale >= 0 && -left <= _control.MaxStale * 1000 ? CacheUse.Stale : CacheUse.Revalidate;
    }

    /// <summary>Whether a stale response may be served since the upstream failed (RFC 5861 section 4; the request's own word counts too).</summary>
    public bool ServesOnError(in Freshness stored, long now)
    {
        if (stored.NoCache || NoCache) return false;
        long allowed = stored.MustRevalidate ? stored.StaleIfError : Math.Max(stored.StaleIfError, _control.StaleIfError * 1000);
        return -stored.LeftAt(now) < allowed;
    }

    private static bool Lists(ReadOnlySpan<byte> value, ReadOnlySpan<byte> wanted)
    {
        var members = new ListMembers(value);
        while (members.MoveNext())
        {
            if (System.Text.Ascii.EqualsIgnoreCase(members.Current, wanted)) return true;
        }

        return false;
    }
}
