using MarchProxy.Edge.Access;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Overload;
using MarchProxy.Edge.Tcp;
using MarchProxy.Edge.Transparent;
using MarchProxy.Edge.Udp;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Timers;

namespace MarchProxy.Edge.Loops;

/// <summary>All that the edge keeps for one loop: nothing in it is shared, nothing in it is locked.</summary>
internal sealed partial class EdgeLoop
{
    private readonly TimeProvider _time;
    private readonly Action<Exception> _onDefect;
    private readonly Housekeeping _housekeeping;
    private HttpExchange? _freeExchanges;
    private DatagramRoom? _datagrams;
    private int _requests, _connects;

    /// <summary>Spare streams of HTTP/2: as many as sixty-four busy connections have.</summary>
    private const int MaxFreeStreams = 4096;
    private readonly Stack<Http2ClientStream> _freeStreams = new();

    public EdgeLoop(EventLoop loop, EdgeSettings settings, EdgeConfig config, INameResolver resolver, EdgeMetrics metrics, AccessLog log, ClientProof proof, EgressLimits egressLimits, RateTable rates, ResponseCache cache, OverloadWatch overload, TimeProvider time, Action<Exception> onDefect)
    {
        Loop = loop;
        Settings = settings;
        Config = config;
        Resolver = resolver;
        Metrics = metrics;
        Log = log;
        Proof = proof;
        EgressLimits = egressLimits;
        Rates = rates;
        Cache = cache;
        _time = time;
        _onDefect = onDefect;
        Refusals = new Refusals(this, overload);
        Pool = new UpstreamPool(loop, new UpstreamPoolOptions());
        Http2Pool = new Http2Pool(this);
        Date = new HttpDate(time.GetUtcNow());
        _housekeeping = new Housekeeping(this);
    }

    public EventLoop Loop { get; }

    public EdgeSettings Settings { get; }

    /// <summary>The configuration that new requests obey.</summary>
    public EdgeConfig Config { get; private set; }

    /// <summary>Who clients prove to be.</summary>
    public ClientProof Proof { get; }

    /// <summary>What services use of what they may.</summary>
    public EgressLimits EgressLimits { get; }

    /// <summary>Refuses what comes on top.</summary>
    public Refusals Refusals { get; }

    /// <summary>Whether one more request may be served now.</summary>
    public bool TakesRequests => _requests < Settings.MaxRequestsPerLoop;

    /// <summary>Whether more requests are under way than may be: the latest is to be refused.</summary>
    public bool IsOverRequests => _requests > Settings.MaxRequestsPerLoop;

    /// <summary>Rate limits of routes.</summary>
    public RateTable Rates { get; }

    /// <summary>What the egress policy said to whom.</summary>
    public FlowTable Flows { get; } = new();

    /// <summary>Responses that are kept, of all loops.</summary>
    public ResponseCache Cache { get; }

    /// <summary>The tunnels that a policy let through.</summary>
    public HashSet<EgressTunnel> Tunnels { get; } = [];

    public INameResolver Resolver { get; }

    public EdgeMetrics Metrics { get; }

    public AccessLog Log { get; }

    public UpstreamPool Pool { get; }

    /// <summary>Connections of HTTP/2 to upstreams.</summary>
    public Http2Pool Http2Pool { get; }

    /// <summary>Room for datagrams; made when the first is due.</summary>
    public DatagramRoom Datagrams => _datagrams ??= new DatagramRoom();

    public SessionList<IEdgeSession> Sessions { get; } = new();

    public HttpDate Date { get; }

    public HeadLimits Limits { get; } = HeadLimits.Default;

    public bool IsDraining { get; private set; }

    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>The wall clock in milliseconds since 1970.</summary>
    public long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Starts what has to be done every quarter of a second. Call it on the loop.</summary>
    public void Start() => _housekeeping.Arm();

    /// <summary>Puts a configuration in force: new requests obey it, and tunnels that it no longer lets through end now.</summary>
    public void Obey(EdgeConfig config)
    {
        Config = config;
        Log.Obey(config.Snapshot.Resources.Listeners);
        ReconsiderTunnels();
    }

    /// <summary>Ends the tunnels that the configuration no longer lets through, by an edit or since a mapping has expired.</summary>
    public void ReconsiderTunnels()
    {
        foreach (EgressTunnel tunnel in Tunnels.ToArray()) tunnel.Reconsider(Config);
    }

    /// <summary>Takes a connection that a listener accepted.</summary>
    public void Accept(TcpConnection connection, ActiveListener listener)
    {
        Metrics.Accepted(listener.Name);
        if (Sessions.Count >= Settings.MaxConnectionsPerLoop)
        {
            Refusals.Connection(connection, listener, Refusals.Connections);
            return;
        }

        if (Loop.IsShortOfBuffers)
        {
            Refusals.Connection(connection, listener, Refusals.Memory);
            return;
        }

        if (listener.Resource.ProxyProtocol) _ = ProxyHeaderReader.ReadAsync(this, connection, listener);
        else Serve(connection, listener);
    }

