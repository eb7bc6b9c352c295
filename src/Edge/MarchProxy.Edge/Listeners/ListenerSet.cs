using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Listeners;

/// <summary>What a snapshot changes about the listeners: opened already, not yet in force.</summary>
internal sealed record ListenerPlan(List<ActiveListener> Opened, List<ActiveListener> Kept, List<ActiveListener> Closed);

/// <summary>
/// The open listeners. A new snapshot first opens what is new (a failure changes nothing), then closes what is gone; what stays the same keeps its
/// sockets, and open connections are never touched.
/// </summary>
internal sealed class ListenerSet(LoopGroup loops, EdgeLoop[] edges) : IDisposable
{
    private readonly ConcurrentDictionary<string, ActiveListener> _active = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Endpoints => _active.ToDictionary(a => a.Key, a => a.Value.Endpoint.ToString());

    public async Task<ListenerPlan> PrepareAsync(Snapshot snapshot)
    {
        var plan = new ListenerPlan([], [], []);
        Listener[] wanted = [.. snapshot.Listeners.Where(l => l.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy or ListenerPurpose.Dedicated or ListenerPurpose.Transparent)];
        try
        {
            foreach (Listener listener in wanted)
            {
                Certificate[] certificates = Certificates(snapshot, listener);
                if (_active.TryGetValue(listener.Name, out ActiveListener? active) && SameContent(active, listener, certificates)) plan.Kept.Add(active);
                else plan.Opened.Add(await OpenAsync(listener, certificates));
            }
        }
        catch
        {
            foreach (ActiveListener opened in plan.Opened) await CloseAsync(opened);
            throw;
        }

        plan.Closed.AddRange(_active.Values.Except(plan.Kept));
        return plan;
    }

    public async Task CommitAsync(ListenerPlan plan)
    {
        foreach (ActiveListener closed in plan.Closed)
        {
            _active.TryRemove(closed.Name, out _);
            await CloseAsync(closed);
        }

        foreach (ActiveListener opened in plan.Opened) _active[opened.Name] = opened;
    }

    public async Task CloseAllAsync()
    {
        foreach (ActiveListener listener in _active.Values) await CloseAsync(listener);
    }

    public void Dispose()
    {
        foreach (ActiveListener listener in _active.Values) listener.Tls?.Dispose();
    }

    private static Certificate[] Certificates(Snapshot snapshot, Listener listener) => listener.Tls is null
        ? []
        : [.. listener.Tls.Certificates.Select(name => snapshot.Resources.Certificates.First(c => c.Name == name))];

    /// <summary>Equal in all that matters to a socket or to TLS.</summary>
    private static bool SameContent(ActiveListener active, Listener wanted, Certificate[] certificates)
    {
        Listener old = active.Resource;
        return old.Address == wanted.Address && old.Port == wanted.Port && old.Purpose == wanted.Purpose && old.Protocol == wanted.Protocol
            && old.Via == wanted.Via && old.ProxyProtocol == wanted.ProxyProtocol && old.Service == wanted.Service && old.ServicePort == wanted.ServicePort
            && old.Tls?.MinVersion == wanted.Tls?.MinVersion && (old.Tls?.Alpn ?? []).SequenceEqual(wanted.Tls?.Alpn ?? []) && old.Tls?.ClientCa == wanted.Tls?.ClientCa
            && active.Certificates.Select(c => (c.Chain, c.Key)).SequenceEqual(certificates.Select(c => (c.Chain, c.Key)));
    }

    private async Task<ActiveListener> OpenAsync(Listener listener, Certificate[] certificates)
    {
        Endpoint endpoint = listener.Address.StartsWith("unix:", StringComparison.Ordinal)
            ? Endpoint.Unix(listener.Address[5..])
            : Endpoint.From(IPAddress.Parse(listener.Address), listener.Port);
        bool ours = _active.Values.Any(a => a.Endpoint == endpoint && a.IsUdp == (listener.Protocol == "udp"));
        if (!ours && !PortProbe.IsFree(endpoint, listener.Protocol == "udp")) throw new EdgeConfigurationException($"{listener.Reference}: another process listens on {endpoint}. Stop it, or choose another port.");
        var active = new ActiveListener(listener, endpoint, MakeTls(listener, certificates), certificates);
        try
        {
            TcpListenerOptions options = TcpListenerOptions.Default with { Transparent = listener is { Purpose: ListenerPurpose.Transparent, Via: "tproxy" } };
            foreach (EventLoop loop in loops.Loops)
            {
                EdgeLoop edge = edges[loop.Id];
                Endpoint where = active.Endpoint;
                if (active.IsUdp)
                {
                    UdpRelay relay = await loop.InvokeAsync(() => UdpRelay.Open(edge, active, where));
                    active.Relays.Add(relay);
                    active.Endpoint = relay.Local;
                    continue;
                }

                TcpListener socket = await loop.InvokeAsync(() => TcpListener.Open(loop, where, connection => edge.Accept(connection, active), options));
                active.Sockets.Add(socket);

                // The first socket settles a port that the kernel was left to choose; a Unix path has one socket.
                active.Endpoint = socket.Local;
                if (endpoint.Path is not null) break;
            }
        }
        catch (IOException e) when (e.HResult == Errno.EPERM && listener.Purpose == ListenerPurpose.Transparent)
        {
            await CloseAsync(active);
            throw new EdgeConfigurationException($"{listener.Reference}: taking other hosts' connections needs the capability CAP_NET_ADMIN. Grant it (setcap, AmbientCapabilities), or write via: redirect.", e);
        }
        catch (IOException e)
        {
            await CloseAsync(active);
            throw new EdgeConfigurationException(
                string.Create(CultureInfo.InvariantCulture, $"{listener.Reference}: {e.Message} Choose another address or port, or stop what listens there."), e);
        }

        return active;
    }

    private static TlsServerContext? MakeTls(Listener listener, Certificate[] certificates)
    {
        if (listener.Tls is not { } tls) return null;
        try
        {
            return new TlsServerContext(new TlsServerOptions
            {
                Certificates = [.. certificates.Select(c => new TlsCertificate(c.Chain, c.Key))],
                Alpn = !tls.Alpn.IsEmpty ? tls.Alpn : listener.Purpose == ListenerPurpose.Ingress ? ["h2", "http/1.1"] : ["http/1.1"],
                MinVersion = tls.MinVersion == "1.3" ? TlsMinVersion.Tls13 : TlsMinVersion.Tls12,
                ClientCaPem = tls.ClientCa,
                ClientCertificates = tls.ClientCa is null ? ClientCertificateMode.None : ClientCertificateMode.Required,
            });
        }
        catch (TlsConfigurationException e)
        {
            throw new EdgeConfigurationException($"{listener.Reference}: {e.Message}", e);
        }
    }

    /// <summary>The TLS context is left to the connections that still use it and to the finaliser.</summary>
    private static async Task CloseAsync(ActiveListener listener)
    {
        listener.IsClosed = true;
        foreach (TcpListener socket in listener.Sockets)
        {
            await socket.Loop.InvokeAsync(() =>
            {
                socket.Dispose();
                return true;
            });
        }

        listener.Sockets.Clear();
        foreach (UdpRelay relay in listener.Relays)
        {
            await relay.Edge.Loop.InvokeAsync(() =>
            {
                relay.Close();
                return true;
            });
        }

        listener.Relays.Clear();
    }
}
