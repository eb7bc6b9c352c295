using System.Security.Cryptography.X509Certificates;
using MarchProxy.Edge.Icmp;
using MarchProxy.Edge.Overload;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Listeners;

/// <summary>A listener that is open: its sockets, at least one a loop. What does not need new sockets changes while it stays open.</summary>
internal sealed class ActiveListener(ListenerTerms terms, Endpoint endpoint)
{
    private volatile ListenerTerms _terms = terms;

    /// <summary>What holds for connections that come now.</summary>
    public ListenerTerms Terms => _terms;

    /// <summary>Its present configuration.</summary>
    public Listener Resource => _terms.Resource;

    /// <summary>Its name: one object for life.</summary>
    public string Name { get; } = terms.Resource.Name;

    public ListenerPurpose Purpose => _terms.Resource.Purpose;

    /// <summary>Where it listens, with the port that the kernel chose when 0 was asked.</summary>
    public Endpoint Endpoint { get; set; } = endpoint;

    public TlsServerContext? Tls => _terms.Tls;

    /// <summary>Connections open by client address; counted while there is a bound.</summary>
    public AddressCounts Addresses { get; } = new();

    /// <summary>Called when a connection that was counted has closed.</summary>
    public Action<TcpConnection> Left => _left ??= connection => Addresses.Leave(connection.Remote);

    private Action<TcpConnection>? _left;

    /// <summary>Its certificates.</summary>
    public Certificate[] Certificates => _terms.Certificates;

    /// <summary>Whether one certificate is for both names: what is asked of one host on a connection made for another.</summary>
    public bool SameCertificate(string one, string other) => _terms.SameCertificate(one, other);

    /// <summary>Its sockets; one a loop, or more on some when a process with more loops handed them over.</summary>
    public List<TcpListener> Sockets { get; } = [];

    /// <summary>Its relays, as many, when it speaks UDP.</summary>
    public List<UdpRelay> Relays { get; } = [];

    /// <summary>What decides on pings, when it speaks ICMP.</summary>
    public EchoGate? Echo { get; set; }

    public bool IsIcmp => _terms.Resource.Protocol == "icmp";

    public bool IsUdp => _terms.Resource.Protocol == "udp";

    /// <summary>Whether it was taken away: its connections end after what they are doing.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Takes new terms for connections that come from now on.</summary>
    public void Change(ListenerTerms terms) => _terms = terms;
}

/// <summary>What a listener's connections are served under; replaced as a whole.</summary>
/// <param name="Resource">The configuration.</param>
/// <param name="Certificates">Its certificates, in order.</param>
/// <param name="Tls">The TLS made of them; null without.</param>
internal sealed record ListenerTerms(Listener Resource, Certificate[] Certificates, TlsServerContext? Tls)
{
    private readonly Lazy<X509Certificate2[]> _parsed = new(() => [.. Certificates.Select(c => X509Certificate2.CreateFromPem(c.Chain))]);

    /// <summary>Whether one certificate is for both names.</summary>
    public bool SameCertificate(string one, string other) => _parsed.Value.Any(c => c.MatchesHostname(one) && c.MatchesHostname(other));
}
