using MarchProxy.Edge.Http1;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>Finds the pieces of one message's content in what an HTTP/1.1 connection brings (RFC 9112 section 6.3): requests and responses alike.</summary>
internal sealed class Http1Content
{
    private BodyKind _kind;
    private bool _raw, _done;
    private long _left;
    private int _used;
    private ChunkDecoder _chunks;
    private OutBuffer? _trailers;

    /// <summary>Content bytes so far, without framing.</summary>
    public long Bytes { get; private set; }

    /// <summary>Trailer fields of decoded chunks, as lines.</summary>
    public ReadOnlyMemory<byte> Trailers => _trailers is { Length: > 2 } lines ? lines.Array.AsMemory(lines.Start, lines.Length - 2) : default;

    /// <summary>What is wrong with the chunks.</summary>
    public HttpError Error => _chunks.Error;

    public void Begin(MessageHead head, bool raw)
    {
        _kind = head.Body;
        _raw = raw;
        _left = head.ContentLength;
        _chunks = default;
        _used = 0;
        Bytes = 0;
        _trailers?.Clear();
        _done = _kind == BodyKind.None;
    }

    /// <summary>Looks for a piece; reads from the connection when nothing is here.</summary>
    public ContentStatus TryRead(ref ReceiveBuffer input, TcpConnection from, EventLoop loop, out ReadOnlyMemory<byte> piece)
    {
        piece = default;
        if (_done) return ContentStatus.Last;
        while (true)
        {
            if (!input.IsEmpty)
            {
                ContentStatus status = Take(ref input, out piece);
                if (status != ContentStatus.Wait) return status;
            }

            int n = input.TryFill(from, loop, _kind != BodyKind.Length || _left > loop.Buffers.BlockSize);
            if (n > 0) continue;
            if (n == 0) return EndOfStream();
            return n switch { -Errno.EAGAIN => ContentStatus.Wait, -Errno.ENOBUFS => ContentStatus.Overload, _ => ContentStatus.Failed };
        }
    }

    /// <summary>The piece was used.</summary>
    public void Consume(ref ReceiveBuffer input)
    {
        input.Consume(_used);
        _used = 0;
    }

    private ContentStatus EndOfStream()
    {
        if (_kind != BodyKind.UntilClose) return ContentStatus.Truncated;
        _done = true;
        return ContentStatus.Last;
    }

    private ContentStatus Take(ref ReceiveBuffer input, out ReadOnlyMemory<byte> piece)
    {
        switch (_kind)
        {
            case BodyKind.Length:
                _used = (int)Math.Min(_left, input.Length);
                _left -= _used;
                _done = _left == 0;
                break;
            case BodyKind.Chunked:
                return _raw ? TakeRaw(ref input, out piece) : Decode(ref input, out piece);
            default:
                _used = input.Length;
                break;
        }

        Bytes += _used;
        piece = input.Memory[.._used];
        return _done ? ContentStatus.Last : ContentStatus.Data;
    }

    private ContentStatus TakeRaw(ref ReceiveBuffer input, out ReadOnlyMemory<byte> piece)
    {
        ChunkStatus status = _chunks.Advance(input.Pending, out _used);
        Bytes = _chunks.PayloadBytes;
        piece = input.Memory[.._used];
        _done = status == ChunkStatus.End;
        return status == ChunkStatus.Error ? ContentStatus.Malformed : _done ? ContentStatus.Last : ContentStatus.Data;
    }

    private ContentStatus Decode(ref ReceiveBuffer input, out ReadOnlyMemory<byte> piece)
    {
        int before = _chunks.TrailerBytes;
        ChunkStatus status = _chunks.Decode(input.Pending, out _used, out ByteRange data);
        Bytes = _chunks.PayloadBytes;
        piece = input.Memory.Slice(data.Start, data.Length);
        if (status == ChunkStatus.Data) return ContentStatus.Data;
        piece = default;
        if (status == ChunkStatus.Error) return ContentStatus.Malformed;

        // Trailer bytes are always the last ones of a step.
        int trailer = _chunks.TrailerBytes - before;
        if (trailer > 0) Keep(input.Pending.Slice(_used - trailer, trailer));
        if (status == ChunkStatus.End)
        {
            _done = true;
            return ContentStatus.Last;
        }

        Consume(ref input);
        return ContentStatus.Wait;
    }

    private void Keep(ReadOnlySpan<byte> lines)
    {
        _trailers ??= new OutBuffer(new byte[256], ChunkDecoder.MaxTrailer);
        if (_trailers.EnsureRoom(lines.Length)) _trailers.Append(lines);
    }
}
