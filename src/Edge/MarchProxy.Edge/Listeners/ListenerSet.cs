using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MarchProxy.Edge.Icmp;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Tls;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net;
using MarchProxy.Net.Handover;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Listeners;

/// <summary>What a snapshot changes about the listeners: opened already, not yet in force.</summary>
internal sealed record ListenerPlan(List<ActiveListener> Opened, List<(ActiveListener Listener, ListenerTerms Terms)> Kept, List<ActiveListener> Closed);

/// <summary>
/// The open listeners. A new snapshot first opens what is new (a failure changes nothing), then closes what is gone; what stays at its address keeps its
/// sockets, whatever else changes about it, and open connections are never touched.
/// </summary>
internal sealed partial class ListenerSet(LoopGroup loops, EdgeLoop[] edges, InheritedSockets? inherited, ListenerTlsFactory tls) : IDisposable
{
    private readonly ConcurrentDictionary<string, ActiveListener> _active = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Endpoints => _active.ToDictionary(a => a.Key, a => a.Value.IsIcmp ? Key(a.Value.Resource) : a.Value.Endpoint.ToString());

    public async Task<ListenerPlan> PrepareAsync(Snapshot snapshot)
    {
        var plan = new ListenerPlan([], [], []);
        Listener[] wanted = [.. snapshot.Listeners.Where(l => l.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy or ListenerPurpose.Dedicated or ListenerPurpose.Transparent)];
        try
        {
            foreach (Listener listener in wanted)
            {
                Certificate[] certificates = Certificates(snapshot, listener);
                bool stays = _active.TryGetValue(listener.Name, out ActiveListener? active) && SameSockets(active.Resource, listener);
                ListenerTerms terms = stays && SameTls(active!.Terms, listener, certificates)
                    ? new ListenerTerms(listener, certificates, active.Tls)
                    : new ListenerTerms(listener, certificates, tls.Make(listener, certificates));
                if (stays) plan.Kept.Add((active!, terms));
                else plan.Opened.Add(await OpenAsync(terms));
            }
        }
        catch
        {
            foreach (ActiveListener opened in plan.Opened) await CloseAsync(opened);
            throw;
        }

        plan.Closed.AddRange(_active.Values.Except(plan.Kept.Select(k => k.Listener)));
        return plan;
    }

