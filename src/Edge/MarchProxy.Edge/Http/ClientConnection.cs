using System.Collections.Immutable;
using System.Net;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Listeners;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Http;

/// <summary>Who is at the other end of a client's connection and how it came: the same for each request on it, whatever HTTP it speaks.</summary>
internal sealed class ClientConnection(TcpConnection socket, ActiveListener listener)
{
    private PeerAddress? _peer;
    private IPAddress? _address;
    private EdgeConfig? _addressConfig;
    private (bool IsSecure, string? ServerName, Endpoint Local)? _kept;
    private ImmutableArray<Service> _byAddress;

    /// <summary>The connection itself.</summary>
    public TcpConnection Socket => socket;

    /// <summary>The listener it came in by.</summary>
    public ActiveListener Listener => listener;

    /// <summary>The client's address as header fields spell it; written once.</summary>
    public PeerAddress Peer => _peer ??= NewPeer();

    /// <summary>The client's IP address; null over a Unix socket. Made once.</summary>
    public IPAddress? Address => _address ??= socket.Remote.Address;

    /// <summary>The client.</summary>
    public Endpoint Remote => socket.Remote;

    /// <summary>Our address on the connection.</summary>
    public Endpoint Local => _kept?.Local ?? socket.Local;

    /// <summary>Whether the client came over TLS.</summary>
    public bool IsSecure => _kept?.IsSecure ?? socket.Tls is not null;

    /// <summary>The name that its TLS was made for; null without TLS or name.</summary>
    public string? ServerName => _kept is { } kept ? kept.ServerName : socket.Tls?.ServerName;

    /// <summary>What the client's certificate says it is; null without one.</summary>
    public TlsIdentity? Certificate { get; set; }

    /// <summary>Where a client that was caught on its way was going; default for one that asked us.</summary>
    public Endpoint Destination { get; init; }

    /// <summary>The services that the client's address alone makes it one of under a configuration.</summary>
    public ImmutableArray<Service> KnownByAddress(EdgeConfig config)
    {
        if (!ReferenceEquals(config, _addressConfig))
        {
            _addressConfig = config;
            _byAddress = Address is { } address ? config.Snapshot.Egress.FindByAddress(address) : [];
        }

        return _byAddress;
    }

    /// <summary>The service that the client's certificate makes it under a configuration, or null.</summary>
    public ServiceIdentity? KnownByCertificate(EdgeConfig config) => ClientProof.ByCertificate(config, Certificate);

    /// <summary>The same facts, for something that may outlive the connection.</summary>
    public ClientConnection Detach() => new(socket, listener)
    {
        _peer = Peer,
        _address = Address,
        _kept = (IsSecure, ServerName, Local),
        Certificate = Certificate,
        Destination = Destination,
    };

    private PeerAddress NewPeer()
    {
        var peer = new PeerAddress();
        peer.Set(socket.Remote.Address ?? IPAddress.None);
        return peer;
    }
}
