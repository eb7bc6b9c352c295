using System.Net;
using System.Net.NetworkInformation;
using MarchProxy.Model.Egress;

namespace MarchProxy.Edge.Egress;

/// <summary>Knows the host's addresses and where the proxy listens, and tells the policy in force; again when the kernel tells of a change.</summary>
internal sealed class OwnHost : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<IPEndPoint> _others = [];
    private IReadOnlyCollection<IPEndPoint> _listeners = [];
    private EgressPolicy? _policy;

    /// <summary>Asked for once, and again when the kernel tells of a change: an edit must not wait for a list of interfaces.</summary>
    private volatile IPAddress[] _host = Addresses();

    public OwnHost() => NetworkChange.NetworkAddressChanged += OnChanged;

    /// <summary>Something of this process that listens beside the listeners: the admin port, a manager.</summary>
    public void Add(IPEndPoint endpoint)
    {
        lock (_lock) _others.Add(endpoint);
        Tell();
    }

    /// <summary>Tells a policy that is about to be put in force.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="listeners">Where the listeners are.</param>
    public void Watch(EgressPolicy policy, IReadOnlyCollection<IPEndPoint> listeners)
    {
        lock (_lock) (_policy, _listeners) = (policy, listeners);
        Tell();
    }

    /// <inheritdoc/>
    public void Dispose() => NetworkChange.NetworkAddressChanged -= OnChanged;

    private void OnChanged(object? sender, EventArgs e)
    {
        _host = Addresses();
        Tell();
    }

    private static IPAddress[] Addresses() => [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)];

    private void Tell()
    {
        lock (_lock)
        {
            if (_policy is not null) _policy.Own = new OwnAddresses(_host, [.. _listeners, .. _others]);
        }
    }
}
