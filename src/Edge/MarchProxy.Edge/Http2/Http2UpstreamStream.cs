using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http2;

/// <summary>An upstream that is asked by HTTP/2, for the time of one exchange. An exchange keeps one of these and uses it for one stream after another.</summary>
internal sealed class Http2UpstreamStream(EdgeLoop edge) : UpstreamStream
{
    private Http2UpstreamConnection? _connection;
    private Endpoint _remote;
    private bool _webSocket, _malformed, _tooLarge;
    private int _headLength, _piece;

    /// <summary>The stream that carries it.</summary>
    public Http2Stream Stream { get; } = new(edge.Loop);

    /// <summary>Whether the final head has come: what comes now are trailers.</summary>
    public bool HeadSeen { get; private set; }

    /// <summary>Of a WebSocket's handshake: its key; else null.</summary>
    public byte[]? WebSocketKey { get; private set; }

    /// <summary>Whether the request was HEAD.</summary>
    public bool IsHeadRequest { get; private set; }

    /// <inheritdoc/>
    public override Endpoint Remote => _remote;

    /// <inheritdoc/>
    public override int MajorVersion => 2;

    /// <inheritdoc/>
    public override bool IsClosed => Stream.IsReset;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => Stream.Head.Written;

    /// <inheritdoc/>
    public override bool EndedWithHead => _endedWithHead;

    private bool _endedWithHead;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => Stream.Trailers.Array.AsMemory(Stream.Trailers.Start, Stream.Trailers.Length);

    /// <inheritdoc/>
    public override IByteStream Bytes => Stream;

    /// <summary>Takes a place on a connection.</summary>
    /// <param name="connection">One that has room.</param>
    /// <param name="webSocket">Whether a WebSocket is asked for.</param>
    public Http2UpstreamStream Use(Http2UpstreamConnection connection, bool webSocket)
    {
        Forget();
        _connection = connection;
        _remote = connection.Socket.Remote;
        _webSocket = webSocket;
        _malformed = _tooLarge = HeadSeen = _endedWithHead = IsHeadRequest = false;
        WebSocketKey = null;
        connection.Take(Stream);
        return this;
    }

    /// <summary>Waits until the upstream has told its settings.</summary>
    /// <returns>Whether it takes WebSockets.</returns>
    public async ValueTask<bool> TakesWebSocketsAsync(long timeoutMs)
    {
        if (!_connection!.IsSettled && !_connection.IsClosed)
        {
            _connection.AwaitSettings(Stream);
            await Stream.HeadReadableAsync(timeoutMs);
        }

        return _connection.TakesWebSockets && _connection.HasRoom;
    }

    /// <summary>The final head has come.</summary>
    public void OnHead(long contentLength, bool ends)
    {
        HeadSeen = true;
        _endedWithHead = ends && contentLength <= 0;
    }

    /// <summary>A head came that cannot be taken.</summary>
    public void Refuse(bool tooLarge) => (_malformed, _tooLarge) = (!tooLarge, tooLarge);

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly() => default;

    /// <inheritdoc/>
    public override ValueTask<int> SendHeadAsync(OutBuffer head, ContentFraming content, long stallMs)
    {
        if (Stream.IsReset) return new ValueTask<int>(-Errno.ECONNRESET);
        if (_webSocket) WebSocketKey = KeyOf(head.Written);
        IsHeadRequest = head.Written.StartsWith("HEAD "u8);
        bool ends = content == ContentFraming.None && !_webSocket;
        if (!_connection!.TryReserve(HeadEncoder.MaxLength(head.Length))) return SendHeadLaterAsync(head, ends, stallMs);
        _connection.SendRequest(this, head.Written, _webSocket, ends);
        return default;
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs) =>
        trailers.IsEmpty ? Stream.SendAsync(piece, last, stallMs) : SendTrailersAsync(piece, trailers, stallMs);

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public override async ValueTask<ResponseOutcome> ReadHeadAsync(ResponseHead head, long deadline)
    {
        head.Reset();
        while (true)
        {
            if (_malformed || _tooLarge) return _tooLarge ? ResponseOutcome.TooLarge : Fault(head);
            if (Stream.Head.Length > 0)
            {
                ParseStatus status = HeadParser.ParseResponse(Stream.Head.Written, head, edge.Limits, out _headLength);
                return status == ParseStatus.Ok ? ResponseOutcome.Head : ResponseOutcome.Malformed;
            }

            if (Stream.IsReset) return Stream.Error == Http2Error.RefusedStream ? ResponseOutcome.Unprocessed : ResponseOutcome.ClosedSilently;
            long left = deadline - edge.Loop.NowMs;
            int ready = left <= 0 ? -Errno.ETIMEDOUT : await Stream.HeadReadableAsync(left);
            if (ready == -Errno.ETIMEDOUT) return ResponseOutcome.TimedOut;
        }
    }

    /// <inheritdoc/>
    public override void ConsumeHead() => Stream.Head.Drain(_headLength);

    /// <inheritdoc/>
    public override void BeginContent(ResponseHead response, bool raw)
    {
    }

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece)
    {
        piece = default;
        if (Stream.IsReset) return ContentStatus.Failed;
        ContentStatus status = Stream.TryRead(out piece, out _piece);
        return status == ContentStatus.Last && Stream.ContentLeft > 0 ? ContentStatus.Truncated : status;
    }

    /// <inheritdoc/>
    public override void ConsumeContent() => Stream.Consume(_piece);

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs) => Stream.ReadableAsync(stallMs);

    /// <inheritdoc/>
    public override void Release(bool reusable) => Forget();

    /// <inheritdoc/>
    public override void Close() => Stream.Close();

    /// <summary>Gives the place on the connection back: nobody looks at a piece any more.</summary>
    public void Forget()
    {
        if (_connection is not { } connection) return;
        _connection = null;
        Stream.Close();
        connection.Done(Stream);
        Stream.Forget();
        Stream.Owner = null;
    }

    private static ResponseOutcome Fault(ResponseHead head)
    {
        head.Error = HttpError.HeaderName;
        return ResponseOutcome.Malformed;
    }

    private static byte[] KeyOf(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> lines = head[(head.IndexOf("\r\n"u8) + 2)..];
        while (FieldText.Next(ref lines, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, "sec-websocket-key"u8)) return value.ToArray();
        }

        return [];
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendHeadLaterAsync(OutBuffer head, bool ends, long stallMs)
    {
        int room = await Stream.RoomAsync(HeadEncoder.MaxLength(head.Length), stallMs);
        if (room < 0) return room;
        _connection!.SendRequest(this, head.Written, _webSocket, ends);
        return 0;
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendTrailersAsync(ReadOnlyMemory<byte> piece, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        int sent = piece.IsEmpty ? 0 : await Stream.SendAsync(piece, last: false, stallMs);
        if (sent == 0) sent = await Stream.RoomAsync(HeadEncoder.MaxLength(trailers.Length), stallMs);
        if (sent < 0) return sent;
        _connection!.SendTrailers(Stream, trailers.Span);
        return 0;
    }
}
