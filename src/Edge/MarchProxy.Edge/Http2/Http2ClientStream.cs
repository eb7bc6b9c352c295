using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http2;

/// <summary>A request that came by HTTP/2, as its exchange sees it. Reused; its loop keeps spare ones.</summary>
internal sealed class Http2ClientStream : ClientStream
{
    private static readonly Action<object?> s_clientLeft = static state => ((HttpExchange)state!).ClientLeft();
    private readonly EdgeLoop _edge;
    private readonly Action _onDone;
    private Http2Session _session = null!;
    private HttpExchange? _exchange;
    private ValueTaskAwaiter<bool> _running;
    private ContentFraming _framing;
    private bool _headWaits;
    private int _piece;

    public Http2ClientStream(EdgeLoop edge)
    {
        _edge = edge;
        _onDone = Done;
        Stream = new Http2Stream(edge.Loop);
    }

    /// <summary>The stream that carries it.</summary>
    public Http2Stream Stream { get; }

    /// <summary>Of a stream that opens a WebSocket (RFC 8441): the key of the handshake that the upstream sees; else null.</summary>
    public byte[]? WebSocketKey { get; set; }

    private bool IsWebSocket => WebSocketKey is not null;

    /// <inheritdoc/>
    public override ClientConnection Connection => _session.Client;

    /// <inheritdoc/>
    public override int MajorVersion => 2;

    /// <inheritdoc/>
    public override bool IsClosed => Stream.IsReset;

    /// <inheritdoc/>
    public override bool IsLast => false;

    /// <inheritdoc/>
    public override long BytesTaken => Stream.BytesReceived;

    /// <inheritdoc/>
    public override long BytesSent => Stream.BytesSent;

    /// <inheritdoc/>
    public override long ContentBytes => Stream.ContentBytes;

    /// <inheritdoc/>
    public override HttpError ContentError => HttpError.None;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => Stream.Head.Written;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => Stream.Trailers.Array.AsMemory(Stream.Trailers.Start, Stream.Trailers.Length);

    /// <inheritdoc/>
    public override IByteStream Bytes => Stream;

    /// <summary>Opens it on a connection.</summary>
    public void Open(Http2Session session, int id, long sendWindow)
    {
        _session = session;
        _headWaits = false;
        WebSocketKey = null;
        Stream.Open(session, id, sendWindow);
    }

    /// <summary>Begins the exchange.</summary>
    public void Start()
    {
        _exchange = _edge.RentExchange(this);
        _running = _exchange.RunAsync().GetAwaiter();
        if (_running.IsCompleted) Done();
        else _running.UnsafeOnCompleted(_onDone);
    }

