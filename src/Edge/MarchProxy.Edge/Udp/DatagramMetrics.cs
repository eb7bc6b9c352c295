using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Edge.Udp;

/// <summary>One loop's counts of datagrams.</summary>
internal sealed class DatagramMetrics(CounterFamily datagrams, CounterFamily dropped, int shard)
{
    private readonly Dictionary<string, CounterCell> _dropped = [];

    /// <summary>From clients.</summary>
    public CounterCell In { get; } = datagrams.Cell(shard, "in");

    /// <summary>To clients.</summary>
    public CounterCell Out { get; } = datagrams.Cell(shard, "out");

    /// <summary>Counts datagrams that went nowhere.</summary>
    public void Dropped(string reason, int count)
    {
        if (count <= 0) return;
        if (!_dropped.TryGetValue(reason, out CounterCell? cell)) _dropped[reason] = cell = dropped.Cell(shard, reason);
        cell.Add(count);
    }
}
