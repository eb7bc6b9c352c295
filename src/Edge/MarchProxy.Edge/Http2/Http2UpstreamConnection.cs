using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Loops;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http2;

/// <summary>Our connection of HTTP/2 to an upstream: the exchanges of one loop share it.</summary>
internal sealed class Http2UpstreamConnection : Http2Connection
{
    /// <summary>Streams at a time while the upstream has not said how many: what RFC 9113 section 6.5.2 recommends as the least.</summary>
    private const int UntoldStreams = 100;

    /// <summary>Streams in the life of a connection: far from the end of their numbers.</summary>
    private const int MaxId = 1 << 30;

    private readonly ResponseText _text = new();
    private readonly List<Http2Stream> _early = [];
    private readonly Action<Http2UpstreamConnection>? _onClosed;
    private int _nextId = 1, _active;
    private long _maxStreams = UntoldStreams;
    private bool _goingAway;

    /// <param name="edge">The loop.</param>
    /// <param name="socket">The connection, with TLS if it has any.</param>
    /// <param name="onClosed">Called when no stream may be opened any more; null for a connection of one exchange.</param>
    public Http2UpstreamConnection(EdgeLoop edge, TcpConnection socket, Action<Http2UpstreamConnection>? onClosed)
        : base(edge, socket) => _onClosed = onClosed;

    /// <summary>Whether it came over TLS.</summary>
    public bool IsSecure => Socket.Tls is not null;

    /// <summary>Whether another stream may be opened.</summary>
    public bool HasRoom => !IsClosed && !_goingAway && _active < _maxStreams && _nextId < MaxId;

    /// <summary>Whether the upstream has told its settings.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>Whether it takes WebSockets (RFC 8441).</summary>
    public bool TakesWebSockets { get; private set; }

    /// <summary>Whether a request went over it before.</summary>
    public bool IsUsed => _nextId > 1;

    /// <inheritdoc/>
    protected override long QuietMs => Upstream.UpstreamPoolOptions.DefaultIdleMs;

    /// <summary>Begins it.</summary>
    public void Start()
    {
        Span<byte> settings = stackalloc byte[24];
        int length = Setting(settings, 0, Http2Setting.EnablePush, 0);
        length = Setting(settings, length, Http2Setting.InitialWindowSize, Http2Stream.ReceiveWindow);
        length = Setting(settings, length, Http2Setting.MaxHeaderListSize, Edge.Limits.MaxHeadBytes);
        WriteRaw(Preface);
        WriteFrame(FrameType.Settings, 0, 0, settings[..length]);
        WriteWindowUpdate(0, ReceiveWindow - 65_535);
        _ = RunAsync();
    }

    /// <summary>Takes a place for a stream; its number comes with its head.</summary>
    public void Take(Http2Stream stream)
    {
        _active++;
        stream.Open(this, 0, PeerInitialWindow);
    }

    /// <summary>Sends a request's head; room for it was reserved.</summary>
    public void SendRequest(Http2UpstreamStream request, ReadOnlySpan<byte> head, bool webSocket, bool ends)
    {
        Http2Stream stream = request.Stream;
        stream.Number(_nextId, PeerInitialWindow);
        _nextId += 2;
        Streams.Add(stream.Id, stream);
        stream.Owner = request;
        CommitHead(stream, HeadEncoder.Request(Encoder, HeadRoom, head, IsSecure, webSocket), ends);
    }

    /// <summary>Has a stream woken when the settings are known.</summary>
    public void AwaitSettings(Http2Stream stream) => _early.Add(stream);

    /// <summary>A stream is over.</summary>
    public void Done(Http2Stream stream)
    {
        _active--;
        _early.Remove(stream);
        Streams.Remove(stream.Id);
        if (_active == 0 && (_goingAway || _onClosed is null)) ScheduleFlush();
    }

    /// <summary>Ends it once nothing runs.</summary>
    public void Retire()
    {
        if (!_goingAway && !IsClosed) WriteGoAway(Http2Error.NoError);
    }

    /// <inheritdoc/>
    protected override void WriteGoAway(Http2Error error)
    {
        Leave();
        WriteGoAway(0, error);
    }

