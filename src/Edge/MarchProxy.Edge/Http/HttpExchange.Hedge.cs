using System.Diagnostics;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

/// <summary>A second try of a slow request elsewhere, beside the first: whose answer comes first is the client's, the other is closed.</summary>
internal sealed partial class HttpExchange
{
    /// <summary>Only what changes nothing is asked for twice on purpose.</summary>
    private bool MayHedge => _route is { Route.Hedge: not null, Addresses: > 1 } && Errand is null && !_request.UpgradeWanted && _request.Body == BodyKind.None
        && _request.Method is RequestMethod.Get or RequestMethod.Head or RequestMethod.Options;

    /// <summary>Waits for a response head; asks elsewhere, too, when it takes long.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<ResponseOutcome> HedgedHeadAsync(Hedge hedge, long deadline)
    {
        var race = new HedgeRace(new LoopSignal(_edge.Loop));
        ValueTask<int> first = RunFirstAsync(race, deadline);
        if (!race.FirstIsDone) await race.Signal.WaitAsync((long)hedge.After.TotalMilliseconds);
        bool hedged = !race.FirstIsDone && !_clientGone && StartSecond(race, deadline);
        while (hedged && !race.SecondIsDone && !(race.FirstIsDone && race.First == ResponseOutcome.Head) && !_clientGone)
        {
            long left = deadline - _edge.Loop.NowMs;
            if (left <= 0) break;
            await race.Signal.WaitAsync(left);
        }

        bool takesSecond = race.Second is not null && !(race.FirstIsDone && race.First == ResponseOutcome.Head) && !_clientGone;
        if (!takesSecond)
        {
            race.IsOver = true;
            race.Running?.ClientLeft();
            await first;
            if (hedged) _edge.Metrics.Ingress.HedgeFirst.Inc();
            return race.First;
        }

        _edge.Metrics.Ingress.HedgeSecond.Inc();
        CloseUpstream();
        await first;
        if (_client.WatchHangUp(this) < 0) return ResponseOutcome.Overload;
        TakeOver(race.Second!);
        return ResponseOutcome.Head;
    }

    private async ValueTask<int> RunFirstAsync(HedgeRace race, long deadline)
    {
        race.First = await ReadResponseHeadAsync(deadline);
        race.FirstIsDone = true;
        race.Signal.Complete(0);
        return 0;
    }

    private bool StartSecond(HedgeRace race, long deadline)
    {
        if (_route!.Another([_endpoint], _edge.Loop.NowMs) is not { } next || !_route.TryRetry(_edge.Loop.NowMs)) return false;
        race.Target = next;
        var errand = new Errand { Kind = "hedge", Route = _route, Timeout = TimeSpan.FromMilliseconds(Math.Max(1, deadline - _edge.Loop.NowMs)), Race = race };
        if (!_edge.TryRun(errand, _client.Connection, _toUpstream.Written.ToArray(), [])) return false;
        Record.Retries++;
        return true;
    }

    /// <summary>The second try, in an exchange of its own: connecting must not hold the first one up.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> RunSecondAsync(Errand errand)
    {
        HedgeRace race = errand.Race!;
        if (race.IsOver) return false;
        race.Running = this;
        _route = errand.Route;
        _webSocket = false;
        _backend = race.Target.Backend;
        _targetTls = _backend.Tls;
        bool sent = false;
        if (EnterCircuit(_backend))
        {
            Choose(_backend, race.Target.State);

            // The head is the one that was written for the first try.
            _toUpstream.Clear();
            if (_toUpstream.EnsureRoom(HeadBytes.Length)) _toUpstream.Append(HeadBytes);
            ConsumeHead();
            sent = await ConnectUpstreamAsync(fresh: false) is null && await _upstream!.SendHeadAsync(_toUpstream, ContentFraming.None, _edge.Settings.BodyStallMs) == 0;
        }

        ResponseOutcome outcome = sent ? await ReadResponseHeadAsync(_edge.Loop.NowMs + (long)errand.Timeout.TotalMilliseconds) : ResponseOutcome.Failed;
        race.Running = null;
        race.SecondIsDone = true;
        if (outcome == ResponseOutcome.Head && !race.IsOver) race.Second = this;
        else Note(failed: outcome != ResponseOutcome.Head && !race.IsOver);
        race.Signal.Complete(0);
        if (race.Second is null || race.IsOver || _upstream is not null) CloseUpstream();
        return false;
    }

    /// <summary>Takes the connection and head of a second try over, and leaves it what is left of the first.</summary>
    private void TakeOver(HttpExchange second)
    {
        (_http1, second._http1) = (second._http1, _http1);
        (_http2, second._http2) = (second._http2, _http2);
        (_response, second._response) = (second._response, _response);
        (_backend, second._backend) = (second._backend, _backend);
        (_endpoint, second._endpoint) = (second._endpoint, _endpoint);
        (_counted, second._counted) = (second._counted, _counted);
        (_circuit, second._circuit) = (second._circuit, _circuit);
        _targetTls = second._targetTls;
        _upstream = second._upstream;
        second._upstream = null;
        Record.Destination = _backend!.Service.Name;
        Record.Upstream = second.Record.Upstream;
        Record.UpstreamReused = second.Record.UpstreamReused;
        Record.Connected = second.Record.Connected;
        Record.FirstByte = Stopwatch.GetTimestamp();
    }
}

/// <summary>Two tries of one request. All of it happens on one loop.</summary>
internal sealed class HedgeRace(LoopSignal signal)
{
    /// <summary>Completed when either has come to something.</summary>
    public LoopSignal Signal => signal;

    public ResponseOutcome First { get; set; }

    public bool FirstIsDone { get; set; }

    public bool SecondIsDone { get; set; }

    /// <summary>The second try's exchange while it is under way.</summary>
    public HttpExchange? Running { get; set; }

    /// <summary>The second try's exchange with a head that has come.</summary>
    public HttpExchange? Second { get; set; }

    /// <summary>Where the second try goes.</summary>
    public (Config.CompiledBackend Backend, Balancing.EndpointState State) Target { get; set; }

    /// <summary>The first has won; the second is to end.</summary>
    public bool IsOver { get; set; }
}
