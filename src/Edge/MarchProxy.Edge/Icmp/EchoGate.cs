using System.Diagnostics;
using System.Net;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Netlink;
using MarchProxy.Net.Timers;

namespace MarchProxy.Edge.Icmp;

/// <summary>
/// Pings of clients that have this host as their router: the firewall asks us about each echo request, and the kernel forwards those that a mapping lets through. Who asks and where
/// to are addresses; one line for each pair of them until no ping has come for the idle time.
/// </summary>
internal sealed class EchoGate : IDisposable
{
    /// <summary>Pairs of addresses at a time: as many as flows of a UDP listener. Above it new ones are dropped and counted.</summary>
    private const int MaxFlows = 16_384;

    private readonly ActiveListener _listener;
    private readonly PacketQueue _queue;
    private readonly Dictionary<(Endpoint From, Endpoint To), Flow> _flows = [];
    private readonly Sweep _sweep;

    private EchoGate(EdgeLoop edge, ActiveListener listener, int descriptor, bool held)
    {
        Edge = edge;
        _listener = listener;
        ushort number = (ushort)listener.Resource.Queue;
        _queue = descriptor < 0 ? PacketQueue.Open(edge.Loop, number, Judge, held) : PacketQueue.Adopt(edge.Loop, descriptor, number, Judge, held);
        _sweep = new Sweep(this);
        _sweep.Arm();
    }

    /// <summary>The loop that decides.</summary>
    public EdgeLoop Edge { get; }

    /// <summary>The queue's socket, to be handed to another process.</summary>
    public int Descriptor => _queue.Descriptor;

    /// <summary>Takes the queue. Call it on the loop.</summary>
    /// <exception cref="IOException">It cannot be had.</exception>
    public static EchoGate Open(EdgeLoop edge, ActiveListener listener, int descriptor, bool held) => new(edge, listener, descriptor, held);

    /// <summary>Decides no more until <see cref="Resume"/>.</summary>
    public void Hold() => _queue.Hold();

    /// <summary>Decides again.</summary>
    public void Resume() => _queue.Resume();

    /// <summary>Gives the queue up. Call it on the loop.</summary>
    public void Dispose()
    {
        Edge.Loop.Timers.Remove(_sweep);
        _queue.Dispose();
        foreach (Flow flow in _flows.Values) flow.Tell(Edge);
        _flows.Clear();
    }

    private bool Judge(ReadOnlySpan<byte> packet)
    {
        Edge.Metrics.Datagrams.In.Inc();
        if (!EchoRequest.TryRead(packet, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out int length))
        {
            Edge.Metrics.Datagrams.Dropped("not-an-echo-request", 1);
            return false;
        }

        IPAddress from = new(source), to = new(destination);
        if (Find(from, to) is not { } flow)
        {
            Edge.Refusals.Note(Overload.Refusals.Connections);
            Edge.Metrics.Datagrams.Dropped("overload", 1);
            return false;
        }

        flow.LastActivity = Edge.Loop.NowMs;
        flow.Record.BytesIn += length;
        string? dropped = !flow.Passes ? "denied" : Edge.EgressLimits.Request(flow.Decision) > 0 ? DenyReason.RateLimited.Code() : null;
        if (dropped is not null) Edge.Metrics.Datagrams.Dropped(dropped, 1);
        return dropped is null;
    }

    private Flow? Find(IPAddress from, IPAddress to)
    {
        var key = (Endpoint.From(from, 0), Endpoint.From(to, 0));
        if (_flows.TryGetValue(key, out Flow? flow))
        {
            // What an edit or the passing of time has changed is decided anew.
            if (ReferenceEquals(flow.Config, Edge.Config) && !(flow.Decision.Mapping?.ExpiresAt <= Edge.Now)) return flow;
            flow.Tell(Edge);
            _flows.Remove(key);
        }

        if (_flows.Count >= MaxFlows) return null;
        flow = Decide(key.Item1, from, to);
        _flows[key] = flow;
        Edge.Metrics.Accepted(_listener.Name);
        if (!flow.Passes) flow.Tell(Edge);
        return flow;
    }

    private Flow Decide(in Endpoint client, IPAddress from, IPAddress to)
    {
        EgressPolicy policy = Edge.Config.Snapshot.Egress;
        var gate = new EgressGate();
        gate.SetSource(null, policy.FindByAddress(from), EgressProtocols.Icmp, Edge.Now);
        gate.SetDestination(to, 0);
        bool passes = gate.Decide(policy).Passes && gate.FillTargets(policy, new Endpoint[1]) == 1;
        var flow = new Flow(Edge.Config, gate.Decision, passes);
        flow.Record.Begin(_listener.Name, client);
        flow.Record.Kind = "icmp";
        flow.Record.SetHost(to.ToString());
        EgressAdmission.Note(flow.Record, gate.Decision, gate.AnySource);
        if (passes) flow.Record.Upstream = Endpoint.From(to, 0);
        return flow;
    }

    private sealed class Flow(EdgeConfig config, EgressDecision decision, bool passes)
    {
        public EdgeConfig Config => config;

        public EgressDecision Decision => decision;

        public bool Passes => passes;

        public AccessRecord Record { get; } = new();

        public long LastActivity { get; set; }

        /// <summary>Writes its one line: when it was refused, or at its end.</summary>
        public void Tell(EdgeLoop edge)
        {
            if (Record.Ended != 0) return;
            Record.Ended = Stopwatch.GetTimestamp();
            edge.Finish(Record);
        }
    }

    private sealed class Sweep(EchoGate gate) : TimerNode
    {
        private const int PeriodMs = 5_000;

        public void Arm() => gate.Edge.Loop.Timers.Arm(this, gate.Edge.Loop.NowMs + PeriodMs);

        protected override void OnExpired()
        {
            long since = gate.Edge.Loop.NowMs - gate.Edge.Settings.UdpIdleMs;
            foreach (((Endpoint, Endpoint) key, Flow flow) in gate._flows)
            {
                if (flow.LastActivity > since) continue;
                flow.Tell(gate.Edge);
                gate._flows.Remove(key);
            }

            Arm();
        }
    }
}
