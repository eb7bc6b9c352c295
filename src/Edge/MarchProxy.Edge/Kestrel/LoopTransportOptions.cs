using MarchProxy.Net.Handover;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Kestrel;

/// <summary>What bounds the connections that Kestrel serves on the loops.</summary>
public sealed record LoopTransportOptions
{
    /// <summary>The usual ones.</summary>
    public static LoopTransportOptions Default { get; } = new();

    /// <summary>How the listeners listen.</summary>
    public TcpListenerOptions Listener { get; init; } = TcpListenerOptions.Default;

    /// <summary>Sockets of a process before this one, to be used where they fit; null for none.</summary>
    public InheritedSockets? Inherited { get; init; }

    /// <summary>Accepted connections that wait for Kestrel to take them; one more is reset. Default 4,096, the listeners' backlog.</summary>
    public int MaxPending { get; init; } = 4096;

    /// <summary>
    /// Bytes read ahead of the application; then reading stops, and the peer with it. Default 1 MiB, as Kestrel's socket transport.
    /// </summary>
    public long MaxReadAhead { get; init; } = 1 << 20;

    /// <summary>Bytes the application may write ahead of the peer; then its flushes wait. Default 64 KiB, as Kestrel's socket transport.</summary>
    public long MaxWriteAhead { get; init; } = 64 << 10;

    /// <summary>
    /// Milliseconds without any progress in sending until the connection is reset. Default 60,000: beyond Kestrel's own minimum data rate, which
    /// acts first where it is on.
    /// </summary>
    public long SendStallMs { get; init; } = 60_000;
}
