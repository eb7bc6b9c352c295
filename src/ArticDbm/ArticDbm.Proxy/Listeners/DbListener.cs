using ArticDbm.Proxy.Engines;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Listeners;

/// <summary>A database listener that is open: its sockets, one a loop.</summary>
internal sealed class DbListener(Listener resource, Endpoint endpoint, TlsServerContext? tls, Certificate[] certificates)
{
    public Listener Resource { get; } = resource;

    public string Name => Resource.Name;

    public string Engine => Resource.Engine;

    /// <summary>Who makes sessions of its connections.</summary>
    public IDbEngine Served { get; } = DbEngineList.Find(resource.Engine)!;

    /// <summary>Where it listens, with the port that the kernel chose when 0 was asked.</summary>
    public Endpoint Endpoint { get; set; } = endpoint;

    public TlsServerContext? Tls { get; } = tls;

    /// <summary>What its TLS was made from.</summary>
    public Certificate[] Certificates { get; } = certificates;

    public List<TcpListener> Sockets { get; } = [];
}
