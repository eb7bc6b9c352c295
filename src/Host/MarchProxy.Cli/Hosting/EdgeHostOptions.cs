using MarchProxy.Edge;

namespace MarchProxy.Cli.Hosting;

/// <summary>What an edge process was told on its command line.</summary>
internal sealed record EdgeHostOptions
{
    public required string File { get; init; }

    public required string AdminListen { get; init; }

    public string? ReadyFile { get; init; }

    /// <summary>Limits and timers.</summary>
    public required EdgeSettings Edge { get; init; }

    /// <summary>Null or "stdout", "off", or a path.</summary>
    public string? AccessLog { get; init; }

    /// <summary>udp://HOST:PORT, or null.</summary>
    public string? Syslog { get; init; }

    public bool JsonLog { get; init; }
}
