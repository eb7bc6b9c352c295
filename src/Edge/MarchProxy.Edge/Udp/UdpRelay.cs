using MarchProxy.Edge.Config;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Udp;

/// <summary>
/// One loop's part of a dedicated UDP listener: datagrams of a client go to the one service from a socket of that client's own, so that answers
/// find their way back and a stranger's datagrams are dropped by the kernel. The kernel keeps a client on one loop.
/// </summary>
internal sealed class UdpRelay
{
    /// <summary>Clients a loop serves on one listener at a time: each costs a descriptor. Above it new ones are dropped and counted.</summary>
    private const int MaxFlows = 16_384;

    private readonly EdgeLoop _edge;
    private readonly ActiveListener _listener;
    private readonly UdpSocket _socket;
    private readonly Dictionary<Endpoint, UdpFlow> _flows = [];
    private bool _closed;

    private UdpRelay(EdgeLoop edge, ActiveListener listener, UdpSocket socket)
    {
        _edge = edge;
        _listener = listener;
        _socket = socket;
    }

    /// <summary>The loop that it belongs to.</summary>
    public EdgeLoop Edge => _edge;

    /// <summary>The listener.</summary>
    public ActiveListener Listener => _listener;

    /// <summary>Where it is bound.</summary>
    public Endpoint Local => _socket.Local;

    /// <summary>Binds and begins to serve. Call it on the loop.</summary>
    /// <exception cref="IOException">The address cannot be had.</exception>
    /// <param name="edge">The loop.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="local">Where to bind.</param>
    /// <param name="descriptor">A socket that is bound there already, as another process has handed it over; negative for none.</param>
    /// <param name="held">Whether it waits for <see cref="Resume"/>.</param>
    public static UdpRelay Open(EdgeLoop edge, ActiveListener listener, in Endpoint local, int descriptor = -1, bool held = false)
    {
        UdpSocket socket = descriptor < 0 ? UdpSocket.Bind(edge.Loop, local, receiveBufferBytes: 4 << 20) : UdpSocket.Adopt(edge.Loop, descriptor);
        if (held) socket.Hold();
        var relay = new UdpRelay(edge, listener, socket);
        _ = relay.RunAsync();
        return relay;
    }

    /// <summary>The bound socket.</summary>
    public int Descriptor => _socket.Descriptor;

    /// <summary>Takes no more datagrams of clients; answers go on.</summary>
    public void Hold() => _socket.Hold();

    /// <summary>Takes datagrams of clients again.</summary>
    public void Resume() => _socket.Resume();

    /// <summary>The flows that have an upstream, for another process to go on with.</summary>
    /// <param name="key">What the listener is for.</param>
    /// <param name="index">Which of its sockets this one is.</param>
    public List<HandedFlow> Export(string key, int index) =>
        [.. _flows.Values.Where(f => f.Upstream is not null).Select(f => new HandedFlow(key, index, f.Client, f.Target, f.Upstream!.Descriptor))];

    /// <summary>Goes on with a flow of another process, if the policy still lets it.</summary>
    public void Adopt(in HandedFlow handed)
    {
        UdpSocket upstream = UdpSocket.Adopt(_edge.Loop, handed.Descriptor);
        if (Find(handed.Client, (upstream, handed.Upstream)) is null) upstream.Dispose();
    }

    /// <summary>Ends here what goes on in another process.</summary>
    public void Release()
    {
        if (_closed) return;
        _closed = true;
        foreach (UdpFlow flow in _flows.Values.ToArray()) flow.End("handed-over");
        _socket.Dispose();
    }

    /// <summary>Ends the listener and its flows: datagrams have no end that could be waited for. Call it on the loop.</summary>
    public void Close()
    {
        if (_closed) return;
        _closed = true;
        foreach (UdpFlow flow in _flows.Values.ToArray()) flow.End("closed");
        _socket.Dispose();
    }

    /// <summary>Sends answers to a client.</summary>
    public void Answer(UdpBatch answers)
    {
        int sent = _socket.TrySend(answers);
        _edge.Metrics.Datagrams.Out.Add(Math.Max(0, sent));
        if (sent < answers.Count) _edge.Metrics.Datagrams.Dropped("client-unreachable", answers.Count - Math.Max(0, sent));
    }

    public void Forget(UdpFlow flow) => _flows.Remove(flow.Client);

    private async Task RunAsync()
    {
        try
        {
            while (!_closed)
            {
                int n = await _socket.ReadableAsync(0);
                if (n == -Errno.ECANCELED) return;
                UdpBatch batch = _edge.Datagrams.Received;
                while (!_closed && (n = _socket.TryReceive(batch)) > 0) Spread(batch, n);
            }
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
        }
    }

    /// <summary>Hands datagrams to their flows; neighbours of one client go on in one system call.</summary>
    private void Spread(UdpBatch batch, int count)
    {
        _edge.Metrics.Datagrams.In.Add(count);
        UdpBatch outgoing = _edge.Datagrams.Outgoing;
        for (int i = 0; i < count;)
        {
            Endpoint client = batch.Peer(i);
            UdpFlow? flow = Find(client);
            outgoing.Clear();
            do
            {
                if (flow is not null) outgoing.TryAdd(batch[i], default);
                i++;
            }
            while (i < count && batch.Peer(i) == client);
            flow?.Send(outgoing);
        }
    }

    private UdpFlow? Find(in Endpoint client, (UdpSocket Socket, Endpoint Target) inherited = default)
    {
        if (_flows.TryGetValue(client, out UdpFlow? flow))
        {
            if (ReferenceEquals(flow.Config, _edge.Config)) return flow;

            // The configuration changed: what it no longer allows ends here, what it still allows begins anew.
            flow.End(null);
        }

        if (_flows.Count >= MaxFlows || _edge.Sessions.Count >= _edge.Settings.MaxConnectionsPerLoop || _edge.IsDraining)
        {
            _edge.Refusals.Note(Overload.Refusals.Connections);
            _edge.Metrics.Datagrams.Dropped("overload", 1);
            return null;
        }

        EdgeConfig config = _edge.Config;
        flow = new UdpFlow(this, client, config) { Inherited = inherited };
        _flows[client] = flow;
        _edge.Metrics.Accepted(_listener.Name);
        _edge.Sessions.Add(flow);
        _ = flow.RunAsync();
        return flow;
    }
}
