using System.Buffers;
using System.Globalization;
using System.Text;

namespace MarchProxy.Telemetry.Metrics;

/// <summary>Writes families as Prometheus text 0.0.4 or OpenMetrics 1.0.0, which differ in names, not in substance.</summary>
internal sealed class PrometheusText(IBufferWriter<byte> output, ExpositionFormat format)
{
    private const string Total = "_total";
    private readonly bool _open = format == ExpositionFormat.OpenMetrics100;

    public void Write(MetricFamily family)
    {
        switch (family)
        {
            case CounterFamily counter:
                Head(counter.Name, counter.Help, "counter");
                foreach ((string[] values, CounterCell?[] shards) in counter.Series()) Sample(counter.Name, counter.Labels, values, shards.Sum(c => c?.Value ?? 0));
                break;
            case GaugeFamily gauge:
                Head(gauge.Name, gauge.Help, "gauge");
                foreach ((string[] values, GaugeCell?[] shards) in gauge.Series()) Sample(gauge.Name, gauge.Labels, values, shards.Sum(c => c?.Value ?? 0));
                break;
            case HistogramFamily histogram:
                Head(histogram.Name, histogram.Help, "histogram");
                foreach ((string[] values, HistogramCell?[] shards) in histogram.Series()) Buckets(histogram, values, shards);
                break;
        }
    }

    public void WriteObserved(string name, string help, bool counter, string[] label, IEnumerable<(string Value, double Number)> values)
    {
        Head(name, help, counter ? "counter" : "gauge");
        foreach ((string value, double number) in values) Sample(name, label, label.Length == 0 ? [] : [value], number);
    }

    public void End()
    {
        if (_open) Text("# EOF\n");
    }

    // OpenMetrics names a counter's family without the suffix that its samples have.
    private void Head(string name, string help, string type)
    {
        string family = _open && type == "counter" && name.EndsWith(Total, StringComparison.Ordinal) ? name[..^Total.Length] : name;
        Text($"# HELP {family} {EscapeHelp(help)}\n# TYPE {family} {type}\n");
    }

    private void Buckets(HistogramFamily family, string[] values, HistogramCell?[] shards)
    {
        Span<long> counts = stackalloc long[family.Bounds.Length + 1];
        counts.Clear();
        double sum = 0;
        foreach (HistogramCell? cell in shards) sum += cell?.AddTo(counts) ?? 0;
        long total = 0;
        string[] labels = [.. family.Labels, "le"];
        for (int i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            string bound = i == family.Bounds.Length ? "+Inf" : Bound(family.Bounds[i]);
            Sample(family.Name + "_bucket", labels, [.. values, bound], total);
        }

        Sample(family.Name + "_sum", family.Labels, values, sum);
        Sample(family.Name + "_count", family.Labels, values, total);
    }

    private string Bound(double bound)
    {
        string text = bound.ToString("R", CultureInfo.InvariantCulture);
        return _open && !text.Contains('.', StringComparison.Ordinal) ? text + ".0" : text;
    }

    private void Sample(string name, IReadOnlyList<string> labels, string[] values, double value)
    {
        var line = new StringBuilder(name);
        if (values.Length > 0)
        {
            line.Append('{');
            for (int i = 0; i < values.Length; i++)
            {
                if (i > 0) line.Append(',');
                line.Append(labels[i]).Append("=\"").Append(EscapeValue(values[i])).Append('"');
            }

            line.Append('}');
        }

        line.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        Text(line.ToString());
    }

    private static string EscapeHelp(string text) => text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    private static string EscapeValue(string text) => EscapeHelp(text).Replace("\"", "\\\"", StringComparison.Ordinal);

    private void Text(string text) => Encoding.UTF8.GetBytes(text, output);
}
