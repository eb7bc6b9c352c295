using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Upstream;

/// <summary>The connections of HTTP/2 of one loop, by where they lead. Of many exchanges that find none, one connects and the others wait for what it finds.</summary>
internal sealed class Http2Pool(EdgeLoop edge)
{
    /// <summary>For how long an upstream that chose HTTP/1.1 is taken by its word.</summary>
    private const long PlainMs = 60_000;

    /// <summary>Places remembered; those that hold nothing go first.</summary>
    private const int MaxPlaces = 4096;

    private readonly Dictionary<(Endpoint Endpoint, UpstreamTls? Tls), Place> _places = [];

    /// <summary>Connections open.</summary>
    public int Count { get; private set; }

    /// <summary>A connection with room for another stream, or null.</summary>
    public Http2UpstreamConnection? Find(in Endpoint endpoint, UpstreamTls? tls, bool webSocket)
    {
        if (!_places.TryGetValue((endpoint, tls), out Place? place)) return null;
        foreach (Http2UpstreamConnection connection in place.Open)
        {
            if (connection.HasRoom && (!webSocket || connection.TakesWebSockets)) return connection;
        }

        return null;
    }

    /// <summary>Whether the upstream chose HTTP/1.1 when it was last asked.</summary>
    public bool IsPlain(in Endpoint endpoint, UpstreamTls? tls) => _places.TryGetValue((endpoint, tls), out Place? place) && place.PlainUntil > edge.Loop.NowMs;

    /// <summary>Whether somebody connects there now.</summary>
    public bool IsConnecting(in Endpoint endpoint, UpstreamTls? tls) => _places.TryGetValue((endpoint, tls), out Place? place) && place.Connecting;

    /// <summary>Waits for him.</summary>
    public ValueTask<int> WaitAsync(in Endpoint endpoint, UpstreamTls? tls, LoopSignal signal, long timeoutMs)
    {
        _places[(endpoint, tls)].Waiting.Add(signal);
        return signal.WaitAsync(timeoutMs);
    }

    /// <summary>The caller connects; <see cref="End"/> must follow.</summary>
    public void Begin(in Endpoint endpoint, UpstreamTls? tls)
    {
        if (!_places.TryGetValue((endpoint, tls), out Place? place))
        {
            if (_places.Count >= MaxPlaces) Trim();
            _places[(endpoint, tls)] = place = new Place();
        }

        place.Connecting = true;
    }

    /// <summary>The caller has connected, or could not.</summary>
    /// <param name="endpoint">Where to.</param>
    /// <param name="tls">Under which TLS.</param>
    /// <param name="plain">Whether the upstream chose HTTP/1.1.</param>
    public void End(in Endpoint endpoint, UpstreamTls? tls, bool plain)
    {
        Place place = _places[(endpoint, tls)];
        place.Connecting = false;
        if (plain) place.PlainUntil = edge.Loop.NowMs + PlainMs;
        LoopSignal[] waiting = [.. place.Waiting];
        place.Waiting.Clear();
        foreach (LoopSignal signal in waiting) signal.Complete(0);
    }

    /// <summary>Makes a connection of HTTP/2 of one that was opened.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="endpoint">Where it leads.</param>
    /// <param name="tls">Under which TLS.</param>
    /// <param name="shared">Whether other exchanges may use it.</param>
    public Http2UpstreamConnection Add(TcpConnection socket, Endpoint endpoint, UpstreamTls? tls, bool shared)
    {
        var connection = new Http2UpstreamConnection(edge, socket, shared ? closed => Remove(closed, endpoint, tls) : null);
        if (shared)
        {
            if (!_places.TryGetValue((endpoint, tls), out Place? place)) _places[(endpoint, tls)] = place = new Place();
            place.Open.Add(connection);
            Count++;
        }

        connection.Start();
        return connection;
    }

    /// <summary>Lets what is idle go.</summary>
    public void Clear()
    {
        foreach (Http2UpstreamConnection connection in _places.Values.SelectMany(p => p.Open).ToArray()) connection.Retire();
    }

    private void Remove(Http2UpstreamConnection connection, in Endpoint endpoint, UpstreamTls? tls)
    {
        if (_places.TryGetValue((endpoint, tls), out Place? place) && place.Open.Remove(connection)) Count--;
    }

    private void Trim()
    {
        foreach (((Endpoint, UpstreamTls?) key, Place place) in _places)
        {
            if (place.Open.Count == 0 && !place.Connecting) _places.Remove(key);
        }
    }

    private sealed class Place
    {
        public List<Http2UpstreamConnection> Open { get; } = [];

        public List<LoopSignal> Waiting { get; } = [];

        public bool Connecting { get; set; }

        public long PlainUntil { get; set; }
    }
}
