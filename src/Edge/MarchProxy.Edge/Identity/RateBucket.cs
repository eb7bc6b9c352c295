namespace MarchProxy.Edge.Identity;

/// <summary>A token bucket as one number (GCRA): the time at which it is full again. Any thread takes from it without a lock.</summary>
internal sealed class RateBucket
{
    private long _full;

    /// <summary>Takes one, when there is one.</summary>
    /// <param name="now">Now, in microseconds of any steady clock.</param>
    /// <param name="interval">Microseconds until one more is there.</param>
    /// <param name="burst">How many are there at most.</param>
    /// <returns>Zero when one was taken; else microseconds until there is one.</returns>
    public long Take(long now, long interval, long burst)
    {
        while (true)
        {
            long full = Volatile.Read(ref _full);
            long next = Math.Max(full, now) + interval;
            long wait = next - now - (interval * burst);
            if (wait > 0) return wait;
            if (Interlocked.CompareExchange(ref _full, next, full) == full) return 0;
        }
    }

    /// <summary>Whether none is there, without taking.</summary>
    public bool IsEmpty(long now, long interval, long burst) => Math.Max(Volatile.Read(ref _full), now) + interval - now > interval * burst;

    /// <summary>Microseconds until it is full again.</summary>
    public long UsedAt(long now) => Math.Max(0, Volatile.Read(ref _full) - now);

    /// <summary>Whether it is as one that was never used.</summary>
    public bool IsFull(long now) => Volatile.Read(ref _full) <= now;
}
