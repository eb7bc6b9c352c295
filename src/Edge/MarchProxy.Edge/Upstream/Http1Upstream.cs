using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Upstream;

/// <summary>An HTTP/1.1 connection to an upstream, for the time of one exchange. An exchange keeps one of these and uses it for one connection after another.</summary>
internal sealed class Http1Upstream(EdgeLoop edge) : UpstreamStream
{
    /// <summary>Pieces up to this length are joined with their chunk framing into one send.</summary>
    private const int JoinBytes = 2048;

    private readonly Http1Content _content = new();
    private readonly byte[] _frame = new byte[ChunkFrame.MaxSizeLine];
    private TcpConnection _connection = null!;
    private UpstreamTls? _tls;
    private bool _poolable;
    private ReceiveBuffer _input;
    private int _headLength;
    private bool _reusable;
    private ContentFraming _framing;
    private OutBuffer? _joined;

    /// <inheritdoc/>
    public override Endpoint Remote => _connection.Remote;

    /// <inheritdoc/>
    public override int MajorVersion => 1;

    /// <inheritdoc/>
    public override bool IsClosed => _connection.IsClosed;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => _input.Pending;

    /// <inheritdoc/>
    public override bool EndedWithHead => false;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => _content.Trailers;

    /// <inheritdoc/>
    public override IByteStream Bytes => _connection;

    /// <summary>Takes a connection over.</summary>
    /// <param name="connection">The connection, ready for a request.</param>
    /// <param name="tls">The TLS that it was opened under.</param>
    /// <param name="poolable">Whether another exchange may have it afterwards.</param>
    public Http1Upstream Use(TcpConnection connection, UpstreamTls? tls, bool poolable)
    {
        _input.Release();
        _connection = connection;
        _tls = tls;
        _poolable = poolable;
        _reusable = false;
        return this;
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly()
    {
        ReadOnlyMemory<byte> early = _input.Memory;
        _input.Consume(early.Length);
        return early;
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendHeadAsync(OutBuffer head, ContentFraming content, long stallMs)
    {
        _framing = content;
        return _connection.SendAllAsync(head.Array.AsMemory(head.Start, head.Length), stallMs);
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        if (_framing != ContentFraming.Pieces) return _connection.SendAllAsync(piece, stallMs);
        if (piece.Length > JoinBytes) return SendLongChunkAsync(piece, last, trailers, stallMs);
        OutBuffer joined = _joined ??= new OutBuffer(new byte[JoinBytes + 64], JoinBytes + 64 + ChunkDecoder.MaxTrailer);
        joined.Clear();
        if (!joined.EnsureRoom(piece.Length + trailers.Length + 32)) return new ValueTask<int>(-Errno.ENOBUFS);
        if (!piece.IsEmpty)
        {
            joined.Commit(ChunkFrame.WriteSize(joined.Free, piece.Length));
            joined.Append(piece.Span);
            joined.Append(ChunkFrame.End);
        }

        if (last) AppendLast(joined, trailers.Span);
        return _connection.SendAllAsync(joined.Array.AsMemory(joined.Start, joined.Length), stallMs);
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public override async ValueTask<ResponseOutcome> ReadHeadAsync(ResponseHead head, long deadline)
    {
        head.Reset();
        while (true)
        {
            if (!_input.IsEmpty)
            {
                ParseStatus status = HeadParser.ParseResponse(_input.Pending, head, edge.Limits, out _headLength);
                if (status == ParseStatus.Error) return ResponseOutcome.Malformed;
                if (status == ParseStatus.Ok) return ResponseOutcome.Head;
            }

            int n = _input.TryFill(_connection, edge.Loop);
            if (n > 0) continue;
            if (n == -Errno.ENOBUFS) return _input.HasBlock ? ResponseOutcome.TooLarge : ResponseOutcome.Overload;
            if (n != -Errno.EAGAIN) return _input.IsEmpty ? ResponseOutcome.ClosedSilently : ResponseOutcome.Failed;
            if (_input.IsEmpty) _input.Release();
            long left = deadline - edge.Loop.NowMs;
            int ready = left <= 0 ? -Errno.ETIMEDOUT : await _connection.ReadableAsync(left);
            if (ready == -Errno.ETIMEDOUT) return ResponseOutcome.TimedOut;
            if (ready < 0) return ResponseOutcome.Failed;
        }
    }

    /// <inheritdoc/>
    public override void ConsumeHead() => _input.Consume(_headLength);

    /// <inheritdoc/>
    public override void BeginContent(ResponseHead response, bool raw)
    {
        _reusable = response.KeepAlive;
        _content.Begin(response, raw);
    }

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece) => _content.TryRead(ref _input, _connection, edge.Loop, out piece);

    /// <inheritdoc/>
    public override void ConsumeContent() => _content.Consume(ref _input);

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs)
    {
        if (_input.IsEmpty) _input.Release();
        return _connection.ReadableAsync(stallMs);
    }

    /// <inheritdoc/>
    public override void Release(bool reusable)
    {
        if (reusable && _reusable && _poolable && _input.IsEmpty && !edge.IsDraining) edge.Pool.Return(_connection, _tls);
        else _connection.Close();
    }

    /// <inheritdoc/>
    public override void Close() => _connection.Close();

    /// <summary>Gives back what was read: nobody looks at a piece any more.</summary>
    public void Forget() => _input.Release();

    private static void AppendLast(OutBuffer to, ReadOnlySpan<byte> trailers)
    {
        to.Append(ChunkFrame.LastSize);
        to.Append(trailers);
        to.Append(ChunkFrame.End);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendLongChunkAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        int sent = await _connection.SendAllAsync(_frame.AsMemory(0, ChunkFrame.WriteSize(_frame, piece.Length)), piece, stallMs);
        if (sent < 0) return sent;
        sent = await _connection.SendAllAsync(last ? s_lastEnd : s_end, stallMs);
        return sent < 0 || !last ? sent : await SendTrailersAsync(trailers, stallMs);
    }

    private async ValueTask<int> SendTrailersAsync(ReadOnlyMemory<byte> trailers, long stallMs) => await _connection.SendAllAsync(trailers, s_end, stallMs);

    private static readonly byte[] s_end = [.. ChunkFrame.End];
    private static readonly byte[] s_lastEnd = [.. ChunkFrame.End, .. ChunkFrame.LastSize];
}
