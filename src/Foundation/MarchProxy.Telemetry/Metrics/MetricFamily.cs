namespace MarchProxy.Telemetry.Metrics;

/// <summary>A metric with its label names and its time series on every shard.</summary>
public abstract class MetricFamily
{
    /// <summary>Label sets a family may have; more goes to one series labelled "other", so that no client can fill our memory or the scraper's.</summary>
    public const int MaxSeries = 1000;

    private protected MetricFamily(string name, string help, string[] labels)
    {
        Name = name;
        Help = help;
        Labels = labels;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>A sentence for people.</summary>
    public string Help { get; }

    /// <summary>Its label names.</summary>
    public IReadOnlyList<string> Labels { get; }
}

/// <summary>A metric whose series are cells of one type.</summary>
/// <typeparam name="T">The type of its cells.</typeparam>
public abstract class MetricFamily<T> : MetricFamily
    where T : class
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, T?[]> _series = new(StringComparer.Ordinal);
    private readonly List<(string[] Values, T?[] Shards)> _ordered = [];
    private readonly int _shards;

    private protected MetricFamily(string name, string help, string[] labels, int shards)
        : base(name, help, labels) => _shards = shards;

    /// <summary>Label sets that were folded into "other".</summary>
    public long Overflow { get; private set; }

    /// <summary>The cell of a label set on a shard; made at the first call. Keep it: finding it takes a lock.</summary>
    /// <param name="shard">The caller's shard: the loop's id.</param>
    /// <param name="values">A value for each label.</param>
    public T Cell(int shard, params ReadOnlySpan<string> values)
    {
        if (values.Length != Labels.Count) throw new ArgumentException($"{Name} has {Labels.Count} labels.", nameof(values));
        lock (_gate)
        {
            string key = string.Join('\u001F', values!);
            if (!_series.TryGetValue(key, out T?[]? cells))
            {
                string[] kept = values.ToArray();
                if (_ordered.Count >= MaxSeries)
                {
                    Overflow++;
                    kept = [.. kept.Select(_ => "other")];
                    key = string.Join('\u001F', kept);
                }

                if (!_series.TryGetValue(key, out cells))
                {
                    _series[key] = cells = new T?[_shards];
                    _ordered.Add((kept, cells));
                }
            }

            return cells[shard] ??= Create();
        }
    }

    internal (string[] Values, T?[] Shards)[] Series()
    {
        lock (_gate) return [.. _ordered];
    }

    internal abstract T Create();
}

/// <summary>A count that only grows.</summary>
public sealed class CounterFamily : MetricFamily<CounterCell>
{
    internal CounterFamily(string name, string help, string[] labels, int shards)
        : base(name, help, labels, shards)
    {
    }

    internal override CounterCell Create() => new();
}

/// <summary>A value that goes up and down; the shards' values are added.</summary>
public sealed class GaugeFamily : MetricFamily<GaugeCell>
{
    internal GaugeFamily(string name, string help, string[] labels, int shards)
        : base(name, help, labels, shards)
    {
    }

    internal override GaugeCell Create() => new();
}

/// <summary>A distribution in fixed buckets.</summary>
public sealed class HistogramFamily : MetricFamily<HistogramCell>
{
    internal HistogramFamily(string name, string help, string[] labels, int shards, double[] bounds)
        : base(name, help, labels, shards) => Bounds = bounds;

    internal double[] Bounds { get; }

    internal override HistogramCell Create() => new(Bounds);
}
