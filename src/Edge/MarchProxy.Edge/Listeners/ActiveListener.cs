using System.Security.Cryptography.X509Certificates;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Listeners;

/// <summary>A listener that is open: its sockets, one a loop. What does not need new sockets changes while it stays open.</summary>
internal sealed class ActiveListener(Listener resource, Endpoint endpoint, TlsServerContext? tls, Certificate[] certificates)
{
    /// <summary>Its present configuration.</summary>
    public Listener Resource { get; } = resource;

    public string Name => Resource.Name;

    public ListenerPurpose Purpose => Resource.Purpose;

    /// <summary>Where it listens, with the port that the kernel chose when 0 was asked.</summary>
    public Endpoint Endpoint { get; set; } = endpoint;

    public TlsServerContext? Tls { get; } = tls;

    /// <summary>What its TLS was made from.</summary>
    public Certificate[] Certificates { get; } = certificates;

    /// <summary>Whether one certificate is for both names: what is asked of one host on a connection made for another.</summary>
    public bool SameCertificate(string one, string other) => _parsed.Value.Any(c => c.MatchesHostname(one) && c.MatchesHostname(other));

    private readonly Lazy<X509Certificate2[]> _parsed = new(() => [.. certificates.Select(c => X509Certificate2.CreateFromPem(c.Chain))]);

    /// <summary>One socket a loop, by loop id.</summary>
    public List<TcpListener> Sockets { get; } = [];

    /// <summary>One relay a loop, when it speaks UDP.</summary>
    public List<UdpRelay> Relays { get; } = [];

    public bool IsUdp => Resource.Protocol == "udp";

    /// <summary>Whether it was taken away: its connections end after what they are doing.</summary>
    public bool IsClosed { get; set; }
}
