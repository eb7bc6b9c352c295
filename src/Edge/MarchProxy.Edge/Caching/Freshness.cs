using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Caching;

/// <summary>What decides how long a response may be used. Times are milliseconds since 1970, durations milliseconds.</summary>
/// <param name="Base">The time at which its age was zero.</param>
/// <param name="Lifetime">How old it may be and still be fresh.</param>
/// <param name="StaleWhileRevalidate">How long after that it is served while a new one is fetched.</param>
/// <param name="StaleIfError">How long after that it is served when the upstream fails.</param>
/// <param name="MustRevalidate">A stale one is never served unasked.</param>
/// <param name="NoCache">Not even a fresh one is served unasked.</param>
internal readonly record struct Freshness(long Base, long Lifetime, long StaleWhileRevalidate, long StaleIfError, bool MustRevalidate, bool NoCache)
{
    /// <summary>How old it is.</summary>
    public long AgeAt(long now) => Math.Max(0, now - Base);

    /// <summary>How much longer it is fresh; negative for how long it has been stale.</summary>
    public long LeftAt(long now) => Lifetime - AgeAt(now);

    /// <summary>Judges a response that has come; null when it must not be kept (RFC 9111 section 3).</summary>
    /// <param name="head">Its head.</param>
    /// <param name="buffer">The bytes of the head.</param>
    /// <param name="policy">The route's.</param>
    /// <param name="authorized">Whether the request brought Authorization.</param>
    /// <param name="asked">When the request was sent.</param>
    /// <param name="came">When the head came.</param>
    public static Freshness? Of(ResponseHead head, ReadOnlySpan<byte> buffer, CachePolicy policy, bool authorized, long asked, long came)
    {
        CacheControl control = Read(head, buffer);

        // A final status that we understand; 206 and 304 are parts of others, and 1xx are none.
        if (head.Status is < 200 or 206 or 304) return null;
        if (control.NoStore && !(control.MustUnderstand && IsUnderstood(head.Status))) return null;
        if (control.MustUnderstand && !IsUnderstood(head.Status)) return null;
        if (control.Private || head.Has(KnownHeader.SetCookie)) return null;

        // RFC 9111 section 3.5
        if (authorized && !(control.Public || control.MustRevalidate || control.SharedMaxAge >= 0)) return null;
        if (HasVaryAny(head, buffer)) return null;
        long now = came / 1000;
        long? date = Date(head, buffer, "date"u8, now, out _);
        long lifetime = LifetimeOf(head, buffer, control, policy, date ?? now, now);
        bool explicitly = control.SharedMaxAge >= 0 || control.MaxAge >= 0 || control.Public || control.NoCache || Has(head, buffer, "expires"u8);
        if (!explicitly && !(policy.Ttl > TimeSpan.Zero && IsUsual(head.Status))) return null;
        bool validators = head.Has(KnownHeader.ETag) || head.Has(KnownHeader.LastModified);

        // s-maxage forbids stale use as proxy-revalidate does (section 5.2.2.10), but a response that says both means its own exception.
        bool never = control.MustRevalidate || control.ProxyRevalidate || control.NoCache, mustRevalidate = never || control.SharedMaxAge >= 0;
        long whileRevalidate = never ? 0 : Stale(control.StaleWhileRevalidate, mustRevalidate ? TimeSpan.Zero : policy.StaleWhileRevalidate);
        long ifError = never ? 0 : Stale(control.StaleIfError, mustRevalidate ? TimeSpan.Zero : policy.StaleIfError);

        // Neither fresh nor to be asked about nor of use when stale: keeping it would be for nothing.
        if ((lifetime <= 0 || control.NoCache) && !validators && whileRevalidate + ifError == 0) return null;
        return new Freshness(came - InitialAge(head, buffer, date, asked, came), lifetime * 1000, whileRevalidate, ifError, mustRevalidate, control.NoCache);
    }

    /// <summary>The response's directives.</summary>
    public static CacheControl Read(MessageHead head, ReadOnlySpan<byte> buffer)
    {
        var control = new CacheControl();
        if (!head.Has(KnownHeader.CacheControl)) return control;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id == KnownHeader.CacheControl) control.Add(field.Value.In(buffer));
        }

        return control;
    }

    /// <summary>The date in a field; null when it is not there or is none.</summary>
    public static long? Date(MessageHead head, ReadOnlySpan<byte> buffer, ReadOnlySpan<byte> lowerName, long now, out bool there)
    {
        there = false;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (!System.Text.Ascii.EqualsIgnoreCase(field.Name.In(buffer), lowerName)) continue;
            there = true;
            return HttpDateReader.TryRead(field.Value.In(buffer), now, out long seconds) ? seconds : null;
        }

        return null;
    }

    private static long Stale(long seconds, TimeSpan usual) => seconds >= 0 ? seconds * 1000 : (long)usual.TotalMilliseconds;

    // RFC 9111 section 4.2.1, as a shared cache
    private static long LifetimeOf(ResponseHead head, ReadOnlySpan<byte> buffer, in CacheControl control, CachePolicy policy, long date, long now)
    {
        if (control.SharedMaxAge >= 0) return control.SharedMaxAge;
        if (control.MaxAge >= 0) return control.MaxAge;
        long? expires = Date(head, buffer, "expires"u8, now, out bool there);
        if (there) return expires is { } end ? Math.Max(0, end - date) : 0;
        return policy.Ttl > TimeSpan.Zero && (IsUsual(head.Status) || control.Public) ? (long)policy.Ttl.TotalSeconds : 0;
    }

    // RFC 9111 section 4.2.3
    private static long InitialAge(ResponseHead head, ReadOnlySpan<byte> buffer, long? date, long asked, long came)
    {
        long apparent = date is { } sent ? Math.Max(0, came - (sent * 1000)) : 0;

        // Date has whole seconds: less than one is no age.
        if (apparent < 1000) apparent = 0;
        long told = 0;
        if (head.TryGet(KnownHeader.Age, out ByteRange age))
        {
            foreach (byte digit in age.In(buffer))
            {
                if (digit is < (byte)'0' or > (byte)'9')
                {
                    if (digit != ',') told = 0;
                    break;
                }

                told = Math.Min(int.MaxValue, (told * 10) + digit - '0');
            }
        }

        return Math.Max(apparent, (told * 1000) + (told > 0 ? came - asked : 0));
    }

    private static bool HasVaryAny(ResponseHead head, ReadOnlySpan<byte> buffer)
    {
        if (!head.Has(KnownHeader.Vary)) return false;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id != KnownHeader.Vary) continue;
            var names = new ListMembers(field.Value.In(buffer));
            while (names.MoveNext())
            {
                if (names.Current.SequenceEqual("*"u8)) return true;
            }
        }

        return false;
    }

    private static bool Has(MessageHead head, ReadOnlySpan<byte> buffer, ReadOnlySpan<byte> lowerName)
    {
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(field.Name.In(buffer), lowerName)) return true;
        }

        return false;
    }

    /// <summary>Statuses that may be kept without a word about it (RFC 9110 section 15.1), but 206.</summary>
    private static bool IsUsual(int status) => status is 200 or 203 or 204 or 300 or 301 or 308 or 404 or 405 or 410 or 414 or 501;

    /// <summary>Statuses whose meaning for caches we know (RFC 9111 section 5.2.2.3).</summary>
    private static bool IsUnderstood(int status) => IsUsual(status) || status is 201 or 202 or 302 or 303 or 307 or (>= 400 and <= 417) or 421 or 422 or 426 or 428 or 429 or 431 or 451 or (>= 500 and <= 505) or 511;
}
