using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Cli.Hosting;

/// <summary>
/// Counts of egress decisions on their way to the manager: kept until a report that holds them was answered, so that a manager that is away loses none. Bounded: past the
/// bound new flows are only counted as lost.
/// </summary>
internal sealed class FlowLedger
{
    /// <summary>Flows that wait at most: with names of usual length some 5 MB.</summary>
    private const int Most = 20_000;

    /// <summary>Flows in one report, so that it stays far below what a manager takes.</summary>
    private const int MostInReport = 2_000;

    private readonly Dictionary<string, Edge.Egress.FlowCount> _waiting = new(StringComparer.Ordinal);
    private readonly List<string> _sent = [];
    private long _lost;

    /// <summary>Decisions that found no room.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Takes new counts in, and puts as many as fit into a report.</summary>
    public void Report(PlaneReport report, IReadOnlyList<(string Flow, Edge.Egress.FlowCount Count)> fresh, long lost)
    {
        foreach ((string flow, Edge.Egress.FlowCount count) in fresh)
        {
            if (_waiting.TryGetValue(flow, out Edge.Egress.FlowCount? known)) known.Add(count);
            else if (_waiting.Count < Most) _waiting[flow] = count;
            else lost += count.Allowed + count.Denied + count.Reported;
        }

        Interlocked.Add(ref _lost, lost);
        _sent.Clear();
        foreach ((string flow, Edge.Egress.FlowCount count) in _waiting.Take(MostInReport))
        {
            _sent.Add(flow);
            report.Flows.Add(new FlowCount
            {
                Flow = flow,
                Allowed = count.Allowed,
                Denied = count.Denied,
                Reported = count.Reported,
                Mapping = count.Mapping,
                Reason = count.Reason,
                LastSeen = (count.LastSeen - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
            });
        }
    }

    /// <summary>The last report has arrived.</summary>
    public void Answered()
    {
        foreach (string flow in _sent) _waiting.Remove(flow);
        _sent.Clear();
    }
}
