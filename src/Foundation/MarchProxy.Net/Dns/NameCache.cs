using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace MarchProxy.Net.Dns;

/// <summary>
/// A bounded map from names to results, each with its lifetime. Reads take no lock and allocate nothing. When it is full, the CLOCK hand
/// goes round: an entry used since the hand's last visit is spared once, the next one makes room.
/// </summary>
/// <param name="capacity">Names kept at most.</param>
/// <param name="time">The clock for the lifetimes.</param>
internal sealed class NameCache(int capacity, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Entry> _ring = [];
    private readonly Lock _gate = new();
    private int _hand;

    /// <summary>Names kept now, expired ones included.</summary>
    public int Count => _entries.Count;

    /// <summary>Finds a name that has not expired.</summary>
    public bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out ResolveResult? result)
    {
        result = null;
        if (!_entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out Entry? entry)) return false;
        if (time.GetTimestamp() >= entry.Expires) return false;
        if (!entry.Used) entry.Used = true;
        result = entry.Result;
        return true;
    }

    /// <summary>Keeps a result for a while, in the place of an older one for the same name.</summary>
    public void Set(string name, ResolveResult result, TimeSpan lifetime)
    {
        long expires = time.GetTimestamp() + (long)(lifetime.TotalSeconds * time.TimestampFrequency);
        lock (_gate)
        {
            int slot = _entries.TryGetValue(name, out Entry? old) ? old.Slot : FreeSlot();
            var entry = new Entry(old?.Name ?? name, result, expires, slot);
            if (slot == _ring.Count) _ring.Add(entry);
            else _ring[slot] = entry;
            _entries[entry.Name] = entry;
        }
    }

    private int FreeSlot()
    {
        if (_ring.Count < capacity) return _ring.Count;
        long now = time.GetTimestamp();
        while (true)
        {
            Entry entry = _ring[_hand];
            int slot = _hand;
            _hand = (_hand + 1) % _ring.Count;
            if (entry.Used && now < entry.Expires)
            {
                entry.Used = false;
                continue;
            }

            _entries.TryRemove(entry.Name, out _);
            return slot;
        }
    }

    private sealed class Entry(string name, ResolveResult result, long expires, int slot)
    {
        public readonly string Name = name;
        public readonly ResolveResult Result = result;
        public readonly long Expires = expires;
        public readonly int Slot = slot;
        public volatile bool Used;
    }
}
