using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    /// <summary>A body piece that is joined with the head into one send when it is at most this long; longer ones go by two vectors.</summary>
    private const int JoinBytes = 2048;

    private const string ClientFault = "client-left";
    private ChunkDecoder _responseChunks;
    private long _contentLeft;
    private bool _contentDone;

    /// <summary>Sends the head and streams the content behind it.</summary>
    /// <returns>Null, or the reason code of what went wrong.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<string?> RelayContentAsync(ResponseFraming framing)
    {
        _responseChunks = default;
        _contentLeft = _response.ContentLength;
        _contentDone = _response.Body == BodyKind.None || (_response.Body == BodyKind.Length && _contentLeft == 0);
        long stall = _edge.Settings.BodyStallMs;
        while (true)
        {
            int usable = 0;
            if (!_contentDone && _inputEnd > _inputStart)
            {
                usable = MeasureContent(framing, out Slice payload);
                if (usable < 0) return "upstream-bad-chunk";
                int sent = await SendContentAsync(payload, framing, stall);
                if (sent < 0) return sent == -Errno.ETIMEDOUT ? "client-stalled" : ClientFault;
                _inputStart += usable;
            }

            if (_contentDone)
            {
                if (framing == ResponseFraming.Chunked && _toClient.EnsureRoom(ChunkFrame.Last.Length)) _toClient.Append(ChunkFrame.Last);
                return await FlushAsync(stall) < 0 ? ClientFault : null;
            }

            if (usable > 0 && _inputEnd > _inputStart) continue;
            string? fault = await RefillAsync(stall);
            if (fault is not null) return fault;
        }
    }

    /// <summary>Sends what was gathered for the client.</summary>
    private ValueTask<int> FlushAsync(long stall)
    {
        if (_toClient.Length == 0) return default;
        ReadOnlyMemory<byte> out1 = Memory(_toClient);
        _toClient.Clear();
        return _client.SendAllAsync(out1, stall);
    }

    /// <summary>Sends a piece of content after what was gathered; a short one is copied behind the head.</summary>
    private ValueTask<int> SendContentAsync(Slice payload, ResponseFraming framing, long stall)
    {
        if (payload.Length == 0) return default;
        ReadOnlyMemory<byte> content = _input!.Memory.Slice(payload.Start, payload.Length);
        if (framing == ResponseFraming.Chunked)
        {
            _toClient.EnsureRoom(ChunkFrame.MaxSizeLine);
            _toClient.Commit(ChunkFrame.WriteSize(_toClient.Free, payload.Length));
            return SendChunkAsync(content, stall);
        }

        if (payload.Length <= JoinBytes && _toClient.Length > 0 && _toClient.EnsureRoom(payload.Length))
        {
            _toClient.Append(content.Span);
            return FlushAsync(stall);
        }

        ReadOnlyMemory<byte> head = Memory(_toClient);
        _toClient.Clear();
        return head.IsEmpty ? _client.SendAllAsync(content, stall) : _client.SendAllAsync(head, content, stall);
    }

    private async ValueTask<int> SendChunkAsync(ReadOnlyMemory<byte> content, long stall)
    {
        ReadOnlyMemory<byte> before = Memory(_toClient);
        int sent = await _client.SendAllAsync(before, content, stall);
        _toClient.Clear();
        _toClient.Append(ChunkFrame.End);
        return sent;
    }

    /// <summary>How many bytes of the input are used up, and which of them go to the client; negative for malformed chunks.</summary>
    private int MeasureContent(ResponseFraming framing, out Slice payload)
    {
        int available = _inputEnd - _inputStart;
        payload = new Slice(_inputStart, available);
        switch (_response.Body)
        {
            case BodyKind.Length:
                int take = (int)Math.Min(_contentLeft, available);
                _contentLeft -= take;
                _contentDone = _contentLeft == 0;
                payload = new Slice(_inputStart, take);
                return take;
            case BodyKind.Chunked when framing == ResponseFraming.UntilClose:
                ChunkStatus decoded = _responseChunks.Decode(Input, out int used, out ByteRange data);
                payload = new Slice(_inputStart + data.Start, data.Length);
                _contentDone = decoded == ChunkStatus.End;
                return decoded == ChunkStatus.Error ? -1 : used;
            case BodyKind.Chunked:
                ChunkStatus status = _responseChunks.Advance(Input, out int consumed);
                payload = new Slice(_inputStart, consumed);
                _contentDone = status == ChunkStatus.End;
                return status == ChunkStatus.Error ? -1 : consumed;
            default:
                return available;
        }
    }

    /// <summary>Reads more content, by large blocks once it is clear that there is much.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<string?> RefillAsync(long stall)
    {
        bool large = _response.Body != BodyKind.Length || _contentLeft > _edge.Loop.Buffers.BlockSize;
        while (true)
        {
            BufferPool pool = large ? _edge.Loop.LargeBuffers : _edge.Loop.Buffers;
            if (_input is null || _input.Owner != pool)
            {
                ReleaseInput();
                _input = pool.TryRent();
                if (_input is null) return "overload";
            }

            _inputStart = _inputEnd = 0;
            int n = _upstream!.TryReceive(_input.Span);
            if (n > 0)
            {
                _inputEnd = n;
                return null;
            }

            if (n == 0)
            {
                if (_response.Body != BodyKind.UntilClose) return "upstream-closed-early";
                _contentDone = true;
                return null;
            }

            if (n != -Errno.EAGAIN) return _clientGone ? ClientFault : "upstream-reset";

            // The head must not wait for content that comes late.
            ReleaseInput();
            if (await FlushAsync(stall) < 0) return ClientFault;
            int ready = await _upstream.ReadableAsync(stall);
            if (ready < 0) return _clientGone ? ClientFault : ready == -Errno.ETIMEDOUT ? "upstream-stalled" : "upstream-reset";
        }
    }

    /// <summary>A piece of the input block.</summary>
    private readonly record struct Slice(int Start, int Length);
}
