using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Udp;

/// <summary>A loop's room for datagrams on their way. One turn fills, uses and empties it; 64 KB a datagram, so that none is ever cut.</summary>
internal sealed class DatagramRoom
{
    private const int Datagrams = 32, LargestBytes = 65_536;

    /// <summary>What clients sent.</summary>
    public UdpBatch Received { get; } = new(Datagrams, LargestBytes);

    /// <summary>What upstreams sent: a flow may read answers while the clients' datagrams are still being spread.</summary>
    public UdpBatch Answers { get; } = new(Datagrams, LargestBytes);

    /// <summary>What goes on.</summary>
    public UdpBatch Outgoing { get; } = new(Datagrams, LargestBytes);
}
