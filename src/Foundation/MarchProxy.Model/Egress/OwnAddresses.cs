using System.Collections.Frozen;
using System.Net;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>
/// The proxy's own host: a destination there is a way around the policy, be it what listens on the host for its own use or the proxy itself. Never changes; a new one is made
/// when the host's addresses or the proxy's listeners change.
/// </summary>
public sealed class OwnAddresses
{
    private readonly FrozenSet<IPAddress> _host;
    private readonly FrozenSet<(IPAddress Address, int Port)> _listening;
    private readonly FrozenSet<int> _everywhere;

    /// <summary>Takes what the host has.</summary>
    /// <param name="host">Its addresses.</param>
    /// <param name="listening">Where the proxy itself listens; an unspecified address stands for every one of the host's.</param>
    public OwnAddresses(IEnumerable<IPAddress> host, IReadOnlyCollection<IPEndPoint> listening)
    {
        _host = host.Select(Plain).ToFrozenSet();
        _listening = listening.Select(l => (Plain(l.Address), l.Port)).ToFrozenSet();
        _everywhere = listening.Where(l => l.Address.Equals(IPAddress.Any) || l.Address.Equals(IPAddress.IPv6Any)).Select(l => l.Port).ToFrozenSet();
    }

    /// <summary>Nothing is known to be our own.</summary>
    public static OwnAddresses None { get; } = new([], []);

    /// <summary>
    /// Whether a destination may be dialled at an address and port as far as they are our own: an address of the host only where a range of the destination holds it, and a port of
    /// the proxy only where the destination names that very address alone.
    /// </summary>
    /// <param name="destination">The destination.</param>
    /// <param name="address">The address that would be dialled.</param>
    /// <param name="port">The port.</param>
    public bool Allow(Service destination, IPAddress address, int port)
    {
        bool local = IPAddress.IsLoopback(address) || _host.Contains(Plain(address));
        if (local && (_everywhere.Contains(port) || _listening.Contains((Plain(address), port)))) return AddressGuard.Names(destination, address, alone: true);
        return !_host.Contains(Plain(address)) || AddressGuard.Names(destination, address, alone: false);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address.ScopeIdOrZero() == 0 ? address : new IPAddress(address.GetAddressBytes());
}

/// <summary>Scopes of IPv6 addresses.</summary>
file static class Scopes
{
    public static long ScopeIdOrZero(this IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