    /// <inheritdoc/>
    public override bool Proves(ResponseHead response, ReadOnlySpan<byte> bytes)
    {
        if (WebSocketKey is null) return false;
        Span<byte> proof = stackalloc byte[WebSocketProof.Length];
        WebSocketProof.Of(WebSocketKey, proof);
        foreach (ref readonly HeaderField field in response.Fields)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(field.Name.In(bytes), "sec-websocket-accept"u8)) return field.Value.In(bytes).SequenceEqual(proof);
        }

        return false;
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly() => default;

    /// <inheritdoc/>
    public override ValueTask<int> ReadMoreAsync(long deadline) => new(-Errno.ENOBUFS);

    /// <inheritdoc/>
    public override void ConsumeHead(int length)
    {
        // The head has a buffer of its own and stays.
    }

    /// <inheritdoc/>
    public override void BeginContent(RequestHead request, bool raw)
    {
    }

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece)
    {
        piece = default;
        if (Stream.IsReset) return ContentStatus.Failed;
        return Stream.TryRead(out piece, out _piece);
    }

    /// <inheritdoc/>
    public override void ConsumeContent() => Stream.Consume(_piece);

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs) => Stream.ReadableAsync(stallMs);

    /// <inheritdoc/>
    public override void CancelRead() => Stream.CancelRead();

    /// <inheritdoc/>
    public override ValueTask<int> SendInterimAsync(long stallMs) => SendHeadAsync(ends: false, stallMs);

    /// <inheritdoc/>
    public override bool BeginResponse(ContentFraming framing)
    {
        _framing = framing;
        _headWaits = true;
        return true;
    }

    /// <inheritdoc/>
    public override ValueTask<int> FlushAsync(long stallMs) => _headWaits ? SendHeadAsync(_framing == ContentFraming.None, stallMs) : default;

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        bool ends = last && trailers.IsEmpty;
        if (!_headWaits && trailers.IsEmpty) return Stream.SendAsync(piece, ends, stallMs);
        if (_headWaits && TrySendHead(ends && piece.IsEmpty) && trailers.IsEmpty) return piece.IsEmpty ? default : Stream.SendAsync(piece, ends, stallMs);
        return SendAllAsync(piece, last, trailers, stallMs);
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public override async ValueTask<int> SendLocalAsync(bool close, long stallMs)
    {
        int head = Output.Written.IndexOf("\r\n\r\n"u8) + 4;
        ReadOnlyMemory<byte> content = Output.Array.AsMemory(Output.Start + head, Output.Length - head);
        int sent = await Stream.RoomAsync(HeadEncoder.MaxLength(head), stallMs);
        if (sent < 0) return sent;
        _session.SendHead(Stream, Output.Written[..head], IsWebSocket, content.IsEmpty);
        _headWaits = false;
        return content.IsEmpty ? 0 : await Stream.SendAsync(content, last: true, stallMs);
    }

    /// <inheritdoc/>
    public override ValueTask CloseAsync(bool nothingComes) => default;

    /// <inheritdoc/>
    public override void Abort() => Stream.Abort();

    /// <inheritdoc/>
    public override int WatchHangUp(HttpExchange exchange)
    {
        if (Stream.IsReset)
        {
            exchange.ClientLeft();
            return 0;
        }

        Stream.OnReset = s_clientLeft;
        Stream.ResetState = exchange;
        return 0;
    }

    /// <inheritdoc/>
    public override void UnwatchHangUp()
    {
        Stream.OnReset = null;
        Stream.ResetState = null;
    }

    private bool TrySendHead(bool ends)
    {
        if (Stream.IsReset || !_session.TryReserve(HeadEncoder.MaxLength(Output.Length))) return false;
        _session.SendHead(Stream, Output.Written, IsWebSocket, ends);
        Output.Clear();
        _headWaits = false;
        return true;
    }

    private ValueTask<int> SendHeadAsync(bool ends, long stallMs) => TrySendHead(ends) ? default : SendHeadLaterAsync(ends, stallMs);

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendHeadLaterAsync(bool ends, long stallMs)
    {
        int room = await Stream.RoomAsync(HeadEncoder.MaxLength(Output.Length), stallMs);
        return room < 0 ? room : TrySendHead(ends) ? 0 : -Errno.ENOBUFS;
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendAllAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs)
    {
        bool ends = last && trailers.IsEmpty;
        int sent = 0;
        if (_headWaits) sent = await SendHeadAsync(ends && piece.IsEmpty, stallMs);
        if (sent == 0 && !piece.IsEmpty) sent = await Stream.SendAsync(piece, ends, stallMs);
        if (sent < 0 || !last || Stream.LocalEnded) return sent;
        if (trailers.IsEmpty) return await Stream.SendAsync(default, last: true, stallMs);
        sent = await Stream.RoomAsync(HeadEncoder.MaxLength(trailers.Length), stallMs);
        if (sent < 0) return sent;
        _session.SendTrailers(Stream, trailers.Span);
        return 0;
    }

    /// <summary>The exchange is over, and so is the stream, whatever of it is not.</summary>
    private void Done()
    {
        try
        {
            _running.GetResult();
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
        }

        _edge.ReturnExchange(_exchange!);
        _exchange = null;
        _running = default;
        Http2Session session = _session;
        int id = Stream.Id;

        // RFC 9113 section 8.1: what the client still sends of its request is of no interest.
        if (!Stream.LocalEnded) Stream.Reset(Http2Error.InternalError);
        else if (!Stream.RemoteEnded) Stream.Reset(Http2Error.NoError);
        Stream.Forget();
        _session = null!;
        session.Done(this, id);
    }
}
