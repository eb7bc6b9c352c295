using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Udp;

/// <summary>
/// The datagrams between one client and one upstream, until neither has sent any for the idle time. A client that may not is a flow too: it is told
/// of in the log once, and what it sends is dropped and counted.
/// </summary>
internal sealed class UdpFlow : IEdgeSession
{
    /// <summary>Datagrams kept while a name is resolved; more are dropped, as a full queue of a router would.</summary>
    private const int MaxWaiting = 8;

    private readonly UdpRelay _relay;
    private readonly EdgeLoop _edge;
    private readonly AccessRecord _record = new();
    private List<byte[]>? _waiting = [];
    private UdpSocket? _upstream;
    private LoopSignal? _rest;
    private long _lastActivity;
    private bool _ended;

    public UdpFlow(UdpRelay relay, in Endpoint client, EdgeConfig config)
    {
        _relay = relay;
        _edge = relay.Edge;
        Client = client;
        Config = config;
        _lastActivity = _edge.Loop.NowMs;
        _record.Begin(relay.Listener.Name, client);
        _record.Kind = "udp";
    }

    IEdgeSession? IEdgeSession.Next { get; set; }

    IEdgeSession? IEdgeSession.Previous { get; set; }

    public Endpoint Client { get; }

    /// <summary>The configuration that it was decided under.</summary>
    public EdgeConfig Config { get; }

    /// <summary>The relay ends it when its listener closes.</summary>
    public void Drain()
    {
    }

    public void Kill() => End("closed");

    /// <summary>Decides, opens the upstream's socket and carries answers back until the flow ends.</summary>
    public async Task RunAsync()
    {
        try
        {
            Endpoint[] targets = await DedicatedTarget.FindAsync(_edge, _relay.Listener.Resource, Client, EgressProtocols.Udp, _record, new EgressGate());
            if (_ended) return;
            if (targets.Length == 0) await OutliveAsync();
            else await ServeAsync(targets[0]);
        }
        catch (IOException e)
        {
            _record.Reason = "upstream-" + Errno.Name(e.HResult);
            await OutliveAsync();
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
        }
        finally
        {
            End(null);
        }
    }

    /// <summary>Sends a client's datagrams on, or drops them when it may not.</summary>
    public void Send(UdpBatch datagrams)
    {
        for (int i = 0; i < datagrams.Count; i++) _record.BytesIn += datagrams[i].Length;
        if (_upstream is not null)
        {
            _lastActivity = _edge.Loop.NowMs;
            int sent = _upstream.TrySend(datagrams);
            if (sent < datagrams.Count) _edge.Metrics.Datagrams.Dropped("upstream-unreachable", datagrams.Count - Math.Max(0, sent));
            return;
        }

        for (int i = 0; i < datagrams.Count; i++)
        {
            if (_waiting is { Count: < MaxWaiting }) _waiting.Add(datagrams[i].ToArray());
            else _edge.Metrics.Datagrams.Dropped(_waiting is null ? "denied" : "overload", 1);
        }
    }

    /// <summary>Ends the flow and writes its line.</summary>
    /// <param name="reason">Why, when it did not end by itself.</param>
    public void End(string? reason)
    {
        if (_ended) return;
        _ended = true;
        _upstream?.Dispose();
        if (_rest is not null)
        {
            _edge.Loop.Timers.Remove(_rest);
            _rest.Complete(-Errno.ECANCELED);
        }

        if (_waiting is { Count: > 0 }) _edge.Metrics.Datagrams.Dropped("denied", _waiting.Count);
        _waiting = null;
        _record.Reason ??= reason;
        Tell();
        _edge.Sessions.Remove(this);
        _relay.Forget(this);
    }

    private async ValueTask ServeAsync(Endpoint target)
    {
        _record.Upstream = target;
        _upstream = UdpSocket.Connect(_edge.Loop, target);
        _record.Connected = Stopwatch.GetTimestamp();
        List<byte[]> waiting = _waiting ?? [];
        _waiting = null;
        UdpBatch outgoing = _edge.Datagrams.Outgoing;
        outgoing.Clear();
        foreach (byte[] datagram in waiting) outgoing.TryAdd(datagram, default);
        if (outgoing.Count > 0) _upstream.TrySend(outgoing);
        while (!_ended)
        {
            int ready = await _upstream.ReadableAsync(Math.Max(1, _lastActivity + _edge.Settings.UdpIdleMs - _edge.Loop.NowMs));
            if (ready == -Errno.ETIMEDOUT && _edge.Loop.NowMs - _lastActivity >= _edge.Settings.UdpIdleMs) return;
            if (ready == -Errno.ECANCELED) return;
            TakeAnswers();
        }
    }

    private void TakeAnswers()
    {
        UdpBatch received = _edge.Datagrams.Answers, outgoing = _edge.Datagrams.Outgoing;
        int n;
        while (!_ended && (n = _upstream!.TryReceive(received)) != -Errno.EAGAIN)
        {
            if (n <= 0)
            {
                // The upstream's host told by ICMP that nobody listens; the next datagram may find somebody.
                if (n < 0) _record.Reason = "upstream-" + Errno.Name(-n);
                return;
            }

            _lastActivity = _edge.Loop.NowMs;
            if (_record.FirstByte == 0) _record.FirstByte = Stopwatch.GetTimestamp();
            outgoing.Clear();
            for (int i = 0; i < n; i++)
            {
                _record.BytesOut += received[i].Length;
                outgoing.TryAdd(received[i], Client);
            }

            _relay.Answer(outgoing);
        }
    }

    /// <summary>A refused flow stays for the idle time after its first datagram, so that a client that goes on costs one decision and one line.</summary>
    private async ValueTask OutliveAsync()
    {
        _edge.Metrics.Datagrams.Dropped("denied", _waiting?.Count ?? 0);
        _waiting = null;
        Tell();
        _rest = new LoopSignal(_edge.Loop);
        await _rest.WaitAsync(_edge.Settings.UdpIdleMs);
    }

    /// <summary>Writes the flow's one line: at its end, or when it was refused.</summary>
    private void Tell()
    {
        if (_record.Ended != 0) return;
        _record.Ended = Stopwatch.GetTimestamp();
        _edge.Finish(_record);
    }
}
