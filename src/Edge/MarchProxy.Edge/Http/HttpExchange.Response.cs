using System.Diagnostics;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private Block? _input;
    private int _inputStart, _inputEnd;
    private int _responseHeadLength;

    /// <summary>What waiting for a response head came to.</summary>
    private enum ResponseOutcome : byte
    {
        Head,
        ClosedSilently,
        Failed,
        TimedOut,
        Malformed,
        TooLarge,
        Overload,
    }

    private ReadOnlySpan<byte> Input => _input is null ? default : _input.Span[_inputStart.._inputEnd];

    /// <summary>Reads until a final response head is here; interim ones are passed on as they come.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<ResponseOutcome> ReadResponseHeadAsync(long timeoutMs)
    {
        _client.OnHangUp = s_clientLeft;
        _client.HangUpState = this;
        if (_client.Watch() < 0) return ResponseOutcome.Overload;
        long deadline = _edge.Loop.NowMs + timeoutMs;
        _response.Reset();
        while (true)
        {
            if (_inputEnd > _inputStart)
            {
                ParseStatus status = HeadParser.ParseResponse(Input, _response, _edge.Limits, out _responseHeadLength);
                if (status == ParseStatus.Error) return ResponseOutcome.Malformed;
                if (status == ParseStatus.Ok)
                {
                    _response.SetFraming(_request.Method);
                    if (!_response.IsInterim)
                    {
                        Record.FirstByte = Stopwatch.GetTimestamp();
                        return ResponseOutcome.Head;
                    }

                    if (!await PassInterimAsync()) return ResponseOutcome.Failed;
                    continue;
                }
            }

            int n = FillInput();
            if (n > 0) continue;
            if (n == -Errno.ENOBUFS) return _input is null ? ResponseOutcome.Overload : ResponseOutcome.TooLarge;
            if (n != -Errno.EAGAIN) return _inputEnd == 0 ? ResponseOutcome.ClosedSilently : ResponseOutcome.Failed;
            if (_inputEnd == 0) ReleaseInput();
            long left = deadline - _edge.Loop.NowMs;
            int ready = left <= 0 ? -Errno.ETIMEDOUT : await _upstream!.ReadableAsync(left);
            if (ready == -Errno.ETIMEDOUT) return ResponseOutcome.TimedOut;
            if (ready < 0) return ResponseOutcome.Failed;
        }
    }

    private int FillInput()
    {
        _input ??= _edge.Loop.Buffers.TryRent();
        if (_input is null) return -Errno.ENOBUFS;
        if (_inputEnd == _input.Length && !GrowInput()) return -Errno.ENOBUFS;
        int n = _upstream!.TryReceive(_input.Span[_inputEnd..]);
        if (n > 0) _inputEnd += n;
        return n;
    }

    private bool GrowInput()
    {
        if (_input!.Owner == _edge.Loop.LargeBuffers || _edge.Loop.LargeBuffers.TryRent() is not { } large) return false;
        int length = Input.Length;
        Input.CopyTo(large.Span);
        ReleaseInput();
        _input = large;
        _inputEnd = length;
        return true;
    }

    private void ReleaseInput()
    {
        if (_input is not null) _input.Owner.Return(_input);
        _input = null;
        _inputStart = _inputEnd = 0;
    }

    // RFC 9110 section 15.2: a proxy forwards 1xx, except to a client that cannot understand them.
    private async ValueTask<bool> PassInterimAsync()
    {
        int result = 0;
        if (_request.MinorVersion == 1)
        {
            _toClient.Clear();
            if (!HeadWriter.WriteResponse(_toClient, _response, Input, s_forwardResponse, new ResponseHop(ConnectionOption.None, ResponseFraming.AsReceived), _edge.Date)) return false;
            result = await _client.SendAllAsync(Memory(_toClient), _edge.Settings.BodyStallMs);
        }

        _inputStart += _responseHeadLength;
        _response.Reset();
        return result == 0;
    }

    /// <summary>Passes the response on, head and content, and gives the upstream connection back.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> RelayAsync(ResponseRewrite rewrite, bool upgrade)
    {
        Record.Status = _response.Status;
        if (_response.Status == 101)
        {
            if (!upgrade)
            {
                CloseUpstream();
                return await RespondAsync(LocalAnswers.UnaskedUpgrade);
            }

            return await UpgradeAsync(rewrite);
        }

        ResponseFraming framing = _response.Body switch
        {
            BodyKind.Chunked when _request.MinorVersion == 0 => ResponseFraming.UntilClose,
            BodyKind.UntilClose when _request.MinorVersion == 1 => ResponseFraming.Chunked,
            BodyKind.UntilClose => ResponseFraming.UntilClose,
            _ => ResponseFraming.AsReceived,
        };
        bool keep = _request.KeepAlive && !_session.IsLast && framing != ResponseFraming.UntilClose && _bodyState is BodyState.Done or BodyState.Sending;
        ConnectionOption connection = !keep ? ConnectionOption.Close : _request.MinorVersion == 0 ? ConnectionOption.KeepAlive : ConnectionOption.None;
        _toClient.Clear();
        if (!HeadWriter.WriteResponse(_toClient, _response, Input, rewrite, new ResponseHop(connection, framing), _edge.Date))
        {
            CloseUpstream();
            return await RespondAsync(LocalAnswers.Overload);
        }

        _inputStart += _responseHeadLength;
        string? fault = await RelayContentAsync(framing);
        _client.OnHangUp = null;
        _client.HangUpState = null;
        if (fault is not null)
        {
            // The head is gone out: only a reset tells the client that what it has is not the whole.
            Record.Reason = _clientGone ? "client-left" : fault;
            CloseUpstream();
            _client.Abort();
            return false;
        }

        bool reusable = _response.KeepAlive && _inputStart == _inputEnd && _bodyState == BodyState.Done && !_edge.IsDraining;
        if (_bodyState != BodyState.Sending)
        {
            if (reusable && !TellsClient) _edge.Pool.Return(_upstream!, _targetTls);
            else _upstream!.Close();
            _upstream = null;
        }

        if (keep) return true;

        // A client that said it would send nothing more, and has not, loses nothing by an immediate close.
        if (!_request.KeepAlive && _bodyState == BodyState.Done && _session.Pending.IsEmpty && _client.Tls is null && !_client.HasNews) _client.Close();
        else await _client.LingerAndCloseAsync();
        return false;
    }

    // RFC 9110 section 7.8: after 101 the connection belongs to the new protocol.
    private async ValueTask<bool> UpgradeAsync(ResponseRewrite rewrite)
    {
        Record.Kind = "upgrade";
        _client.OnHangUp = null;
        _client.HangUpState = null;
        _toClient.Clear();
        var hop = new ResponseHop(ConnectionOption.Upgrade, ResponseFraming.AsReceived);
        if (!HeadWriter.WriteResponse(_toClient, _response, Input, rewrite, hop, _edge.Date)) return await RespondAsync(LocalAnswers.Overload);
        _inputStart += _responseHeadLength;
        ReadOnlyMemory<byte> rest = _input!.Memory[_inputStart.._inputEnd];
        int sent = await _client.SendAllAsync(Memory(_toClient), rest, _edge.Settings.BodyStallMs);
        ReleaseInput();
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
        if (!_session.Pending.IsEmpty)
        {
            int sent = await _upstream!.SendAllAsync(_session.PendingMemory, _edge.Settings.BodyStallMs);
            if (sent < 0)
            {
                CloseUpstream();
                return false;
            }

            _session.Consume(_session.Pending.Length);
        }

        var tunnel = new Tunnel(_edge.Loop, _client, _upstream!, _edge.Settings.TunnelIdleMs);
        TunnelEnd end = await tunnel.RunAsync();
        if (end != TunnelEnd.Completed) Record.Reason = TunnelEnds.Code(end);
        _upstream = null;
        return false;
    }
}
