using System.Globalization;
using System.Text;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Caching;

/// <summary>
/// The cache's part in one exchange: keeps what an upstream says, or dresses what is kept (Age, conditions, ranges), and tells which in Cache-Status (RFC 9211).
/// An exchange keeps one and uses it again.
/// </summary>
internal sealed class CacheFilter(EdgeLoop edge) : ExchangeFilter
{
    /// <summary>Bytes of a Cache-Status field: all of its words together are shorter.</summary>
    private const int MaxStatus = 256;
    private CachePolicy _policy = null!;
    private CacheFill? _fill;
    private StoredUpstream? _serving;
    private Freshness _freshness;
    private string _forwarded = "";
    private long _asked;
    private bool _collapsed;

    /// <summary>What is to be kept of the response; null when nothing is.</summary>
    public CacheFill? Fill => _fill;

    /// <summary>The request goes on; its response is kept when there is a fill.</summary>
    /// <param name="policy">The route's.</param>
    /// <param name="fill">Takes the response, or null.</param>
    /// <param name="why">Why it goes on, as Cache-Status names it.</param>
    /// <param name="asked">The time.</param>
    public CacheFilter Forward(CachePolicy policy, CacheFill? fill, string why, long asked)
    {
        (_policy, _fill, _serving, _forwarded, _asked) = (policy, fill, null, why, asked);
        IsInUse = true;
        return this;
    }

    /// <summary>A response that is kept is served.</summary>
    /// <param name="stored">The upstream that holds it.</param>
    /// <param name="freshness">How fresh it is.</param>
    /// <param name="now">The time.</param>
    /// <param name="why">Empty for a hit; else what the upstream was asked for before.</param>
    public CacheFilter Serve(StoredUpstream stored, in Freshness freshness, long now, string why)
    {
        (_serving, _freshness, _asked, _forwarded) = (stored, freshness, now, why);
        IsInUse = true;
        return this;
    }

    /// <summary>Whether it sits in the exchange already.</summary>
    public bool IsInUse { get; private set; }

    /// <summary>The request waited for another one's response.</summary>
    public void NoteCollapsed() => _collapsed = true;

    /// <inheritdoc/>
    public override bool OnResponseHead(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit)
    {
        if (_serving is not null)
        {
            Dress(exchange, response, bytes, edit);
            return false;
        }

        bool kept = _fill is not null && Keeps(exchange, response, bytes);
        var status = new ByteWriter(stackalloc byte[MaxStatus]);
        status.Append("marchproxy; fwd="u8);
        AppendText(ref status, _forwarded);
        status.Append("; fwd-status="u8);
        status.AppendNumber(response.Status);
        if (kept) status.Append("; stored"u8);
        if (_collapsed) status.Append("; collapsed"u8);
        edit.Add("Cache-Status"u8, status.Written);

        // A response without content is whole with its head.
        if (kept && response.Body == BodyKind.None) EndFill(whole: true);
        return _fill is not null;
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> OnResponseContent(ReadOnlyMemory<byte> piece, bool last)
    {
        if (_fill is null) return piece;
        if (!_fill.Add(piece.Span)) _fill = null;
        else if (last) EndFill(whole: true);
        return piece;
    }

    /// <inheritdoc/>
    public override void OnEnd(bool whole)
    {
        EndFill(whole: false);
        _serving = null;
        _collapsed = IsInUse = false;
    }

    /// <summary>Takes the fill out: the exchange ends it by itself.</summary>
    public CacheFill? TakeFill()
    {
        CacheFill? fill = _fill;
        _fill = null;
        return fill;
    }

    private static void AppendText(ref ByteWriter writer, string text)
    {
        foreach (char c in text) writer.Append((byte)c);
    }

    private void EndFill(bool whole)
    {
        if (TakeFill() is not { } fill) return;
        if (whole && fill.IsKeeping) fill.Complete();
        else fill.Abandon();
    }

    private bool Keeps(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes)
    {
        long now = edge.NowMs;
        bool authorized = exchange.Request.Has(KnownHeader.Authorization);
        if (response.ContentLength <= _policy.MaxObjectBytes
            && Freshness.Of(response, bytes, _policy, authorized, _asked, now) is { } freshness
            && VarySelection.Of(response, bytes, exchange.Request, exchange.HeadBytes) is { } selection)
        {
            _fill!.Keep(StoredHead.Of(response, bytes, edge.Date), freshness, selection);
            return true;
        }

        ResponseCache.NoteNotKept(_fill!, now);
        EndFill(whole: false);
        return false;
    }

    private void Dress(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit)
    {
        long now = edge.NowMs, age = _freshness.AgeAt(now) / 1000, left = (_freshness.LeftAt(now) + (_freshness.LeftAt(now) < 0 ? -999 : 0)) / 1000;
        var number = new ByteWriter(stackalloc byte[20]);
        number.AppendNumber(age);
        edit.Add("Age"u8, number.Written);
        var status = new ByteWriter(stackalloc byte[MaxStatus]);
        status.Append("marchproxy; "u8);
        AppendText(ref status, _forwarded.Length == 0 ? "hit" : _forwarded);
        status.Append(left < 0 ? "; ttl=-"u8 : "; ttl="u8);
        status.AppendNumber(Math.Abs(left));
        if (_collapsed) status.Append("; collapsed"u8);
        edit.Add("Cache-Status"u8, status.Written);
        if (Preconditions.NotModified(exchange.Request, exchange.HeadBytes, response, bytes, now / 1000))
        {
            edit.Status = 304;
            edit.Dropped |= KnownHeaders.Set(KnownHeader.ContentLength, KnownHeader.ContentType);
            edit.SetNoContent();
        }
        else if (exchange.Request.Method == RequestMethod.Get && Preconditions.TryRange(exchange.Request, exchange.HeadBytes, response, bytes, response.ContentLength, out long start, out long count, out bool unsatisfiable))
        {
            if (unsatisfiable)
            {
                edit.Status = 416;
                edit.Dropped |= KnownHeaders.Set(KnownHeader.ContentLength, KnownHeader.ContentType);
                edit.Add("Content-Range"u8, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"bytes */{response.ContentLength}")));
                edit.Add("Content-Length"u8, "0"u8);
                edit.SetNoContent();
                return;
            }

            edit.Status = 206;
            edit.Add("Content-Range"u8, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{start + count - 1}/{response.ContentLength}")));
            edit.SetLength(count);
            _serving!.Limit(start, count);
        }
    }
}
