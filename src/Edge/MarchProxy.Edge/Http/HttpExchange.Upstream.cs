using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    /// <summary>Addresses tried for one request: enough for any honest name, few enough that a bad one cannot cost minutes.</summary>
    private const int MaxTargets = 8;

    private readonly Endpoint[] _targets = new Endpoint[MaxTargets];
    private int _targetCount;
    private UpstreamTls? _targetTls;
    private Http1Upstream _http1;
    private Http2UpstreamStream? _http2;
    private UpstreamStream? _upstream;
    private LoopSignal? _turn;
    private bool _webSocket;
    private bool _clientGone;

    /// <summary>Sends the request to one of the targets and its response to the client.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> ProxyAsync(RequestRewrite requestRewrite, ResponseRewrite responseRewrite, TimeSpan timeout)
    {
        bool upgrade = _request.UpgradeWanted && _request.Body == BodyKind.None;
        _webSocket = upgrade && Ascii.EqualsIgnoreCase(_request.Upgrade.In(HeadBytes), "websocket"u8);
        var hop = new RequestHop(_client.Connection.Peer, _client.Connection.IsSecure, upgrade);
        if (!HeadWriter.WriteRequest(_toUpstream, _request, HeadBytes, requestRewrite, hop, _editsRequest ? _requestEdit : null)) return await RespondAsync(LocalAnswers.Overload);
        if (_edge.Settings.MaxRequestBodyBytes > 0 && _request.ContentLength > _edge.Settings.MaxRequestBodyBytes) return await RespondAsync(LocalAnswers.BodyTooLarge);
        ConsumeHead();
        long deadline = _edge.Loop.NowMs + (timeout > TimeSpan.Zero ? (long)timeout.TotalMilliseconds : _edge.Settings.ResponseHeadMs);
        long tryMs = _route is { Route.TryTimeout: { Ticks: > 0 } perTry } ? (long)perTry.TotalMilliseconds : long.MaxValue / 2;

        bool fresh = false;
        while (true)
        {
            LocalResponse? failure = await ConnectUpstreamAsync(fresh);
            if (failure is { } refused) return Instead(ResponseOutcome.Failed) is { } kept ? await ServeInsteadAsync(kept, confirmed: false) : await RespondAsync(refused);
            bool reused = Record.UpstreamReused;
            int result = await _upstream!.SendHeadAsync(_toUpstream, BeginBody(_upstream), _edge.Settings.BodyStallMs);
            ValueTask<int> body = default;
            bool pumping = false;
            if (result == 0 && _bodyState == BodyState.Sending)
            {
                body = PumpBodyAsync(_upstream);
                pumping = !body.IsCompleted;
                if (!pumping) await body;
            }

            // A send that failed says little: the upstream may have answered before it closed.
            long until = Math.Min(deadline, _edge.Loop.NowMs + tryMs);
            ResponseOutcome outcome = MayHedge ? await HedgedHeadAsync(_route!.Route.Hedge!, until) : await ReadResponseHeadAsync(until);
            if (outcome == ResponseOutcome.Head)
            {
                Note(failed: _response.Status is 502 or 503 or 504);
                if (_response.Status >= 400 && _route is { } route && route.Retries.HasStatus(_response.Status) && MayTryAgain(RetryCause.Status, deadline))
                {
                    CloseUpstream();
                    continue;
                }

                if (Instead(outcome) is { } stored) return await ServeInsteadAsync(stored, confirmed: _response.Status == 304);
                bool keep = await RelayAsync(responseRewrite, upgrade);
                if (pumping) keep = await EndBodyAsync(body) && keep;
                return keep;
            }

            CloseUpstream();
            if (!_clientGone && _bodyState is not (BodyState.Malformed or BodyState.Refused) && !(outcome == ResponseOutcome.ClosedSilently && reused)) Note(failed: true);
            if (pumping) await EndBodyAsync(body);

            // An idle connection that closed as we took it never saw the request; one that was asked is asked again only where that is harmless.
            bool unseen = outcome == ResponseOutcome.Unprocessed || (outcome == ResponseOutcome.ClosedSilently && reused && IsIdempotent);
            bool again = unseen && !_bodyTaken && (_request.Body == BodyKind.None || outcome == ResponseOutcome.Unprocessed) && !_clientGone && Record.Retries < MaxTargets;
            if (again)
            {
                fresh = true;
                Record.Retries++;
                continue;
            }

            if (!_clientGone && MayTryAgain(CauseOf(outcome), deadline))
            {
                fresh = false;
                continue;
            }

            if (_clientGone) return Leave();
            if (_bodyState == BodyState.Malformed) return await RespondAsync(LocalResponse.ForClient(_client.ContentError) with { Close = true });
            if (_bodyRefusal is { } bodyRefused) return await RespondAsync(bodyRefused);
            if (Instead(outcome) is { } instead) return await ServeInsteadAsync(instead, confirmed: false);
            return await RespondAsync(outcome switch
            {
                ResponseOutcome.Malformed => LocalResponse.ForUpstream(_response.Error),
                ResponseOutcome.TooLarge => LocalResponse.ForUpstream(HttpError.HeadTooLarge),
                ResponseOutcome.TimedOut => LocalAnswers.ResponseTimeout,
                ResponseOutcome.Overload => LocalAnswers.Overload,
                _ => LocalAnswers.ResponseIncomplete,
            });
        }
    }

    /// <summary>The client has left: there is nobody to answer.</summary>
    private bool Leave()
    {
        Record.Status = 499;
        Record.Reason = ClientFault;
        return false;
    }

    private bool IsIdempotent => _request.Method is RequestMethod.Get or RequestMethod.Head or RequestMethod.Put or RequestMethod.Delete or RequestMethod.Options or RequestMethod.Trace;

    /// <summary>Whether the upstream is told whose connection it is: then it is nobody else's.</summary>
    private bool TellsClient => _backend is { Service.ProxyProtocol: true };

    /// <summary>Whether the upstream is spoken to by HTTP/2: h2c always, https where it agrees. An upgrade needs HTTP/1.1, unless the service has nothing else.</summary>
    private bool MayUseHttp2 => _backend is { Service.Protocol: "h2c" } || (_targetTls is { OffersHttp2: true } tls && (!_request.UpgradeWanted || tls.Http1 is null));

    private bool MustUseHttp2 => _backend is { Service.Protocol: "h2c" } || _targetTls is { Http1: null };

    /// <summary>Takes a connection from the pools, or makes one.</summary>
    private ValueTask<LocalResponse?> ConnectUpstreamAsync(bool fresh)
    {
        if (!TellsClient && (MayUseHttp2 || _webSocket) && FindHttp2()) return default;
        if (!fresh && !TellsClient && !MustUseHttp2)
        {
            for (int i = 0; i < _targetCount; i++)
            {
                if (_edge.Pool.TryTake(_targets[i], _targetTls) is not { } pooled) continue;
                UseUpstream(pooled, reused: true);
                return default;
            }
        }

        return OpenUpstreamAsync();
    }

    private bool FindHttp2()
    {
        for (int i = 0; i < _targetCount; i++)
        {
            if (_edge.Http2Pool.Find(_targets[i], _targetTls, _webSocket) is not { } open) continue;
            UseUpstream(open);
            return true;
        }

        return false;
    }

    private async ValueTask<LocalResponse?> OpenUpstreamAsync()
    {
        while (true)
        {
            // Many requests at once share the connection that the first of them makes.
            Endpoint target = _targets[0];
            UpstreamTls? targetTls = _targetTls;
            bool leads = MayUseHttp2 && !TellsClient && !_edge.Http2Pool.IsPlain(target, targetTls);
            while (leads && _edge.Http2Pool.IsConnecting(target, targetTls))
            {
                await _edge.Http2Pool.WaitAsync(target, targetTls, _turn ??= new LoopSignal(_edge.Loop), _edge.Settings.ConnectMs + _edge.Settings.HandshakeMs);
                if (_client.IsClosed) _clientGone = true;
                if (_clientGone) return LocalAnswers.ResponseIncomplete;
                if (FindHttp2()) return null;
                leads = !_edge.Http2Pool.IsPlain(target, targetTls);
            }

            if (leads) _edge.Http2Pool.Begin(target, targetTls);
            ConnectResult result;
            try
            {
                if (_backend?.Circuit is { } circuit && await TakeSlotAsync(circuit) is { } settled) return settled.Refused;
                result = await _edge.ConnectAsync(_targets.AsMemory(0, _targetCount));
                GiveSlotTo(result.Connection);
                if (result.Connection is { } connection) return await PrepareAsync(connection, target);
            }
            finally
            {
                if (leads) _edge.Http2Pool.End(target, targetTls, plain: _upstream is { MajorVersion: 1 });
            }

            Record.Upstream = _targets[0];

            // What we lack is no fault of the upstream's.
            if (-result.Error is Errno.ENOBUFS or Errno.ENOMEM or Errno.EMFILE or Errno.ENFILE) return LocalAnswers.Overload;
            Note(failed: true);
            if (!MayTryAgain(RetryCause.Connect, long.MaxValue)) return LocalAnswers.ConnectFailed(result.Error);
        }
    }

    /// <summary>Makes a fresh connection ready: tells it the client, secures it, and settles what is spoken.</summary>
    private async ValueTask<LocalResponse?> PrepareAsync(TcpConnection connection, Endpoint target)
    {
        if (_client.IsClosed || _clientGone)
        {
            connection.Close();
            _clientGone = true;
            return LocalAnswers.ResponseIncomplete;
        }

        UseUpstream(connection, reused: false);
        if (TellsClient && await connection.SendAllAsync(ProxyHeader.Make(_client.Connection.Remote, _client.Connection.Local), _edge.Settings.BodyStallMs) < 0)
        {
            CloseUpstream();
            return LocalAnswers.ResponseIncomplete;
        }

        if (_targetTls is { } tls)
        {
            int secured = await connection.StartTlsAsync((MayUseHttp2 ? tls.Context : tls.Http1!).CreateSession(connection.TlsDescriptor, tls.ServerName), _edge.Settings.HandshakeMs);
            if (secured != 0)
            {
                LocalResponse refused = LocalAnswers.UpstreamTlsFailed(secured, connection.Tls?.FailureReason);
                CloseUpstream();
                return refused;
            }
        }

        if (connection.Tls is { } session ? session.NegotiatedProtocol != TlsProtocol.H2 : !MustUseHttp2) return null;
        UseUpstream(_edge.Http2Pool.Add(connection, target, _targetTls, shared: !TellsClient));
        Record.UpstreamReused = false;
        if (!_webSocket || await _http2!.TakesWebSocketsAsync(_edge.Settings.HandshakeMs)) return null;
        CloseUpstream();
        return LocalAnswers.NoWebSockets;
    }

    private void UseUpstream(TcpConnection connection, bool reused)
    {
        _upstream = _http1.Use(connection, _targetTls, poolable: !TellsClient);
        Record.Upstream = connection.Remote;
        Record.UpstreamReused = reused;
        Record.Connected = Stopwatch.GetTimestamp();
    }

    private void UseUpstream(Http2UpstreamConnection connection)
    {
        Record.UpstreamReused = connection.IsUsed;
        _upstream = (_http2 ??= new Http2UpstreamStream(_edge)).Use(connection, _webSocket);
        Record.Upstream = connection.Socket.Remote;
        Record.Connected = Stopwatch.GetTimestamp();
    }

    private void CloseUpstream()
    {
        _client.UnwatchHangUp();
        _upstream?.Close();
        _upstream = null;
    }

    /// <summary>Nobody waits for the response any more: the upstream is told by a close.</summary>
    public void ClientLeft()
    {
        _clientGone = true;
        _upstream?.Close();
    }
}
