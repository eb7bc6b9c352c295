using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Http2;

/// <summary>A client's connection of HTTP/2: each of its requests is an exchange of its own, and what they answer shares the connection fairly.</summary>
internal sealed class Http2Session : Http2Connection
{
    /// <summary>Requests at a time; those that the client took back and that still run count too. 128, as nginx; RFC 9113 section 6.5.2 recommends no fewer than 100.</summary>
    private const int MaxStreams = 128;

    private readonly RequestText _text = new();
    private int _lastId, _served;
    private bool _leaving, _goingAway;

    public Http2Session(EdgeLoop edge, ClientConnection connection)
        : base(edge, connection.Socket) => Client = connection;

    /// <summary>Who is at the other end.</summary>
    public ClientConnection Client { get; }

    /// <inheritdoc/>
    protected override long QuietMs => PingUnanswered ? Edge.Settings.RequestHeadMs : Edge.Settings.ClientIdleMs;

    private bool TakesNoMore => Edge.IsDraining || Client.Listener.IsClosed || _served >= Edge.Settings.MaxRequestsPerConnection;

    /// <summary>Serves the connection to its end; the preface was seen.</summary>
    /// <param name="early">What was read behind it.</param>
    public ValueTask RunAsync(ReceiveBuffer early)
    {
        Edge.Metrics.Http2Connections.Inc();
        Span<byte> settings = stackalloc byte[24];
        int length = Setting(settings, 0, Http2Setting.MaxConcurrentStreams, MaxStreams);
        length = Setting(settings, length, Http2Setting.InitialWindowSize, Http2Stream.ReceiveWindow);
        length = Setting(settings, length, Http2Setting.MaxHeaderListSize, Edge.Limits.MaxHeadBytes);
        if (Client.Listener.Purpose == ListenerPurpose.Ingress) length = Setting(settings, length, Http2Setting.EnableConnectProtocol, 1);
        WriteFrame(FrameType.Settings, 0, 0, settings[..length]);
        WriteWindowUpdate(0, ReceiveWindow - 65_535);
        return ReadAsync(early);
    }

    /// <summary>Ends the connection without losing a request: tells that no more should come, and once the client has heard of it, that none is taken (RFC 9113 section 6.8).</summary>
    public void Drain()
    {
        if (_leaving || _goingAway || IsClosed) return;
        _leaving = true;
        WriteGoAway(int.MaxValue, Http2Error.NoError);
        WritePing();
    }

    /// <summary>A request was answered.</summary>
    public void Done(Http2ClientStream request, int id)
    {
        Streams.Remove(id);
        Edge.ReturnHttp2Stream(request);
        if (_goingAway && Streams.Count == 0) ScheduleFlush();
    }

    /// <inheritdoc/>
    protected override void WriteGoAway(Http2Error error)
    {
        _goingAway = true;
        WriteGoAway(_lastId, error);
    }

    /// <inheritdoc/>
    protected override void OnSent()
    {
        if (_goingAway && Streams.Count == 0) Part();
    }

    /// <inheritdoc/>
    protected override bool OnQuiet()
    {
        // Requests that run make a client silent; whether it is there at all, it is asked. Without any, it is bidden farewell.
        if (PingUnanswered) return false;
        if (Streams.Count == 0) Drain();
        else WritePing();
        return true;
    }

    /// <inheritdoc/>
    protected override void OnPong()
    {
        if (_leaving && !_goingAway) WriteGoAway(Http2Error.NoError);
    }

    /// <inheritdoc/>
    protected override bool IsIdle(int id) => id > _lastId || (id & 1) == 0;

    /// <inheritdoc/>
    protected override void OnGoAway(int lastId, Http2Error error)
    {
        // RFC 9113 section 6.8: it opens no more streams; those that run go on.
        _goingAway = true;
        ScheduleFlush();
    }

    /// <inheritdoc/>
    protected override Http2Error OnSetting(Http2Setting setting, uint value) => setting == Http2Setting.EnablePush && value > 1 ? Http2Error.ProtocolError : Http2Error.NoError;

    /// <inheritdoc/>
    protected override Http2Error OnSection(int id, ReadOnlySpan<byte> block, bool ends)
    {
        if (Streams.TryGetValue(id, out Http2Stream? open)) return OnTrailers(open, block, ends);
        if ((id & 1) == 0) return Http2Error.ProtocolError;

        // What is behind a GOAWAY, or came after a reset, is decoded for the table's sake.
        if (id <= _lastId || _goingAway) return Skip(block) is var skipped and not Http2Error.NoError ? skipped : Calm.Control(Edge.Loop.NowMs) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
        _lastId = id;
        if (Streams.Count >= MaxStreams)
        {
            // Nobody has looked at it: the client may send it again (RFC 9113 section 8.7).
            Http2Error decoded = Skip(block);
            WriteReset(id, Http2Error.RefusedStream);
            return decoded != Http2Error.NoError ? decoded : CountReset("rapid-reset");
        }

        Http2ClientStream request = Edge.RentHttp2Stream();
        request.Open(this, id, PeerInitialWindow);
        RequestText text = _text.Begin(request.Stream.Head, absolute: Client.Listener.Purpose == ListenerPurpose.ForwardProxy);
        HpackStatus status = Decoder.Decode(block, ref text);
        if (status == HpackStatus.Ok) text.Finish(ends);
        if (status != HpackStatus.Ok || text.IsMalformed)
        {
            request.Stream.Forget();
            Edge.ReturnHttp2Stream(request);
            if (status != HpackStatus.Ok) return ErrorOf(status);
            WriteReset(id, Http2Error.ProtocolError);
            Edge.Metrics.Http2Fault("malformed-request");
            return CountReset("made-you-reset");
        }

        Streams.Add(id, request.Stream);
        request.Stream.BytesReceived = block.Length;
        if (!ends) request.Stream.ContentLeft = text.ContentLength;
        else request.Stream.EndRemote();
        request.WebSocketKey = text.IsWebSocket ? [.. text.WebSocketKey] : null;
        _served++;
        if (TakesNoMore) Drain();
        request.Start();
        return Http2Error.NoError;
    }

    private Http2Error OnTrailers(Http2Stream stream, ReadOnlySpan<byte> block, bool ends)
    {
        if (stream.IsReset) return Skip(block);
        var trailers = new TrailerText(stream.Trailers);
        HpackStatus status = Decoder.Decode(block, ref trailers);
        if (status != HpackStatus.Ok) return ErrorOf(status);

        // RFC 9113 sections 5.1 and 8.1
        Http2Error error = stream.RemoteEnded ? Http2Error.StreamClosed : !ends || trailers.IsMalformed || stream.ContentLeft > 0 ? Http2Error.ProtocolError : Http2Error.NoError;
        if (error != Http2Error.NoError) return Offend(stream, error) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
        stream.EndRemote();
        return Http2Error.NoError;
    }

    private Http2Error Skip(ReadOnlySpan<byte> block)
    {
        NoFields none = NoFields.Instance;
        return ErrorOf(Decoder.Decode(block, ref none));
    }
}
