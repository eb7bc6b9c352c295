using System.Collections.Concurrent;
using MarchProxy.Edge.Balancing;

namespace MarchProxy.Edge.Identity;

/// <summary>Token buckets by what they limit and whom: shared by all loops, bounded, and found by a hash that nobody outside can aim at.</summary>
internal sealed class RateTable(TimeProvider time)
{
    private const long Second = 1_000_000;
    private const int MaxBuckets = 200_000;
    private readonly ConcurrentDictionary<(string Limit, ulong Key), RateBucket> _buckets = new();
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();
    private long _swept;

    /// <summary>Takes one.</summary>
    /// <param name="limit">What is limited.</param>
    /// <param name="key">Whom it is counted for.</param>
    /// <param name="perSecond">How many a second.</param>
    /// <param name="burst">How many at once.</param>
    /// <returns>Zero when it may pass; else seconds until the next may.</returns>
    public int Take(string limit, ReadOnlySpan<byte> key, int perSecond, int burst)
    {
        RateState left = default;
        return Take(limit, key, perSecond, burst, ref left);
    }

    /// <summary>Takes one, and tells what is left.</summary>
    /// <param name="limit">What is limited.</param>
    /// <param name="key">Whom it is counted for.</param>
    /// <param name="perSecond">How many a second.</param>
    /// <param name="burst">How many at once.</param>
    /// <param name="left">What is left.</param>
    /// <returns>Zero when it may pass; else seconds until the next may.</returns>
    public int Take(string limit, ReadOnlySpan<byte> key, int perSecond, int burst, ref RateState left)
    {
        long now = time.GetTimestamp() / (time.TimestampFrequency / Second);
        if (_buckets.Count >= MaxBuckets) Sweep(now);
        long interval = Math.Max(1, Second / perSecond);
        RateBucket bucket = _buckets.GetOrAdd((limit, Balancer.Hash(key, _seed)), static _ => new RateBucket());
        long wait = bucket.Take(now, interval, burst), used = bucket.UsedAt(now);
        left = new RateState((int)Math.Max(0, burst - ((used + interval - 1) / interval)), (int)((used + Second - 1) / Second));
        return (int)((wait + Second - 1) / Second);
    }

    /// <summary>Drops the buckets that are full again, and when none is, all: a flood of addresses must not fill the memory.</summary>
    private void Sweep(long now)
    {
        long last = Volatile.Read(ref _swept);
        if (now - last < Second || Interlocked.CompareExchange(ref _swept, now, last) != last) return;
        foreach ((var key, RateBucket bucket) in _buckets)
        {
            if (bucket.IsFull(now)) _buckets.TryRemove(key, out _);
        }

        if (_buckets.Count >= MaxBuckets) _buckets.Clear();
    }
}

/// <summary>What is left of a limit.</summary>
/// <param name="Remaining">How many may come at once.</param>
/// <param name="ResetSeconds">Seconds until all may.</param>
internal readonly record struct RateState(int Remaining, int ResetSeconds);
