using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Caching;

/// <summary>One fetch of a response that is to be kept. The exchange that fetches adds pieces; others wait for its end.</summary>
internal sealed class CacheFill(ResponseCache cache, CacheEntry entry, int maxBytes)
{
    /// <summary>Pieces stay below the size from which arrays live in the large object heap.</summary>
    private const int PieceBytes = 32 << 10;

    /// <summary>Requests that wait for one fetch; more go on by themselves.</summary>
    private const int MaxWaiters = 10_000;

    private readonly List<byte[]> _pieces = [];
    private List<(EventLoop Loop, LoopSignal Signal)>? _waiters = [];
    private int _used;
    private byte[]? _head;
    private Freshness _freshness;
    private VarySelection _selection = VarySelection.None;

    public CacheEntry Entry => entry;

    /// <summary>Bytes of content so far.</summary>
    public long Length { get; private set; }

    /// <summary>Whether the response turned out to be worth keeping; pieces are added only then.</summary>
    public bool IsKeeping => _head is not null;

    /// <summary>The head has come.</summary>
    public void Keep(byte[] head, in Freshness freshness, VarySelection selection)
    {
        _head = head;
        _freshness = freshness;
        _selection = selection;
    }

    /// <summary>Adds content.</summary>
    /// <returns>False when it is more than is kept; the fill is over then.</returns>
    public bool Add(ReadOnlySpan<byte> content)
    {
        if (Length + content.Length > maxBytes || !cache.TryReserve(content.Length))
        {
            Abandon();
            return false;
        }

        Length += content.Length;
        while (!content.IsEmpty)
        {
            if (_pieces.Count == 0 || _used == _pieces[^1].Length)
            {
                _pieces.Add(new byte[Math.Min(PieceBytes, Math.Max(content.Length, 1024))]);
                _used = 0;
            }

            byte[] piece = _pieces[^1];
            int take = Math.Min(content.Length, piece.Length - _used);
            content[..take].CopyTo(piece.AsSpan(_used));
            _used += take;
            content = content[take..];
        }

        return true;
    }

    /// <summary>The response is whole.</summary>
    public void Complete()
    {
        byte[][] body = [.. _pieces];
        if (body.Length > 0 && _used < body[^1].Length) body[^1] = body[^1][.._used];
        cache.End(this, new CachedResponse(StoredHead.Finish(_head!, Length), body, Length, _freshness, _selection));
    }

    /// <summary>A response that was kept still holds, with new words about it.</summary>
    public void Refresh(CachedResponse renewed) => cache.End(this, renewed);

    /// <summary>There will be nothing to keep.</summary>
    public void Abandon() => cache.End(this, null);

    /// <summary>Has a waiter told of the end; false when there are too many, or it is over. Under the cache's lock.</summary>
    internal bool AddWaiter(EventLoop loop, LoopSignal signal)
    {
        if (_waiters is null || _waiters.Count >= MaxWaiters) return false;
        _waiters.Add((loop, signal));
        return true;
    }

    /// <summary>The waiters, once. Under the cache's lock.</summary>
    internal List<(EventLoop Loop, LoopSignal Signal)>? TakeWaiters()
    {
        List<(EventLoop Loop, LoopSignal Signal)>? waiters = _waiters;
        _waiters = null;
        return waiters;
    }
}
