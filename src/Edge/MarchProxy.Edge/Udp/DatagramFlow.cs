using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Udp;

/// <summary>
/// The datagrams between one client and one upstream, until neither has sent any for the idle time. A client that may not is a flow too: it is told
/// of in the log once, and what it sends is dropped and counted.
/// </summary>
internal abstract class DatagramFlow
{
    /// <summary>Datagrams kept while a name is resolved; more are dropped, as a full queue of a router would.</summary>
    private const int MaxWaiting = 8;

    private readonly AccessRecord _record = new();
    private List<byte[]>? _waiting = [];
    private UdpSocket? _upstream;
    private LoopSignal? _rest;
    private long _lastActivity;

    protected DatagramFlow(EdgeLoop edge, EdgeConfig config, string listener, in Endpoint client, string kind)
    {
        Edge = edge;
        Config = config;
        Client = client;
        _lastActivity = edge.Loop.NowMs;
        _record.Begin(listener, client);
        _record.Kind = kind;
    }

    /// <summary>The loop that owns it.</summary>
    public EdgeLoop Edge { get; }

    /// <summary>The configuration that it was decided under.</summary>
    public EdgeConfig Config { get; }

    /// <summary>The client.</summary>
    public Endpoint Client { get; }

    public bool IsEnded { get; private set; }

    /// <summary>The socket towards the upstream, once there is one.</summary>
    public UdpSocket? Upstream => _upstream;

    /// <summary>Where the upstream is.</summary>
    public Endpoint Target => _record.Upstream;

    /// <summary>A socket towards an upstream that another process opened for this flow; used if the decision still leads there.</summary>
    public (UdpSocket Socket, Endpoint Target) Inherited { get; set; }

    /// <summary>Decides, opens the upstream's socket and carries answers back until the flow ends.</summary>
    public async Task RunAsync()
    {
        try
        {
            Endpoint[] targets = await DecideAsync(_record);
            if (IsEnded) return;
            if (targets.Length == 0) await OutliveAsync();
            else await ServeAsync(Inherited.Socket is not null && targets.Contains(Inherited.Target) ? Inherited.Target : targets[0]);
        }
        catch (IOException e)
        {
            _record.Reason = "upstream-" + Errno.Name(e.HResult);
            await OutliveAsync();
        }
        catch (Exception e)
        {
            Edge.ReportDefect(e);
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
            _lastActivity = Edge.Loop.NowMs;
            int sent = _upstream.TrySend(datagrams);
            if (sent < datagrams.Count) Edge.Metrics.Datagrams.Dropped("upstream-unreachable", datagrams.Count - Math.Max(0, sent));
            return;
        }

        for (int i = 0; i < datagrams.Count; i++)
        {
            if (_waiting is { Count: < MaxWaiting }) _waiting.Add(datagrams[i].ToArray());
            else Edge.Metrics.Datagrams.Dropped(_waiting is null ? "denied" : "overload", 1);
        }
    }

    /// <summary>Ends the flow and writes its line.</summary>
    /// <param name="reason">Why, when it did not end by itself.</param>
    public void End(string? reason)
    {
        if (IsEnded) return;
        IsEnded = true;
        _upstream?.Dispose();
        Inherited.Socket?.Dispose();
        if (_rest is not null)
        {
            Edge.Loop.Timers.Remove(_rest);
            _rest.Complete(-Errno.ECANCELED);
        }

        if (_waiting is { Count: > 0 }) Edge.Metrics.Datagrams.Dropped("denied", _waiting.Count);
        _waiting = null;
        _record.Reason ??= reason;
        Tell();
        Forget();
    }

    /// <summary>Where the datagrams may go; empty when nowhere, with the reason in the record.</summary>
    protected abstract ValueTask<Endpoint[]> DecideAsync(AccessRecord record);

    /// <summary>Makes an answer what the client is to get.</summary>
    protected abstract void Add(UdpBatch outgoing, ReadOnlySpan<byte> answer);

    /// <summary>Sends answers to the client.</summary>
    protected abstract void Answer(UdpBatch outgoing);

    /// <summary>Takes the flow off its owner's books.</summary>
    protected abstract void Forget();

    private async ValueTask ServeAsync(Endpoint target)
    {
        _record.Upstream = target;
        if (Inherited.Socket is { } inherited && Inherited.Target == target) (_upstream, Inherited) = (inherited, default);
        else _upstream = UdpSocket.Connect(Edge.Loop, target);
        _record.Connected = Stopwatch.GetTimestamp();
        List<byte[]> waiting = _waiting ?? [];
        _waiting = null;
        UdpBatch outgoing = Edge.Datagrams.Outgoing;
        outgoing.Clear();
        foreach (byte[] datagram in waiting) outgoing.TryAdd(datagram, default);
        if (outgoing.Count > 0) _upstream.TrySend(outgoing);
        while (!IsEnded)
        {
            int ready = await _upstream.ReadableAsync(Math.Max(1, _lastActivity + Edge.Settings.UdpIdleMs - Edge.Loop.NowMs));
            if (ready == -Errno.ETIMEDOUT && Edge.Loop.NowMs - _lastActivity >= Edge.Settings.UdpIdleMs) return;
            if (ready == -Errno.ECANCELED) return;
            TakeAnswers();
        }
    }

    private void TakeAnswers()
    {
        UdpBatch received = Edge.Datagrams.Answers, outgoing = Edge.Datagrams.Outgoing;
        int n;
        while (!IsEnded && (n = _upstream!.TryReceive(received)) != -Errno.EAGAIN)
        {
            if (n <= 0)
            {
                // The upstream's host told by ICMP that nobody listens; the next datagram may find somebody.
                if (n < 0) _record.Reason = "upstream-" + Errno.Name(-n);
                return;
            }

            _lastActivity = Edge.Loop.NowMs;
            if (_record.FirstByte == 0) _record.FirstByte = Stopwatch.GetTimestamp();
            outgoing.Clear();
            for (int i = 0; i < n; i++)
            {
                _record.BytesOut += received[i].Length;
                Add(outgoing, received[i]);
            }

            Answer(outgoing);
        }
    }

    /// <summary>A refused flow stays for the idle time after its first datagram, so that a client that goes on costs one decision and one line.</summary>
    private async ValueTask OutliveAsync()
    {
        Edge.Metrics.Datagrams.Dropped("denied", _waiting?.Count ?? 0);
        _waiting = null;
        Tell();
        _rest = new LoopSignal(Edge.Loop);
        await _rest.WaitAsync(Edge.Settings.UdpIdleMs);
    }

    /// <summary>Writes the flow's one line: at its end, or when it was refused.</summary>
    private void Tell()
    {
        if (_record.Ended != 0) return;
        _record.Ended = Stopwatch.GetTimestamp();
        Edge.Finish(_record);
    }
}
