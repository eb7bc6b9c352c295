using System.Diagnostics;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    /// <summary>Reads until a final response head is here; interim ones are passed on as they come.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<ResponseOutcome> ReadResponseHeadAsync(long deadline)
    {
        if (_client.WatchHangUp(this) < 0) return ResponseOutcome.Overload;
        while (true)
        {
            ResponseOutcome outcome = await _upstream!.ReadHeadAsync(_response, deadline);
            if (outcome != ResponseOutcome.Head) return outcome;
            _response.SetFraming(_request.Method);
            _response.MajorVersion = _upstream.MajorVersion;
            if (_upstream.EndedWithHead) _response.Body = BodyKind.None;
            if (!_response.IsInterim)
            {
                Record.FirstByte = Stopwatch.GetTimestamp();
                return ResponseOutcome.Head;
            }

            if (!await PassInterimAsync()) return ResponseOutcome.Failed;
        }
    }

    // RFC 9110 section 15.2: a proxy forwards 1xx, except to a client that cannot understand them.
    private async ValueTask<bool> PassInterimAsync()
    {
        int result = 0;
        if (_request.MinorVersion == 1)
        {
            _toClient.Clear();
            if (!HeadWriter.WriteResponse(_toClient, _response, _upstream!.Received, s_forwardResponse, new ResponseHop(ConnectionOption.None, ResponseFraming.AsReceived), _edge.Date)) return false;
            result = await _client.SendInterimAsync(_edge.Settings.BodyStallMs);
        }

        _upstream!.ConsumeHead();
        return result == 0;
    }

    /// <summary>Passes the response on, head and content, and gives the upstream connection back.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> RelayAsync(ResponseRewrite rewrite, bool upgrade)
    {
        Record.Status = _response.Status;
        if (_response.Status == 101)
        {
            if (!upgrade || !_client.Proves(_response, _upstream!.Received))
            {
                CloseUpstream();
                return await RespondAsync(LocalAnswers.UnaskedUpgrade);
            }

            return await UpgradeAsync(rewrite);
        }

        ResponseEdit? edit = FilterHead();
        if (edit is { Status: > 0 }) Record.Status = edit.Status;
        bool bodiless = _response.Body == BodyKind.None || edit is { Content: ContentEdit.None };
        (ResponseFraming fields, ContentFraming content) = Frame(edit, bodiless);
        bool keep = _request.KeepAlive && !_client.IsLast && fields != ResponseFraming.UntilClose && _bodyState is BodyState.Done or BodyState.Sending;
        ConnectionOption connection = _client.MajorVersion > 1 ? ConnectionOption.None
            : !keep ? ConnectionOption.Close : _request.MinorVersion == 0 ? ConnectionOption.KeepAlive : ConnectionOption.None;
        _toClient.Clear();
        var hop = new ResponseHop(connection, fields, edit is { Content: ContentEdit.Length } ? edit.Length : 0);
        if (!HeadWriter.WriteResponse(_toClient, _response, _upstream!.Received, rewrite, hop, _edge.Date, edit) || !_client.BeginResponse(content))
        {
            CloseUpstream();
            return await RespondAsync(LocalAnswers.Overload);
        }

        _upstream.ConsumeHead();
        _upstream.BeginContent(_response, content == ContentFraming.RawChunks);
        string? fault = bodiless
            ? await _client.FlushAsync(_edge.Settings.BodyStallMs) < 0 ? ClientFault : null
            : await RelayContentAsync();
        _client.UnwatchHangUp();
        if (fault is not null)
        {
            // The head is gone out: only a reset tells the client that what it has is not the whole.
            Record.Reason = _clientGone ? ClientFault : fault;
            CloseUpstream();
            _client.Abort();
            return false;
        }

        EndFilters(whole: true);
        if (_bodyState != BodyState.Sending)
        {
            _upstream.Release(_bodyState == BodyState.Done && (!bodiless || _response.Body == BodyKind.None) && (_upstream.MajorVersion > 1 || KeepsConnection));
            _upstream = null;
        }

        if (keep) return true;
        await _client.CloseAsync(!_request.KeepAlive && _bodyState == BodyState.Done);
        return false;
    }

    /// <summary>How the response's content goes to this client: what the fields tell, and what the stream does.</summary>
    private (ResponseFraming Fields, ContentFraming Content) Frame(ResponseEdit? edit, bool bodiless)
    {
        bool multiplexed = _client.MajorVersion > 1;
        if (bodiless)
        {
            // An end that only the upstream's stream has shown must be told to a client whose own cannot show it.
            bool untold = !multiplexed && _upstream!.EndedWithHead && _request.Method != RequestMethod.Head && _response.Status is not (204 or 304);
            return (untold ? ResponseFraming.Length : ResponseFraming.AsReceived, ContentFraming.None);
        }

        if (edit is { Content: ContentEdit.Length }) return (ResponseFraming.Length, ContentFraming.Plain);
        bool known = _response.Body == BodyKind.Length && edit is not { Content: ContentEdit.Unknown };
        if (known) return (ResponseFraming.AsReceived, ContentFraming.Plain);
        if (multiplexed) return (ResponseFraming.ByStream, ContentFraming.Pieces);
        if (_request.MinorVersion == 0) return (ResponseFraming.UntilClose, ContentFraming.Plain);
        bool raw = _response.Body == BodyKind.Chunked && _upstream!.MajorVersion == 1 && _responseFilters == 0;
        return raw ? (ResponseFraming.AsReceived, ContentFraming.RawChunks) : (ResponseFraming.Chunked, ContentFraming.Pieces);
    }

    // RFC 9110 section 7.8: after 101 the connection belongs to the new protocol.
    private async ValueTask<bool> UpgradeAsync(ResponseRewrite rewrite)
    {
        Record.Kind = "upgrade";
        _client.UnwatchHangUp();
        _toClient.Clear();
        var hop = new ResponseHop(ConnectionOption.Upgrade, ResponseFraming.AsReceived);
        if (!HeadWriter.WriteResponse(_toClient, _response, _upstream!.Received, rewrite, hop, _edge.Date, FilterHead()) || !_client.BeginResponse(ContentFraming.Plain)) return await RespondAsync(LocalAnswers.Overload);
        _upstream.ConsumeHead();
        ReadOnlyMemory<byte> early = _upstream.TakeEarly();
        int sent = early.IsEmpty ? await _client.FlushAsync(_edge.Settings.BodyStallMs) : await _client.SendContentAsync(early, last: false, default, _edge.Settings.BodyStallMs);
        _http1.Forget();
        if (sent < 0)
        {
            CloseUpstream();
            return false;
        }

        return await TunnelAsync();
    }

    /// <summary>Joins client and upstream until both have ended.</summary>
    private async ValueTask<bool> TunnelAsync()
    {
        ReadOnlyMemory<byte> early = _client.TakeEarly();
        if (!early.IsEmpty && await _upstream!.Bytes.SendAllAsync(early, _edge.Settings.BodyStallMs) < 0)
        {
            CloseUpstream();
            return false;
        }

        var tunnel = new Tunnel(_edge.Loop, _client.Bytes, _upstream!.Bytes, _edge.Settings.TunnelIdleMs);
        TunnelEnd end = await tunnel.RunAsync();
        if (end != TunnelEnd.Completed) Record.Reason = TunnelEnds.Code(end);
        _upstream = null;
        return false;
    }
}
