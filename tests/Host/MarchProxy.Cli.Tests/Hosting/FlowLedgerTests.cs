using MarchProxy.Cli.Hosting;
using MarchProxy.Rpc.Discovery;
using EdgeCount = MarchProxy.Edge.Egress.FlowCount;

namespace MarchProxy.Cli.Tests.Hosting;

/// <summary>Counts wait for a report that was answered, within bounds.</summary>
public sealed class FlowLedgerTests
{
    private readonly FlowLedger _ledger = new();

    [Fact]
    public void What_was_not_answered_is_told_again_and_what_was_is_not()
    {
        Assert.Equal(["a", "b"], Told(("a", 1), ("b", 1)).Select(f => f.Flow));
        Assert.Equal(["a", "b", "c"], Told(("c", 1), ("a", 1)).Select(f => f.Flow).Order());
        _ledger.Answered();
        Assert.Equal(["d"], Told(("d", 1)).Select(f => f.Flow));
    }

    [Fact]
    public void Reports_and_what_waits_are_bounded()
    {
        PlaneReport report = new();
        _ledger.Report(report, [.. Enumerable.Range(0, 25_000).Select(i => ($"f{i}", new EdgeCount()))], lost: 3);
        Assert.Equal(2_000, report.Flows.Count);
        Assert.Equal(3, _ledger.Lost);
        int reports = 0;
        for (; report.Flows.Count > 0; reports++)
        {
            _ledger.Answered();
            report = new PlaneReport();
            _ledger.Report(report, [], 0);
        }

        Assert.Equal(10, reports);
    }

    private IEnumerable<FlowCount> Told(params (string Flow, int Count)[] counts)
    {
        var report = new PlaneReport();
        _ledger.Report(report, [.. counts.Select(c => (c.Flow, new EdgeCount()))], 0);
        return report.Flows;
    }
}
