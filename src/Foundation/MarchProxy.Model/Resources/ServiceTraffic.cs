namespace MarchProxy.Model.Resources;

/// <summary>How much of a service all loops of a process use at a time; above it requests are answered 503. Zero is no bound.</summary>
public sealed record CircuitLimits
{
    /// <summary>Connections open to it.</summary>
    public int Connections { get; init; }

    /// <summary>Requests that wait for a connection when <see cref="Connections"/> are open. Default 1,024, as Envoy's.</summary>
    public int Pending { get; init; } = 1024;

    /// <summary>Requests under way.</summary>
    public int Requests { get; init; }

    /// <summary>Tries after the first under way.</summary>
    public int Retries { get; init; }
}

/// <summary>Gives an address that is new or came back its share bit by bit. Applies to round-robin, least-request and random-two.</summary>
public sealed record SlowStart
{
    /// <summary>Until the whole share.</summary>
    public TimeSpan Window { get; init; }

    /// <summary>The share to begin with. Default 10, as Envoy's.</summary>
    public int MinPercent { get; init; } = 10;
}

/// <summary>How a listener's access lines are written.</summary>
public sealed record ListenerLog
{
    /// <summary>json, combined, common, or a template with nginx's names; empty for the process's.</summary>
    public string Format { get; init; } = "";

    /// <summary>Of a hundred lines about what went well, how many are written; -1 for the process's. Refusals and errors always are.</summary>
    public int Sample { get; init; } = -1;
}