    public async Task CommitAsync(ListenerPlan plan)
    {
        foreach ((ActiveListener listener, ListenerTerms terms) in plan.Kept) listener.Change(terms);
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

    /// <summary>Whether the same sockets do.</summary>
    private static bool SameSockets(Listener old, Listener wanted) =>
        old.Address == wanted.Address && old.Port == wanted.Port && old.Queue == wanted.Queue && Kind(old) == Kind(wanted);

    private static bool SameTls(ListenerTerms old, Listener wanted, Certificate[] certificates)
    {
        if (old.Resource.Tls is not { } before || wanted.Tls is not { } now) return old.Resource.Tls is null && wanted.Tls is null;
        return before.MinVersion == now.MinVersion && before.Alpn.SequenceEqual(now.Alpn) && before.ClientCa == now.ClientCa && before.Ciphers.SequenceEqual(now.Ciphers) && old.Resource.Purpose == wanted.Purpose
            && old.Certificates.Select(c => (c.Chain, c.Key, c.Staple)).SequenceEqual(certificates.Select(c => (c.Chain, c.Key, c.Staple)));
    }

    private static string Kind(Listener listener) =>
        listener.Protocol is "udp" or "icmp" ? listener.Protocol : listener is { Purpose: ListenerPurpose.Transparent, Via: "tproxy" } ? "tproxy" : "tcp";

    private static Endpoint Configured(Listener listener) => listener.Address.StartsWith("unix:", StringComparison.Ordinal)
        ? Endpoint.Unix(listener.Address[5..])
        : Endpoint.From(IPAddress.Parse(listener.Address), listener.Port);

    private async Task<ActiveListener> OpenAsync(ListenerTerms terms)
    {
        Listener listener = terms.Resource;
        Endpoint endpoint = Configured(listener);
        IReadOnlyList<int> sockets = inherited?.Take(Key(listener)) ?? [];
        var active = new ActiveListener(terms, endpoint);
        if (active.IsIcmp) return await OpenEchoAsync(active, sockets.Count > 0 ? sockets[0] : -1);
        bool ours = sockets.Count > 0 || _active.Values.Any(a => a.Endpoint == endpoint && a.IsUdp == (listener.Protocol == "udp"));
        if (!ours && !PortProbe.IsFree(endpoint, listener.Protocol == "udp")) throw new EdgeConfigurationException($"{listener.Reference}: another process listens on {endpoint}. Stop it, or choose another port.");
        try
        {
            // A Unix path has one socket. Of sockets that were handed over none may be left out: connections wait in each.
            int wanted = endpoint.Path is null ? loops.Loops.Count : 1;
            for (int i = 0; i < Math.Max(wanted, sockets.Count); i++) await OpenSocketAsync(active, loops.Loops[i % loops.Loops.Count], i < sockets.Count ? sockets[i] : -1);
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

    /// <summary>Takes the packet queue of a listener for ICMP; one loop decides on all pings.</summary>
    private async Task<ActiveListener> OpenEchoAsync(ActiveListener active, int descriptor)
    {
        EdgeLoop edge = edges[0];
        bool held = IsHeld;
        try
        {
            active.Echo = await edge.Loop.InvokeAsync(() => EchoGate.Open(edge, active, descriptor, held));
            return active;
        }
        catch (IOException e)
        {
            string mend = e.HResult == Errno.EPERM ? "It needs the capability CAP_NET_ADMIN (setcap, AmbientCapabilities)." : "Choose another queue, stop what has it, or load the module nfnetlink_queue.";
            throw new EdgeConfigurationException($"{active.Resource.Reference}: {e.Message} {mend}", e);
        }
    }

    /// <summary>Opens one of a listener's sockets on a loop, or takes over one that was handed to us.</summary>
    private async Task OpenSocketAsync(ActiveListener active, EventLoop loop, int descriptor)
    {
        EdgeLoop edge = edges[loop.Id];
        Endpoint where = active.Endpoint;
        bool held = IsHeld;
        if (active.IsUdp)
        {
            UdpRelay relay = await loop.InvokeAsync(() => UdpRelay.Open(edge, active, where, descriptor, held));
            active.Relays.Add(relay);
            active.Endpoint = relay.Local;
            return;
        }

        TcpListenerOptions options = TcpListenerOptions.Default with { Transparent = Kind(active.Resource) == "tproxy", Held = held, OnRefused = () => edge.Refusals.Note(Overload.Refusals.Descriptors) };
        TcpListener socket = await loop.InvokeAsync(() => descriptor < 0
            ? TcpListener.Open(loop, where, connection => edge.Accept(connection, active), options)
            : TcpListener.Adopt(loop, descriptor, connection => edge.Accept(connection, active), options));
        active.Sockets.Add(socket);

        // The first socket settles a port that the kernel was left to choose.
        active.Endpoint = socket.Local;
    }

    /// <summary>The TLS context is left to the connections that still use it and to the finaliser.</summary>
    private static async Task CloseAsync(ActiveListener listener)
    {
        listener.IsClosed = true;
        foreach (TcpListener socket in listener.Sockets)
        {
            await socket.Loop.InvokeAsync(() =>
            {
                socket.AcceptWaiting();
                socket.Dispose();
                return true;
            });
        }

        listener.Sockets.Clear();
        if (listener.Echo is { } echo)
        {
            await echo.Edge.Loop.InvokeAsync(() =>
            {
                echo.Dispose();
                return true;
            });
        }

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
