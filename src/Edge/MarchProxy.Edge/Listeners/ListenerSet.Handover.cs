using MarchProxy.Edge.Icmp;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Handover;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Listeners;

internal sealed partial class ListenerSet
{
    /// <summary>Whether the sockets wait until the process that has handed them over has stopped using them.</summary>
    private bool IsHeld { get; set; } = inherited is not null;

    /// <summary>The sockets, with what each is for; they stay open here.</summary>
    public IEnumerable<HandedSocket> Export() => _active.Values.SelectMany(listener =>
    {
        string key = Key(listener.Resource);
        return listener.Sockets.Select(s => new HandedSocket(key, s.Descriptor)).Concat(listener.Relays.Select(r => new HandedSocket(key, r.Descriptor)))
            .Concat(listener.Echo is { } echo ? [new HandedSocket(key, echo.Descriptor)] : []);
    });

    /// <summary>Takes nothing more from the sockets; what comes waits in the kernel.</summary>
    public Task HoldAsync() => OnEachAsync(static socket => socket.Hold(), static relay => relay.Hold(), static echo => echo.Hold());

    /// <summary>Takes what comes again, after <see cref="HoldAsync"/> or since the sockets were handed over.</summary>
    public async Task ResumeAsync()
    {
        IsHeld = false;
        await OnEachAsync(static socket => socket.Resume(), static relay => relay.Resume(), static echo => echo.Resume());
    }

    /// <summary>Closes the sockets here; another process has them now.</summary>
    public async Task ReleaseAsync()
    {
        await OnEachAsync(static socket => socket.Release(), static relay => relay.Release(), static echo => echo.Dispose());
        foreach (ActiveListener listener in _active.Values)
        {
            listener.IsClosed = true;
            listener.Sockets.Clear();
            listener.Relays.Clear();
            listener.Echo = null;
        }
    }

    /// <summary>The UDP flows that are open.</summary>
    public async Task<List<HandedFlow>> ExportFlowsAsync()
    {
        var flows = new List<HandedFlow>();
        foreach (ActiveListener listener in _active.Values)
        {
            string key = Key(listener.Resource);
            for (int i = 0; i < listener.Relays.Count; i++)
            {
                UdpRelay relay = listener.Relays[i];
                int index = i;
                flows.AddRange(await relay.Edge.Loop.InvokeAsync(() => relay.Export(key, index)));
            }
        }

        return flows;
    }

    /// <summary>Goes on with flows that were handed over; one that finds no listener is closed.</summary>
    public async Task AdoptFlowsAsync(IEnumerable<HandedFlow> flows)
    {
        var relays = _active.Values.ToDictionary(a => Key(a.Resource), a => a.Relays, StringComparer.Ordinal);
        foreach (HandedFlow flow in flows)
        {
            if (!relays.TryGetValue(flow.Key, out List<UdpRelay>? of) || flow.Index >= of.Count)
            {
                DescriptorPassing.Close(flow.Descriptor);
                continue;
            }

            UdpRelay relay = of[flow.Index];
            await relay.Edge.Loop.InvokeAsync(() =>
            {
                relay.Adopt(flow);
                return true;
            });
        }
    }

    private static string Key(Listener listener) => listener.Protocol == "icmp"
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"nfqueue {listener.Queue}")
        : InheritedSockets.Key(Kind(listener), Configured(listener), listener.Name);

    private async Task OnEachAsync(Action<TcpListener> socket, Action<UdpRelay> relay, Action<EchoGate> echo)
    {
        foreach (ActiveListener listener in _active.Values)
        {
            foreach (TcpListener one in listener.Sockets) await OnAsync(one.Loop, () => socket(one));
            foreach (UdpRelay one in listener.Relays) await OnAsync(one.Edge.Loop, () => relay(one));
            if (listener.Echo is { } gate) await OnAsync(gate.Edge.Loop, () => echo(gate));
        }

        static Task OnAsync(EventLoop loop, Action action) => loop.InvokeAsync(() =>
        {
            action();
            return true;
        });
    }
}

/// <summary>A socket on its way to another process.</summary>
/// <param name="Key">What it is for (<see cref="InheritedSockets.Key"/>).</param>
/// <param name="Descriptor">The socket.</param>
public readonly record struct HandedSocket(string Key, int Descriptor);

/// <summary>A UDP flow on its way to another process.</summary>
/// <param name="Key">What its listener is for.</param>
/// <param name="Index">Which of its listener's sockets its client reaches.</param>
/// <param name="Client">The client.</param>
/// <param name="Upstream">Where its datagrams go.</param>
/// <param name="Descriptor">The socket connected there.</param>
public readonly record struct HandedFlow(string Key, int Index, Net.Endpoint Client, Net.Endpoint Upstream, int Descriptor);
