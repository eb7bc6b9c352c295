using ArticDbm.Proxy;
using MarchProxy.Edge;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Hosting;

/// <summary>What an edge process was told on its command line.</summary>
internal sealed record EdgeHostOptions
{
    public required string AdminListen { get; init; }

    public string? ReadyFile { get; init; }

    /// <summary>Limits and timers.</summary>
    public required EdgeSettings Edge { get; init; }

    /// <summary>Null or "stdout", "off", or a path.</summary>
    public string? AccessLog { get; init; }

    /// <summary>udp://HOST:PORT, or null.</summary>
    public Uri? Syslog { get; init; }

    /// <summary>The folder of its control socket; null for none.</summary>
    public string? RunFolder { get; init; }

    /// <summary>The control socket of an edge that this process takes over from; null to start afresh.</summary>
    public string? TakeOver { get; init; }

    /// <summary>Ends what this process has beside the edge when another has taken over; null for nothing.</summary>
    public Func<Task>? LetGo { get; init; }

    /// <summary>Limits and timers of the databases beside it.</summary>
    public DbSettings Databases { get; init; } = DbSettings.Default;

    /// <summary>What serves in this process beside the edge; null for nothing.</summary>
    public DbProxy? Beside { get; init; }

    public bool JsonLog { get; init; }

    /// <summary>The process's log, when another role made it.</summary>
    public ProcessLog? Log { get; init; }

    /// <summary>The process's metrics, when another role made them.</summary>
    public MetricRegistry? Metrics { get; init; }

    /// <summary>The manager of this process, as the ready file tells it.</summary>
    public string? Manager { get; init; }

    /// <summary>The discovery address of the manager of this process, as the ready file tells it.</summary>
    public string? Xds { get; init; }
}
