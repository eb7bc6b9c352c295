using System.Collections.Concurrent;
using MarchProxy.Edge.Http1;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Caching;

/// <summary>
/// Responses of all routes, shared by all loops, bounded in bytes. Reading takes no lock; what was not used since the clock's hand came by goes first
/// (SIEVE: one visited bit, one hand, no list to reorder at a hit).
/// </summary>
internal sealed class ResponseCache(long maxBytes)
{
    /// <summary>How long nobody waits for a fetch after one that could not be kept: such targets would be asked one request at a time otherwise.</summary>
    private const long NotKeptMs = 10_000;

    /// <summary>What an entry costs without any variant.</summary>
    private const int EntryBytes = 320;

    private readonly ConcurrentDictionary<byte[], CacheEntry> _entries = new(CacheKeyComparer.Instance);
    private readonly LinkedList<CacheEntry> _order = new();
    private readonly Lock _gate = new();
    private LinkedListNode<CacheEntry>? _hand;
    private long _bytes, _evicted, _purged, _filling;

    /// <summary>Bytes kept.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Targets kept.</summary>
    public int Count => _entries.Count;

    /// <summary>Targets thrown out for others.</summary>
    public long Evicted => Volatile.Read(ref _evicted);

    /// <summary>Targets thrown out by request.</summary>
    public long Purged => Volatile.Read(ref _purged);

    /// <summary>The response that a request selects; null when none is kept.</summary>
    public CachedResponse? Find(ReadOnlySpan<byte> key, RequestHead request, ReadOnlySpan<byte> buffer)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out CacheEntry? entry)) return null;
        foreach (CachedResponse variant in entry.Variants)
        {
            if (!variant.Selection.Takes(request, buffer)) continue;
            if (!entry.Visited) entry.Visited = true;
            return variant;
        }

        return null;
    }

    /// <summary>Begins a fetch; null when somebody fetches already.</summary>
    /// <param name="key">Under which key.</param>
    /// <param name="maxObjectBytes">Bytes that it may have.</param>
    public CacheFill? TryBegin(ReadOnlySpan<byte> key, int maxObjectBytes)
    {
        lock (_gate)
        {
            CacheEntry entry = Get(key);
            if (entry.Fill is not null) return null;
            return entry.Fill = new CacheFill(this, entry, (int)Math.Min(maxObjectBytes, maxBytes / 2));
        }
    }

    /// <summary>Waits for the fetch that is under way; false when there is none, or it is not worth waiting for.</summary>
    public bool TryWait(ReadOnlySpan<byte> key, EventLoop loop, LoopSignal signal, long now)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out CacheEntry? entry) || entry.NotKeptUntil > now) return false;
        lock (_gate) return entry.Fill?.AddWaiter(loop, signal) == true;
    }

    /// <summary>The response to a target must not be kept: for a while nobody waits for a fetch of it.</summary>
    public static void NoteNotKept(CacheFill fill, long now) => fill.Entry.NotKeptUntil = now + NotKeptMs;

    /// <summary>Throws out what is kept under a key.</summary>
    public bool Invalidate(ReadOnlySpan<byte> key)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out CacheEntry? entry)) return false;
        lock (_gate) return Remove(entry);
    }

    /// <summary>Throws out what is kept of a route, a host, a target; empty ones stand for all.</summary>
    /// <returns>How many targets.</returns>
    public int Purge(ReadOnlySpan<byte> route, ReadOnlySpan<byte> host, ReadOnlySpan<byte> target, bool prefix)
    {
        int count = 0;
        foreach ((byte[] key, CacheEntry entry) in _entries)
        {
            if (!CacheKey.IsOf(key, route, host, target, prefix)) continue;
            lock (_gate)
            {
                if (Remove(entry)) count++;
            }
        }

        Interlocked.Add(ref _purged, count);
        return count;
    }

    /// <summary>Counts bytes of fetches under way; false when they are half of what may be kept already: many slow ones must not fill the memory.</summary>
    internal bool TryReserve(int count)
    {
        if (Interlocked.Add(ref _filling, count) <= maxBytes / 2) return true;
        Interlocked.Add(ref _filling, -count);
        return false;
    }

    /// <summary>Ends a fetch and wakes who waits for it.</summary>
    internal void End(CacheFill fill, CachedResponse? response)
    {
        List<(EventLoop Loop, LoopSignal Signal)>? waiters;
        CacheEntry entry = fill.Entry;
        lock (_gate)
        {
            waiters = fill.TakeWaiters();
            if (waiters is null) return;
            _ = Interlocked.Add(ref _filling, -fill.Length);
            if (entry.Fill == fill) entry.Fill = null;

            // An entry that was thrown out meanwhile, by an unsafe method or a purge, must not come back with what was fetched before.
            if (entry.Node is not null)
            {
                if (response is not null) Put(entry, response);
                else if (entry.Variants.Length == 0 && entry.NotKeptUntil == 0) Remove(entry);
            }
        }

        foreach ((EventLoop loop, LoopSignal signal) in waiters) loop.Post(static s => ((LoopSignal)s!).Complete(0), signal);
    }

    private CacheEntry Get(ReadOnlySpan<byte> key)
    {
        var lookup = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(key, out CacheEntry? entry)) return entry;
        entry = new CacheEntry(key.ToArray());
        _entries[entry.Key] = entry;
        entry.Node = _order.AddFirst(entry);
        Resize(entry);
        return entry;
    }

    private void Put(CacheEntry entry, CachedResponse response)
    {
        var variants = new List<CachedResponse>(entry.Variants.Length + 1) { response };
        foreach (CachedResponse old in entry.Variants)
        {
            bool same = old.Selection.Values.AsSpan().SequenceEqual(response.Selection.Values) && SameNames(old.Selection, response.Selection);
            if (!same && variants.Count < CacheEntry.MaxVariants) variants.Add(old);
        }

        entry.Variants = [.. variants];
        entry.NotKeptUntil = 0;
        Resize(entry);
    }

    private static bool SameNames(VarySelection one, VarySelection other)
    {
        if (one.Names.Length != other.Names.Length) return false;
        for (int i = 0; i < one.Names.Length; i++)
        {
            if (!one.Names[i].AsSpan().SequenceEqual(other.Names[i])) return false;
        }

        return true;
    }

    private void Resize(CacheEntry entry)
    {
        long size = EntryBytes + entry.Key.Length + entry.Variants.Sum(v => v.Size);
        _bytes += size - entry.Size;
        entry.Size = size;
        while (_bytes > maxBytes && Oldest(entry) is { } victim)
        {
            _evicted++;
            Remove(victim);
        }
    }

    /// <summary>Moves the hand from the oldest to the newest until it finds what was not used.</summary>
    private CacheEntry? Oldest(CacheEntry spared)
    {
        for (int steps = (_order.Count * 2) + 1; steps > 0; steps--)
        {
            LinkedListNode<CacheEntry>? at = _hand ?? _order.Last;
            if (at is null) return null;
            _hand = at.Previous;
            if (at.Value == spared || at.Value.Fill is not null) continue;
            if (!at.Value.Visited) return at.Value;
            at.Value.Visited = false;
        }

        return null;
    }

    private bool Remove(CacheEntry entry)
    {
        if (entry.Node is not { } node) return false;
        if (_hand == node) _hand = node.Previous;
        _order.Remove(node);
        entry.Node = null;
        _entries.TryRemove(KeyValuePair.Create(entry.Key, entry));
        _bytes -= entry.Size;
        return true;
    }
}
