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

    /// <summary>Times round that addresses with less than a whole share may be passed over.</summary>
    private const int MaxRounds = 4;
    private const int SmallTable = 5_003, LargeTable = 65_537;

    /// <summary>How far above the average an address may be loaded before a key goes to the next (Mirrokni et al., consistent hashing with bounded loads).</summary>
    private const double LoadBound = 1.25;

    private readonly EndpointState[] _all;
    private readonly Balance _kind;
    private readonly (ulong Point, int Index)[] _ring = [];
    private readonly ushort[] _table = [];
    private readonly int _heaviest = 1;
    private readonly double _weights = 1;
    private readonly bool _even;
    private uint _next;

    public Balancer(Balance kind, EndpointState[] all)
    {
        _kind = kind;
        _all = all;
        if (all.Length < 2) return;
        _heaviest = all.Max(s => s.Weight);
        _weights = all.Sum(s => (double)s.Weight);
        _even = all.All(s => s.Weight == _heaviest && s.SlowStart is null);
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
        EndpointState? spare = null;

        // Who has less than a whole share is passed over so often; after some rounds whoever is up is taken.
        for (uint i = 0; i < _all.Length * MaxRounds; i++)
        {
            EndpointState state = _all[(start + i) % (uint)_all.Length];
            if (!state.IsAvailable(nowMs)) continue;
            double share = Share(state, nowMs);
            if (share < 1 && Random.Shared.NextDouble() >= share)
            {
                spare ??= state;
                continue;
            }

            _next = start + i + 1;
            return state;
        }

        return spare ?? _all[start % (uint)_all.Length];
    }

    /// <summary>An address's part of what the heaviest and warmest gets.</summary>
    private double Share(EndpointState state, long nowMs) => (double)state.Weight / _heaviest * state.Warmth(nowMs);

    /// <summary>How busy an address is for its share. Who has a small one is drawn in now and then although all are idle.</summary>
    private double Load(EndpointState state, long nowMs)
    {
        double share = Share(state, nowMs);
        return share >= 1 && _even ? state.Active : (state.Active + Random.Shared.NextDouble()) / share;
    }

    private EndpointState Least(long nowMs)
    {
        // Beginning elsewhere each time, equals share.
        uint start = _next++;
        EndpointState? best = null;
        double least = 0;
        bool bestIsUp = false;
        for (uint i = 0; i < _all.Length; i++)
        {
            EndpointState state = _all[(start + i) % (uint)_all.Length];
            bool up = state.IsAvailable(nowMs);
            if (best is not null && bestIsUp && !up) continue;
            double load = Load(state, nowMs);
            if (best is not null && bestIsUp == up && load >= least) continue;
            best = state;
            least = load;
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
        return Load(b, nowMs) < Load(a, nowMs) ? b : a;
    }

    private EndpointState ByKey(ulong key, long nowMs)
    {
        int total = 0;
        foreach (EndpointState state in _all) total += state.Active;
        double most = LoadBound * (total + 1) / _weights;
        int at = _ring.Length > 0 ? First(key) : (int)(key % (ulong)_table.Length), size = _ring.Length + _table.Length;
        EndpointState? busy = null;
        for (int i = 0; i < size; i++)
        {
            int slot = (at + i) % size;
            EndpointState state = _all[_ring.Length > 0 ? _ring[slot].Index : _table[slot]];
            if (!state.IsAvailable(nowMs)) continue;
            if (state.Active < Math.Ceiling(most * state.Weight)) return state;
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
        int heaviest = all.Max(s => s.Weight);
        var ring = new List<(ulong Point, int Index)>(all.Length * Points);
        for (int i = 0; i < all.Length; i++)
        {
            byte[] name = System.Text.Encoding.UTF8.GetBytes(all[i].Endpoint.ToString());
            int points = Math.Max(1, Points * all[i].Weight / heaviest);
            for (int p = 0; p < points; p++) ring.Add((Hash(name, (ulong)p), i));
        }

        ring.Sort();
        return [.. ring];
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

        int heaviest = all.Max(s => s.Weight);
        var turn = new int[all.Length];
        for (int filled = 0, i = 0; filled < size; i = (i + 1) % all.Length)
        {
            // Section 3.4 again: who weighs less has fewer turns.
            turn[i] += all[i].Weight;
            if (turn[i] < heaviest) continue;
            turn[i] -= heaviest;
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
