using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Socks;

/// <summary>The datagrams between one SOCKS5 client and one destination. One that may not be reached is told of once, and stays silent for the idle time.</summary>
internal sealed class SocksFlow
{
    private const int MaxWaiting = 8;
    private readonly SocksAssociation _owner;
    private readonly HttpSession _session;
    private readonly EdgeLoop _edge;
    private readonly ServiceIdentity? _identity;
    private readonly string _key;
    private readonly byte[] _destination;
    private readonly AccessRecord _record = new();
    private List<byte[]>? _waiting = [];
    private UdpSocket? _upstream;
    private LoopSignal? _rest;
    private long _lastActivity;

    public SocksFlow(SocksAssociation owner, HttpSession session, EdgeConfig config, ServiceIdentity? identity, string key, byte[] destination)
    {
        _owner = owner;
        _session = session;
        _edge = owner.Edge;
        _identity = identity;
        _key = key;
        _destination = destination;
        Config = config;
        _lastActivity = _edge.Loop.NowMs;
        _record.Begin(session.Listener.Name, owner.Client);
        _record.Kind = "socks-udp";
    }

    /// <summary>The configuration that it was decided under.</summary>
    public EdgeConfig Config { get; }

    public bool IsEnded { get; private set; }

    public async Task RunAsync()
    {
        try
        {
            var gate = new EgressGate();
            bool known = SocksAddress.Give(_destination, gate);
            _record.SetHost(gate.HostText);
            gate.SetSource(_identity, _session.KnownByAddress(Config), EgressProtocols.Udp, _edge.Now);
            Endpoint[] targets = known ? await EgressAdmission.AdmitAsync(_edge, Config, gate, _record) : [];
            if (!known) _record.Reason = DenyReason.BadDestination.Code();
            if (IsEnded) return;
            if (targets.Length > 0) await ServeAsync(targets[0]);
            else await OutliveAsync();
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

    public void Send(ReadOnlySpan<byte> payload)
    {
        _record.BytesIn += payload.Length;
        if (_upstream is not null)
        {
            _lastActivity = _edge.Loop.NowMs;
            UdpBatch outgoing = _edge.Datagrams.Outgoing;
            outgoing.Clear();
            outgoing.TryAdd(payload, default);
            if (_upstream.TrySend(outgoing) < 1) _edge.Metrics.Datagrams.Dropped("upstream-unreachable", 1);
        }
        else if (_waiting is { Count: < MaxWaiting })
        {
            _waiting.Add(payload.ToArray());
        }
        else
        {
            _edge.Metrics.Datagrams.Dropped(_waiting is null ? "denied" : "overload", 1);
        }
    }

    public void End(string? reason)
    {
        if (IsEnded) return;
        IsEnded = true;
        _upstream?.Dispose();
        if (_rest is not null)
        {
            _edge.Loop.Timers.Remove(_rest);
            _rest.Complete(-Errno.ECANCELED);
        }

        _record.Reason ??= reason;
        Tell();
        _owner.Forget(_key);
    }

    private async ValueTask ServeAsync(Endpoint target)
    {
        _record.Upstream = target;
        _upstream = UdpSocket.Connect(_edge.Loop, target);
        _record.Connected = Stopwatch.GetTimestamp();
        List<byte[]> waiting = _waiting ?? [];
        _waiting = null;
        foreach (byte[] payload in waiting)
        {
            _record.BytesIn -= payload.Length;
            Send(payload);
        }

        while (!IsEnded)
        {
            int ready = await _upstream.ReadableAsync(Math.Max(1, _lastActivity + _edge.Settings.UdpIdleMs - _edge.Loop.NowMs));
            if (ready == -Errno.ECANCELED || (ready == -Errno.ETIMEDOUT && _edge.Loop.NowMs - _lastActivity >= _edge.Settings.UdpIdleMs)) return;
            TakeAnswers();
        }
    }

    private void TakeAnswers()
    {
        UdpBatch received = _edge.Datagrams.Answers, outgoing = _edge.Datagrams.Outgoing;
        int n;
        while (!IsEnded && (n = _upstream!.TryReceive(received)) > 0)
        {
            _lastActivity = _edge.Loop.NowMs;
            outgoing.Clear();
            for (int i = 0; i < n; i++)
            {
                ReadOnlySpan<byte> payload = received[i];
                byte[] wrapped = new byte[3 + _destination.Length + payload.Length];
                _destination.CopyTo(wrapped, 3);
                payload.CopyTo(wrapped.AsSpan(3 + _destination.Length));
                _record.BytesOut += payload.Length;
                outgoing.TryAdd(wrapped, _owner.Client);
            }

            _owner.Answer(outgoing);
        }
    }

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