    /// <inheritdoc/>
    protected override void OnSent()
    {
        if (_active == 0 && (_goingAway || _onClosed is null) && IsUsed) Part();
    }

    /// <inheritdoc/>
    protected override bool OnQuiet()
    {
        if (_active == 0)
        {
            Retire();
            return false;
        }

        if (PingUnanswered) return false;
        WritePing();
        return true;
    }

    /// <inheritdoc/>
    protected override bool IsIdle(int id) => id >= _nextId || (id & 1) == 0;

    /// <inheritdoc/>
    protected override void OnGoAway(int lastId, Http2Error error)
    {
        Leave();
        foreach (Http2Stream stream in Streams.Values.ToArray())
        {
            // RFC 9113 section 6.8: it has not looked at these and never will.
            if (stream.Id > lastId) stream.Break(Http2Error.RefusedStream, -Net.Errno.ECONNRESET);
        }

        ScheduleFlush();
    }

    /// <inheritdoc/>
    protected override Http2Error OnSetting(Http2Setting setting, uint value)
    {
        if (setting == Http2Setting.MaxConcurrentStreams) _maxStreams = value;
        else if (setting == Http2Setting.EnableConnectProtocol) TakesWebSockets = value == 1;
        return setting == Http2Setting.EnablePush && value != 0 ? Http2Error.ProtocolError : Http2Error.NoError;
    }

    /// <inheritdoc/>
    protected override void OnSettled()
    {
        IsSettled = true;
        foreach (Http2Stream stream in _early.ToArray()) stream.Wake();
        _early.Clear();
    }

    /// <inheritdoc/>
    protected override Http2Error OnSection(int id, ReadOnlySpan<byte> block, bool ends)
    {
        if (IsIdle(id)) return Http2Error.ProtocolError;
        if (!Streams.TryGetValue(id, out Http2Stream? stream) || stream.IsReset)
        {
            NoFields none = NoFields.Instance;
            return ErrorOf(Decoder.Decode(block, ref none));
        }

        stream.BytesReceived += block.Length;
        return stream.Owner!.HeadSeen ? OnTrailers(stream, block, ends) : OnHead(stream, block, ends);
    }

    private Http2Error OnHead(Http2Stream stream, ReadOnlySpan<byte> block, bool ends)
    {
        ResponseText text = _text.Begin(stream.Head, stream.Owner!.WebSocketKey);
        HpackStatus status = Decoder.Decode(block, ref text);
        if (status != HpackStatus.Ok) return ErrorOf(status);
        text.Finish(ends);
        if (text.IsMalformed || text.IsTooLarge)
        {
            stream.Owner.Refuse(text.IsTooLarge);
            return Offend(stream, Http2Error.ProtocolError) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
        }

        if (text.Status >= 200)
        {
            stream.Owner.OnHead(text.ContentLength, ends);
            if (!ends) stream.ContentLeft = stream.Owner.IsHeadRequest || text.Status == 304 ? -1 : text.ContentLength;
        }

        if (ends) stream.EndRemote();
        else stream.Wake();
        return Http2Error.NoError;
    }

    private Http2Error OnTrailers(Http2Stream stream, ReadOnlySpan<byte> block, bool ends)
    {
        var trailers = new TrailerText(stream.Trailers);
        HpackStatus status = Decoder.Decode(block, ref trailers);
        if (status != HpackStatus.Ok) return ErrorOf(status);
        if (stream.RemoteEnded || !ends || trailers.IsMalformed || stream.ContentLeft > 0) return Offend(stream, Http2Error.ProtocolError) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
        stream.EndRemote();
        return Http2Error.NoError;
    }

    private void Leave()
    {
        if (_goingAway) return;
        _goingAway = true;
        _onClosed?.Invoke(this);
    }

    private async Task RunAsync()
    {
        try
        {
            await ReadAsync(default);
        }
        catch (Exception e)
        {
            Edge.ReportDefect(e);
            Die();
        }
        finally
        {
            Leave();
            foreach (Http2Stream stream in _early.ToArray()) stream.Wake();
        }
    }
}
