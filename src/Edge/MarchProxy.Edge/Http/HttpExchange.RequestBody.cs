using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private BodyState _bodyState;
    private long _bodyLeft;
    private ChunkDecoder _chunks;

    /// <summary>How far the request's content has come.</summary>
    private enum BodyState : byte
    {
        None,
        Sending,
        Done,
        ClientFailed,
        UpstreamFailed,
        Malformed,
    }

    private void BeginBody()
    {
        _bodyState = _request.Body == BodyKind.None ? BodyState.Done : BodyState.Sending;
        _bodyLeft = _request.ContentLength;
        _chunks = default;
    }

    /// <summary>Streams the request's content; runs beside the reading of the response, which may come before the content has ended.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> PumpBodyAsync(TcpConnection upstream)
    {
        while (true)
        {
            int usable = MeasureBody();
            if (usable < 0) return FailBody(BodyState.Malformed, upstream);
            if (usable > 0)
            {
                int sent = await upstream.SendAllAsync(_session.PendingMemory[..usable], _edge.Settings.BodyStallMs);
                if (sent < 0) return FailBody(BodyState.UpstreamFailed, upstream);
                _session.Consume(usable);
            }

            if (BodyIsComplete)
            {
                _bodyState = BodyState.Done;
                return 0;
            }

            if (_request.Body == BodyKind.Length && _bodyLeft > _edge.Loop.LargeBuffers.BlockSize) return await PumpLargeAsync(upstream);
            int n = _session.TryFill();
            if (n == -Errno.EAGAIN) n = await _client.ReadableAsync(_edge.Settings.BodyStallMs) is var ready and < 0 ? ready : 1;
            if (n <= 0) return FailBody(BodyState.ClientFailed, upstream);
        }
    }

    /// <summary>A long body of known length goes by large blocks and leaves the session's own buffer alone.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> PumpLargeAsync(TcpConnection upstream)
    {
        Block? block = _edge.Loop.LargeBuffers.TryRent();
        if (block is null) return FailBody(BodyState.ClientFailed, upstream);
        try
        {
            while (_bodyLeft > 0)
            {
                int n = _client.TryReceive(block.Span[..(int)Math.Min(block.Length, _bodyLeft)]);
                if (n == -Errno.EAGAIN)
                {
                    if (await _client.ReadableAsync(_edge.Settings.BodyStallMs) < 0) return FailBody(BodyState.ClientFailed, upstream);
                    continue;
                }

                if (n <= 0) return FailBody(BodyState.ClientFailed, upstream);
                _bodyLeft -= n;
                if (await upstream.SendAllAsync(block.Memory[..n], _edge.Settings.BodyStallMs) < 0) return FailBody(BodyState.UpstreamFailed, upstream);
            }

            _bodyState = BodyState.Done;
            return 0;
        }
        finally
        {
            _edge.Loop.LargeBuffers.Return(block);
        }
    }

    private bool BodyIsComplete => _request.Body == BodyKind.Length ? _bodyLeft == 0 : _chunksDone;

    private bool _chunksDone;

    /// <summary>How much of what is here belongs to the body and can go on; negative when the chunks are not well-formed.</summary>
    private int MeasureBody()
    {
        if (_request.Body == BodyKind.Length)
        {
            int take = (int)Math.Min(_bodyLeft, _session.Pending.Length);
            _bodyLeft -= take;
            return take;
        }

        if (_session.Pending.IsEmpty) return 0;
        ChunkStatus status = _chunks.Advance(_session.Pending, out int consumed);
        _chunksDone = status == ChunkStatus.End;
        bool tooLarge = _edge.Settings.MaxRequestBodyBytes > 0 && _chunks.PayloadBytes > _edge.Settings.MaxRequestBodyBytes;
        return status == ChunkStatus.Error || tooLarge ? -1 : consumed;
    }

    private int FailBody(BodyState state, TcpConnection upstream)
    {
        _bodyState = state;

        // The client's end of the request is gone: the upstream must not take what came for the whole.
        if (state is BodyState.ClientFailed or BodyState.Malformed)
        {
            if (state == BodyState.ClientFailed) _clientGone = true;
            upstream.Close();
        }

        return -Errno.ECANCELED;
    }

    /// <summary>The response is over. A body that is still under way is given up, and the connections with it.</summary>
    private async ValueTask<bool> EndBodyAsync(ValueTask<int> body)
    {
        if (_bodyState == BodyState.Sending)
        {
            _upstream?.Close();
            _client.CancelRead();
        }

        await body;
        if (_bodyState == BodyState.Done) return true;
        if (!_client.IsClosed && !_clientGone && Record.Status != 0) await _client.LingerAndCloseAsync();
        return false;
    }
}
