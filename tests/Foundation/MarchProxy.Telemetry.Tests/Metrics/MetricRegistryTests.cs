using System.Buffers;
using System.Text;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Telemetry.Tests.Metrics;

public sealed class MetricRegistryTests
{
    [Fact]
    public void Shards_are_added_and_text_is_escaped()
    {
        using var registry = new MetricRegistry(2);
        CounterFamily requests = registry.Counter("m_requests_total", "Re\\quests\nserved.", "path");
        requests.Cell(0, "a\"b").Add(2);
        requests.Cell(1, "a\"b").Inc();
        HistogramFamily duration = registry.Histogram("m_seconds", "Time.", [0.1, 1]);
        duration.Cell(0).Record(0.05);
        duration.Cell(1).Record(0.5);
        duration.Cell(1).Record(5);
        Assert.Equal(
            """
            # HELP m_requests_total Re\\quests\nserved.
            # TYPE m_requests_total counter
            m_requests_total{path="a\"b"} 3
            # HELP m_seconds Time.
            # TYPE m_seconds histogram
            m_seconds_bucket{le="0.1"} 1
            m_seconds_bucket{le="1"} 2
            m_seconds_bucket{le="+Inf"} 3
            m_seconds_sum 5.55
            m_seconds_count 3

            """,
            Text(registry, ExpositionFormat.Prometheus004));
        string open = Text(registry, ExpositionFormat.OpenMetrics100);
        Assert.Contains("# TYPE m_requests counter\n", open, StringComparison.Ordinal);
        Assert.EndsWith("# EOF\n", open, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_label_sets_go_to_one_series()
    {
        using var registry = new MetricRegistry(1);
        CounterFamily family = registry.Counter("m_total", "M.", "client");
        for (int i = 0; i < MetricFamily.MaxSeries + 50; i++) family.Cell(0, "c" + i).Inc();
        Assert.Equal(50, family.Overflow);
        Assert.Contains("m_total{client=\"other\"} 50\n", Text(registry, ExpositionFormat.Prometheus004), StringComparison.Ordinal);
    }

    [Fact]
    public void Counting_allocates_nothing_and_totals_are_exact_under_scrapes()
    {
        using var registry = new MetricRegistry(1);
        CounterCell cell = registry.Counter("m_total", "M.").Cell(0);
        HistogramCell histogram = registry.Histogram("m_seconds", "M.", MetricRegistry.LatencyBuckets).Cell(0);
        long allocated = -1;
        var owner = new Thread(() =>
        {
            for (int warm = 0; warm < 2; warm++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 200_000; i++)
                {
                    cell.Inc();
                    histogram.Record(i * 1e-6);
                }

                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        });
        owner.Start();
        while (owner.IsAlive) Text(registry, ExpositionFormat.Prometheus004);
        owner.Join();
        Assert.Equal(0, allocated);
        Assert.Contains("m_total 400000\n", Text(registry, ExpositionFormat.Prometheus004), StringComparison.Ordinal);
        Assert.Contains("m_seconds_count 400000\n", Text(registry, ExpositionFormat.Prometheus004), StringComparison.Ordinal);
    }

    private static string Text(MetricRegistry registry, ExpositionFormat format)
    {
        var output = new ArrayBufferWriter<byte>();
        registry.Write(output, format);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
