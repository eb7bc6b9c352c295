using ArticDbm.Proxy;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Cli.Hosting;

/// <summary>What an ArticDBM process was told on its command line.</summary>
internal sealed record DbHostOptions
{
    /// <summary>Where /healthz, /readyz and /metrics are served; null when another role of the process does.</summary>
    public string? AdminListen { get; init; }

    public string? ReadyFile { get; init; }

    /// <summary>Limits and timers.</summary>
    public DbSettings Settings { get; init; } = DbSettings.Default;

    /// <summary>Null or "stdout", "off", or a path.</summary>
    public string? StatementLog { get; init; }

    /// <summary>Where lines of statements go besides; null for nowhere.</summary>
    public Uri? Syslog { get; init; }

    public bool JsonLog { get; init; }

    /// <summary>The process's log, when another role made it.</summary>
    public ProcessLog? Log { get; init; }

    /// <summary>The process's metrics, when another role made them.</summary>
    public MetricRegistry? Metrics { get; init; }
}