    /// <summary>Takes a connection whose client is known.</summary>
    public void Serve(TcpConnection connection, ActiveListener listener)
    {
        if (listener.Resource.MaxConnectionsPerAddress is > 0 and var most)
        {
            if (!listener.Addresses.TryEnter(connection.Remote, most))
            {
                Refusals.Connection(connection, listener, Refusals.Addresses);
                return;
            }

            connection.OnClosed = listener.Left;
        }

        switch (listener.Purpose)
        {
            case ListenerPurpose.Dedicated:
                StreamSession.Start(new DedicatedSession(this, connection, listener));
                break;
            case ListenerPurpose.Transparent:
                StreamSession.Start(new TransparentSession(this, connection, listener));
                break;
            default:
                HttpSession.Start(this, connection, listener);
                break;
        }
    }

    /// <summary>Lets open sessions end: busy ones after what they are doing, idle ones after one more request, or when none comes for a while.</summary>
    public void BeginDrain()
    {
        IsDraining = true;
        Sessions.ForEach(static s => s.Announce());
        if (Settings.DrainIdleMs <= 0) Sessions.ForEach(static s => s.Drain());
        else Loop.Timers.Arm(new DrainTimer(this), Loop.NowMs + Settings.DrainIdleMs);
    }

    /// <summary>Ends every session now.</summary>
    public void KillAll()
    {
        Sessions.ForEach(static s => s.Kill());
        Pool.Clear();
        Http2Pool.Clear();
    }

    public HttpExchange RentExchange(ClientStream client)
    {
        HttpExchange exchange = _freeExchanges ?? new HttpExchange(this);
        _freeExchanges = exchange.NextFree;
        _requests++;
        exchange.NextFree = null;
        exchange.Begin(client);
        return exchange;
    }

    /// <summary>A stream for a request of HTTP/2.</summary>
    public Http2ClientStream RentHttp2Stream() => _freeStreams.TryPop(out Http2ClientStream? stream) ? stream : new Http2ClientStream(this);

    /// <summary>Gives a stream back that nobody uses any more.</summary>
    public void ReturnHttp2Stream(Http2ClientStream stream)
    {
        if (_freeStreams.Count < MaxFreeStreams) _freeStreams.Push(stream);
    }

    public void ReturnExchange(HttpExchange exchange)
    {
        _requests--;
        exchange.End();
        exchange.NextFree = _freeExchanges;
        _freeExchanges = exchange;
    }

    /// <summary>Connects to the first address that answers, unless too many connections are being made already: behind a dead upstream they would pile up.</summary>
    /// <returns>The connection, or a negative error number; -ENOBUFS when it was not tried.</returns>
    public async ValueTask<ConnectResult> ConnectAsync(ReadOnlyMemory<Endpoint> targets)
    {
        if (_connects >= Settings.MaxPendingConnectsPerLoop)
        {
            Refusals.Note(Refusals.Connects);
            return new ConnectResult(null, -Errno.ENOBUFS);
        }

        _connects++;
        try
        {
            return await TcpConnector.ConnectAsync(Loop, targets, Settings.ConnectMs);
        }
        finally
        {
            _connects--;
        }
    }

    /// <summary>Counts and logs what a request or connection was.</summary>
    public void Finish(AccessRecord record)
    {
        Metrics.Finished(record);
        Log.Write(record);
    }

    public void ReportDefect(Exception e) => _onDefect(e);

    private sealed class DrainTimer(EdgeLoop edge) : TimerNode
    {
        protected override void OnExpired() => edge.Sessions.ForEach(static s => s.Drain());
    }

    /// <summary>Refreshes the date, hands log lines on and looks at gauges, four times a second.</summary>
    private sealed class Housekeeping(EdgeLoop edge) : TimerNode
    {
        private const int PeriodMs = 250;

        /// <summary>Turns until tunnels are reconsidered: every five seconds, so that an expired mapping lets none live longer.</summary>
        private const int ReconsiderTurns = 20;
        private int _turn;

        public void Arm() => edge.Loop.Timers.Arm(this, edge.Loop.NowMs + PeriodMs);

        protected override void OnExpired()
        {
            edge.Date.Refresh(edge.Now);
            edge.Log.Flush();
            edge.Metrics.Gauge(edge.Sessions.Count, edge._requests, edge._connects, edge.Pool.IdleCount, edge.Loop.Buffers.RentedCount + edge.Loop.LargeBuffers.RentedCount);
            if (++_turn % ReconsiderTurns == 0 && edge.Tunnels.Count > 0) edge.ReconsiderTunnels();
            Arm();
        }
    }
}
