namespace MarchProxy.Net.Tcp;

/// <summary>How a listener listens.</summary>
public sealed record TcpListenerOptions
{
    /// <summary>The usual ones.</summary>
    public static TcpListenerOptions Default { get; } = new();

    /// <summary>Connections the kernel keeps for us until we accept them. Default 4,096; the kernel cuts it to net.core.somaxconn.</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>Connections accepted a turn, so that a flood of new ones does not starve those that exist. Default 64.</summary>
    public int MaxAcceptsPerTurn { get; init; } = 64;

    /// <summary>Milliseconds without accepting after the kernel ran out of memory or descriptors for us. Default 100.</summary>
    public int PauseMs { get; init; } = 100;

    /// <summary>Takes connections to addresses that are not this host's own, as TPROXY rules hand them over (IP_TRANSPARENT); needs CAP_NET_ADMIN. Default false.</summary>
    public bool Transparent { get; init; }

    /// <summary>Called on the loop when a connection was closed unserved for want of descriptors.</summary>
    public Action? OnRefused { get; init; }

    /// <summary>Waits for <see cref="TcpListener.Resume"/> before it accepts; the kernel queues until then. Default false.</summary>
    public bool Held { get; init; }

    /// <summary>An IPv6 wildcard listener takes IPv4 too. Default true, as nginx's ipv6only=off and Kestrel's ListenAnyIP.</summary>
    public bool DualMode { get; init; } = true;
}
