using MarchProxy.Model.Snapshots;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Hosting;

/// <summary>A data plane as those see it who bring it its configuration and tell the manager of it.</summary>
internal interface IPlaneHost
{
    /// <summary>The process's log.</summary>
    ProcessLog Log { get; }

    /// <summary>The process's metrics.</summary>
    MetricRegistry Metrics { get; }

    /// <summary>How its metrics begin: <c>marchproxy</c> or <c>articdbm</c>.</summary>
    string Prefix { get; }

    /// <summary>Puts a snapshot in force; null when it holds, else why not.</summary>
    Task<string?> ApplyAsync(Snapshot snapshot, string why);

    /// <summary>Counts and tells a configuration that was refused; always false.</summary>
    bool Refuse(string why, string fault);

    /// <summary>Has the logs open their files anew.</summary>
    void ReopenLogs();

    /// <summary>Tells what it is, runs and counts.</summary>
    Task FillAsync(PlaneReport report);

    /// <summary>Given what makes the next report come at once, for those who have something to tell that should not wait.</summary>
    Action ReportSoon
    {
        set
        {
        }
    }

    /// <summary>The manager has the last report.</summary>
    void Answered();
}
