using System.Runtime.InteropServices;

namespace MarchProxy.Telemetry.Metrics;

/// <summary>One time series of a counter on one shard: written by its one owner thread without any lock, read by the scraper.</summary>
public sealed class CounterCell
{
    private Padded _value;

    /// <summary>The count so far.</summary>
    public long Value => Volatile.Read(ref _value.Value);

    /// <summary>Counts one.</summary>
    public void Inc() => _value.Value++;

    /// <summary>Counts several.</summary>
    /// <param name="count">Not negative.</param>
    public void Add(long count) => _value.Value += count;
}

/// <summary>One time series of a gauge on one shard.</summary>
public sealed class GaugeCell
{
    private Padded _value;

    /// <summary>The present value.</summary>
    public long Value => Volatile.Read(ref _value.Value);

    /// <summary>Sets it.</summary>
    /// <param name="value">The new value.</param>
    public void Set(long value) => _value.Value = value;
}

/// <summary>One time series of a histogram on one shard.</summary>
public sealed class HistogramCell
{
    private readonly double[] _bounds;
    private readonly long[] _counts;
    private double _sum;

    internal HistogramCell(double[] bounds)
    {
        _bounds = bounds;
        _counts = new long[bounds.Length + 1];
    }

    /// <summary>Records an observation.</summary>
    /// <param name="value">In the histogram's unit.</param>
    public void Record(double value)
    {
        double[] bounds = _bounds;
        int bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket]) bucket++;
        _counts[bucket]++;
        _sum += value;
    }

    internal double AddTo(Span<long> counts)
    {
        for (int i = 0; i < counts.Length; i++) counts[i] += Volatile.Read(ref _counts[i]);
        return Volatile.Read(ref _sum);
    }
}

/// <summary>A value alone on its cache line, so that loops on different cores do not share one.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct Padded
{
    [FieldOffset(64)] public long Value;
}
