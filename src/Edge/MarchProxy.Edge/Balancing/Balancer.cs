using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Balancing;

/// <summary>
/// Chooses one address of a service for a request. Addresses that are out are passed over; when all are out all are tried, since a wrong health check
/// must not be what takes a service down.
/// </summary>
internal sealed class Balancer
{
    /// <summary>Points that an address has on the ring: shares differ by a few per cent.</summary>
    private const int Points = 160;
    private const int SmallTable = 5_003, LargeTable = 65_537;

    /// <summary>How far above the average an address may be loaded before a key goes to the next (Mirrokni et al., consistent hashing with bounded loads).</summary>
    private const double LoadBound = 1.25;

    private readonly EndpointState[] _all;
    private readonly Balance _kind;
    private readonly (ulong Point, int Index)[] _ring = [];
    private readonly ushort[] _table = [];
    private uint _next;

    public Balancer(Balance kind, EndpointState[] all)
    {
        _kind = kind;
        _all = all;
        if (all.Length < 2) return;
        if (kind is Balance.RingHash or Balance.IpHash) _ring = Ring(all);
        else if (kind == Balance.Maglev) _table = Table(all);
    }

    /// <summary>Whether requests under way must be counted.</summary>
    public bool Counts => _all.Length > 1 && _kind != Balance.RoundRobin;

    /// <summary>Whether the choice depends on a key.</summary>
    public static bool NeedsKey(Balance kind) => kind is Balance.RingHash or Balance.Maglev or Balance.IpHash;

    public bool AnyAvailable(long nowMs)
    {
        foreach (EndpointState state in _all)
        {
            if (state.IsAvailable(nowMs)) return true;
        }

        return false;
    }

    /// <summary>Chooses; there must be an address.</summary>
    /// <param name="key">The hash of what the request is kept together by.</param>
    /// <param name="nowMs">The time.</param>
    public EndpointState Choose(ulong key, long nowMs)
    {
        if (_all.Length == 1) return _all[0];
        return _kind switch
        {
            Balance.LeastRequest => Least(nowMs),
            Balance.RandomTwo => OfTwo(nowMs),
            Balance.RingHash or Balance.IpHash or Balance.Maglev => ByKey(key, nowMs),
            _ => InTurn(nowMs),
        };
    }

    /// <summary>A key's hash: FNV-1a, mixed (splitmix64), so that near keys are far apart.</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes, ulong seed = 14695981039346656037)
    {
        ulong hash = seed;
        foreach (byte b in bytes) hash = (hash ^ b) * 1099511628211;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
        return hash ^ (hash >> 31);
    }

    private EndpointState InTurn(long nowMs)
    {
        uint start = _next++;
        for (uint i = 0; i < _all.Length; i++)
        {
            EndpointState state = _all[(start + i) % (uint)_all.Length];
            if (!state.IsAvailable(nowMs)) continue;
            _next = start + i + 1;
            return state;
        }

        return _all[start % (uint)_all.Length];
    }

    private EndpointState Least(long nowMs)
    {
        // Beginning elsewhere each time, equals share.
        uint start = _next++;
        EndpointState? best = null;
        bool bestIsUp = false;
        for (uint i = 0; i < _all.Length; i++)
        {
            EndpointState state = _all[(start + i) % (uint)_all.Length];
            bool up = state.IsAvailable(nowMs);
            if (best is not null && (bestIsUp && !up || (bestIsUp == up && state.Active >= best.Active))) continue;
            best = state;
            bestIsUp = up;
        }

        return best!;
    }

    private EndpointState OfTwo(long nowMs)
    {
        int first = Random.Shared.Next(_all.Length), second = Random.Shared.Next(_all.Length - 1);
        if (second >= first) second++;
        EndpointState a = _all[first], b = _all[second];
        bool aUp = a.IsAvailable(nowMs), bUp = b.IsAvailable(nowMs);
        if (!aUp && !bUp) return InTurn(nowMs);
        if (aUp != bUp) return aUp ? a : b;
        return b.Active < a.Active ? b : a;
    }

    private EndpointState ByKey(ulong key, long nowMs)
    {
        int total = 0;
        foreach (EndpointState state in _all) total += state.Active;
        int most = (int)Math.Ceiling(LoadBound * (total + 1) / _all.Length);
        int at = _ring.Length > 0 ? First(key) : (int)(key % (ulong)_table.Length), size = _ring.Length + _table.Length;
        EndpointState? busy = null;
        for (int i = 0; i < size; i++)
        {
            int slot = (at + i) % size;
            EndpointState state = _all[_ring.Length > 0 ? _ring[slot].Index : _table[slot]];
            if (!state.IsAvailable(nowMs)) continue;
            if (state.Active < most) return state;
            busy ??= state;
        }

        return busy ?? _all[_ring.Length > 0 ? _ring[at].Index : _table[at]];
    }

    private int First(ulong key)
    {
        int low = 0, high = _ring.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ring[middle].Point < key) low = middle + 1;
            else high = middle;
        }

        return low == _ring.Length ? 0 : low;
    }

    private static (ulong Point, int Index)[] Ring(EndpointState[] all)
    {
        var ring = new (ulong Point, int Index)[all.Length * Points];
        for (int i = 0; i < all.Length; i++)
        {
            byte[] name = System.Text.Encoding.UTF8.GetBytes(all[i].Endpoint.ToString());
            for (int p = 0; p < Points; p++) ring[(i * Points) + p] = (Hash(name, (ulong)p), i);
        }

        Array.Sort(ring);
        return ring;
    }

    // Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer, section 3.4.
    private static ushort[] Table(EndpointState[] all)
    {
        int size = all.Length <= 50 ? SmallTable : LargeTable;
        var table = new ushort[size];
        var taken = new bool[size];
        var offset = new ulong[all.Length];
        var skip = new ulong[all.Length];
        var next = new ulong[all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            byte[] name = System.Text.Encoding.UTF8.GetBytes(all[i].Endpoint.ToString());
            offset[i] = Hash(name, 1) % (ulong)size;
            skip[i] = (Hash(name, 2) % (ulong)(size - 1)) + 1;
        }

        for (int filled = 0, i = 0; filled < size; i = (i + 1) % all.Length)
        {
            ulong slot;
            do slot = (offset[i] + (next[i]++ * skip[i])) % (ulong)size;
            while (taken[slot]);
            taken[slot] = true;
            table[slot] = (ushort)i;
            filled++;
        }

        return table;
    }
}
