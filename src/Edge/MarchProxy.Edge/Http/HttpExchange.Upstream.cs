using System.Diagnostics;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tcp;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    /// <summary>Addresses tried for one request: enough for any honest name, few enough that a bad one cannot cost minutes.</summary>
    private const int MaxTargets = 8;

    private readonly Endpoint[] _targets = new Endpoint[MaxTargets];
    private int _targetCount;
    private UpstreamTls? _targetTls;
    private readonly Http1Upstream _http1;
    private UpstreamStream? _upstream;
    private bool _clientGone;

    /// <summary>Sends the request to one of the targets and its response to the client.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> ProxyAsync(RequestRewrite requestRewrite, ResponseRewrite responseRewrite, TimeSpan timeout)
    {
        bool upgrade = _request.UpgradeWanted && _request.Body == BodyKind.None;
        var hop = new RequestHop(_client.Connection.Peer, _client.Connection.IsSecure, upgrade);
        if (!HeadWriter.WriteRequest(_toUpstream, _request, HeadBytes, requestRewrite, hop)) return await RespondAsync(LocalAnswers.Overload);
        if (_edge.Settings.MaxRequestBodyBytes > 0 && _request.ContentLength > _edge.Settings.MaxRequestBodyBytes) return await RespondAsync(LocalAnswers.BodyTooLarge);
        ConsumeHead();
        long headMs = timeout > TimeSpan.Zero ? (long)timeout.TotalMilliseconds : _edge.Settings.ResponseHeadMs;

        bool fresh = false;
        while (true)
        {
            LocalResponse? failure = await ConnectUpstreamAsync(fresh);
            if (failure is { } refused) return await RespondAsync(refused);
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
            ResponseOutcome outcome = await ReadResponseHeadAsync(headMs);
            if (outcome == ResponseOutcome.Head)
            {
                Note(failed: _response.Status is 502 or 503 or 504);
                bool keep = await RelayAsync(responseRewrite, upgrade);
                if (pumping) keep = await EndBodyAsync(body) && keep;
                return keep;
            }

            CloseUpstream();
            if (!_clientGone && _bodyState is not (BodyState.Malformed or BodyState.Refused) && !(outcome == ResponseOutcome.ClosedSilently && reused)) Note(failed: true);
            if (pumping) await EndBodyAsync(body);

            // An idle connection that closed as we took it never saw the request; one that was asked is asked again only where that is harmless.
            bool unseen = outcome == ResponseOutcome.Unprocessed || (outcome == ResponseOutcome.ClosedSilently && reused && IsIdempotent);
            bool again = unseen && _request.Body == BodyKind.None && !_clientGone && Record.Retries < MaxTargets;
            if (again)
            {
                fresh = true;
                Record.Retries++;
                continue;
            }

            if (_clientGone)
            {
                Record.Status = 499;
                Record.Reason = "client-left";
                return false;
            }

            if (_bodyState == BodyState.Malformed) return await RespondAsync(LocalResponse.ForClient(_client.ContentError) with { Close = true });
            if (_bodyRefusal is { } bodyRefused) return await RespondAsync(bodyRefused);
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

    private bool IsIdempotent => _request.Method is RequestMethod.Get or RequestMethod.Head or RequestMethod.Put or RequestMethod.Delete or RequestMethod.Options or RequestMethod.Trace;

    /// <summary>Whether the upstream is told whose connection it is: then it is nobody else's.</summary>
    private bool TellsClient => _backend is { Service.ProxyProtocol: true };

    /// <summary>Takes a connection from the pool, or makes one.</summary>
    private ValueTask<LocalResponse?> ConnectUpstreamAsync(bool fresh)
    {
        if (!fresh && !TellsClient)
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

    private async ValueTask<LocalResponse?> OpenUpstreamAsync()
    {
        int tries = 1 + (_route?.Route.Retries ?? 0);
        while (true)
        {
            ConnectResult result = await _edge.ConnectAsync(_targets.AsMemory(0, _targetCount));
            if (result.Connection is { } connection)
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

                if (_targetTls is not { } tls) return null;
                int secured = await connection.StartTlsAsync(tls.Context.CreateSession(connection.TlsDescriptor, tls.ServerName), _edge.Settings.HandshakeMs);
                if (secured == 0) return null;
                LocalResponse refused = LocalAnswers.UpstreamTlsFailed(secured, connection.Tls?.FailureReason);
                CloseUpstream();
                return refused;
            }

            Record.Upstream = _targets[0];
            Note(failed: true);
            bool again = --tries > 0 && _route is { Addresses: > 1 } && _route.TryRetry(_edge.Loop.NowMs) && NextBackend();
            if (!again) return LocalAnswers.ConnectFailed(result.Error);
            Record.Retries++;
        }
    }

    /// <summary>Turns to an address that this request has not tried; nothing was sent yet, so any request may.</summary>
    private bool NextBackend()
    {
        _tried ??= new EndpointState?[MaxTargets];
        if (_triedCount == MaxTargets) return false;
        _tried[_triedCount++] = _endpoint;
        if (_route!.Another(_tried.AsSpan(0, _triedCount), _edge.Loop.NowMs) is not { } next) return false;
        Choose(next.Backend, next.State);
        _targetTls = next.Backend.Tls;
        Record.Destination = next.Backend.Service.Name;
        return true;
    }

    private void UseUpstream(TcpConnection connection, bool reused)
    {
        _upstream = _http1.Use(connection, _targetTls, poolable: !TellsClient);
        Record.Upstream = connection.Remote;
        Record.UpstreamReused = reused;
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
