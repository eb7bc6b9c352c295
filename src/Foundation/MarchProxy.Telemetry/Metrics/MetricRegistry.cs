using System.Buffers;
using System.Diagnostics.Metrics;

namespace MarchProxy.Telemetry.Metrics;

/// <summary>
/// The metrics of a process. Families are sharded by loop, so that counting is a plain addition; the scraper adds the shards. Each family is
/// published on the meter "MarchProxy" too, for OpenTelemetry and dotnet-counters.
/// </summary>
public sealed class MetricRegistry : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<MetricFamily> _families = [];
    private readonly List<(string Name, string Help, bool Counter, string[] Label, Func<IEnumerable<(string Value, double Number)>> Read)> _observed = [];
    private readonly Meter _meter = new("MarchProxy");
    private readonly int _shards;

    /// <summary>Makes an empty registry.</summary>
    /// <param name="shards">How many loops count.</param>
    public MetricRegistry(int shards) => _shards = shards;

    /// <summary>Bounds for durations in seconds, from 100 us to 60 s.</summary>
    public static double[] LatencyBuckets { get; } = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    /// <summary>Adds a counter.</summary>
    /// <param name="name">Ends in <c>_total</c>.</param>
    /// <param name="help">A sentence.</param>
    /// <param name="labels">Label names.</param>
    public CounterFamily Counter(string name, string help, params string[] labels)
    {
        var family = Add(new CounterFamily(name, help, labels, _shards));
        _meter.CreateObservableCounter(name, () => family.Series().Select(s => new Measurement<long>(s.Shards.Sum(c => c?.Value ?? 0), Tags(labels, s.Values))), description: help);
        return family;
    }

    /// <summary>Adds a gauge.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">A sentence.</param>
    /// <param name="labels">Label names.</param>
    public GaugeFamily Gauge(string name, string help, params string[] labels)
    {
        var family = Add(new GaugeFamily(name, help, labels, _shards));
        _meter.CreateObservableGauge(name, () => family.Series().Select(s => new Measurement<long>(s.Shards.Sum(c => c?.Value ?? 0), Tags(labels, s.Values))), description: help);
        return family;
    }

    /// <summary>Adds a histogram.</summary>
    /// <param name="name">Ends in its unit.</param>
    /// <param name="help">A sentence.</param>
    /// <param name="bounds">Upper bounds of the buckets, rising.</param>
    /// <param name="labels">Label names.</param>
    public HistogramFamily Histogram(string name, string help, double[] bounds, params string[] labels)
    {
        var family = Add(new HistogramFamily(name, help, labels, _shards, bounds));
        _meter.CreateObservableCounter(name + "_count", () => family.Series().Select(s => new Measurement<long>(Total(family, s.Shards), Tags(labels, s.Values))), description: help);
        return family;
    }

    /// <summary>Adds a value that is read at each scrape.</summary>
    /// <param name="name">Its name; a counter's ends in <c>_total</c>.</param>
    /// <param name="help">A sentence.</param>
    /// <param name="read">Reads it, from any thread.</param>
    public void Observe(string name, string help, Func<double> read)
    {
        bool counter = name.EndsWith("_total", StringComparison.Ordinal);
        lock (_gate) _observed.Add((name, help, counter, [], () => [("", read())]));
        if (counter) _meter.CreateObservableCounter(name, read, description: help);
        else _meter.CreateObservableGauge(name, read, description: help);
    }

    /// <summary>Adds values that are read at each scrape, told apart by one label.</summary>
    /// <param name="name">Its name; a counter's ends in <c>_total</c>.</param>
    /// <param name="help">A sentence.</param>
    /// <param name="label">The label's name.</param>
    /// <param name="read">Reads the values by label, from any thread.</param>
    public void Observe(string name, string help, string label, Func<IEnumerable<(string Value, double Number)>> read)
    {
        bool counter = name.EndsWith("_total", StringComparison.Ordinal);
        lock (_gate) _observed.Add((name, help, counter, [label], read));
        IEnumerable<Measurement<double>> Measurements() => read().Select(v => new Measurement<double>(v.Number, KeyValuePair.Create(label, (object?)v.Value)));
        if (counter) _meter.CreateObservableCounter(name, Measurements, description: help);
        else _meter.CreateObservableGauge(name, Measurements, description: help);
    }

    /// <summary>Sums of families over all their series, for reports that need no more.</summary>
    /// <param name="names">The families; unknown ones are left out.</param>
    public IEnumerable<(string Name, double Value)> Totals(params string[] names)
    {
        lock (_gate)
        {
            return
            [
                .. _families.Where(f => names.Contains(f.Name)).Select(f => (f.Name, f switch
                {
                    CounterFamily counter => counter.Series().Sum(s => s.Shards.Sum(c => (double)(c?.Value ?? 0))),
                    GaugeFamily gauge => gauge.Series().Sum(s => s.Shards.Sum(c => (double)(c?.Value ?? 0))),
                    _ => 0,
                })),
            ];
        }
    }

    /// <summary>Writes everything as a scraper reads it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="format">How.</param>
    public void Write(IBufferWriter<byte> output, ExpositionFormat format)
    {
        var text = new PrometheusText(output, format);
        lock (_gate)
        {
            foreach (MetricFamily family in _families) text.Write(family);
            foreach ((string name, string help, bool counter, string[] label, Func<IEnumerable<(string Value, double Number)>> read) in _observed) text.WriteObserved(name, help, counter, label, read());
        }

        text.End();
    }

    /// <summary>Ends the publication.</summary>
    public void Dispose() => _meter.Dispose();

    private static long Total(HistogramFamily family, HistogramCell?[] shards)
    {
        Span<long> counts = stackalloc long[family.Bounds.Length + 1];
        counts.Clear();
        foreach (HistogramCell? cell in shards) cell?.AddTo(counts);
        long total = 0;
        foreach (long count in counts) total += count;
        return total;
    }

    private static IEnumerable<KeyValuePair<string, object?>> Tags(string[] labels, string[] values) =>
        labels.Zip(values, (label, value) => KeyValuePair.Create(label, (object?)value));

    private T Add<T>(T family)
        where T : MetricFamily
    {
        lock (_gate)
        {
            if (_families.Any(f => f.Name == family.Name)) throw new InvalidOperationException($"The metric {family.Name} exists already.");
            _families.Add(family);
        }

        return family;
    }
}
