using System.Buffers.Binary;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http2;

/// <summary>
/// A connection of HTTP/2 (RFC 9113) on its loop, at either end: frames in, frames out, windows, settings, and what keeps a peer from abusing them. What
/// many streams have to say in one turn of the loop goes out by one call.
/// </summary>
internal abstract partial class Http2Connection : ITurnEnd
{
    /// <summary>Bytes of content that the peer may send on all streams before we have used them: 1 MiB bounds what one connection can have us hold.</summary>
    protected const int ReceiveWindow = 1 << 20;

    /// <summary>Bytes of one field section over all its frames, compressed: twice what any head may have when it is not.</summary>
    private const int MaxSection = 64 << 10;

    /// <summary>CONTINUATION frames of one section: the largest fits in four of full size.</summary>
    private const int MaxContinuations = 16;

    /// <summary>What a client begins with (RFC 9113 section 3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    private readonly HpackDecoder _decoder = new(4096);
    private ReceiveBuffer _input;
    private OutBuffer? _section;
    private int _continuing, _continuations;
    private bool _continuedEnds;
    private int _dataLeft, _paddingLeft, _dataStream;
    private bool _dataEnds;
    private int _received, _unacked;
    private bool _settingsSeen, _lingers;
    private long _partialSince;

    protected Http2Connection(EdgeLoop edge, TcpConnection socket)
    {
        Edge = edge;
        Socket = socket;
        Calm = new Http2Calm(edge.Loop.NowMs);
        _onWritable = OnWritable;
    }

    public EdgeLoop Edge { get; }

    /// <summary>The connection below.</summary>
    public TcpConnection Socket { get; }

    /// <summary>Whether nothing goes over it any more.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The streams that somebody works on, those that were reset meanwhile with them.</summary>
    protected Dictionary<int, Http2Stream> Streams { get; } = [];

    /// <summary>What a peer may ask for nothing.</summary>
    protected Http2Calm Calm { get; }

    /// <summary>Why it was given up; null while it was not.</summary>
    public string? Fault { get; protected set; }

    protected HpackDecoder Decoder => _decoder;

    /// <summary>A whole field section has come.</summary>
    /// <returns>NoError, or what is wrong with the connection.</returns>
    protected abstract Http2Error OnSection(int id, ReadOnlySpan<byte> block, bool ends);

    /// <summary>Whether a stream of this number has never been opened.</summary>
    protected abstract bool IsIdle(int id);

    /// <summary>The peer goes away: streams above the number were not looked at.</summary>
    protected abstract void OnGoAway(int lastId, Http2Error error);

    /// <summary>A setting of the peer's that is not about windows or tables.</summary>
    protected virtual Http2Error OnSetting(Http2Setting setting, uint value) => Http2Error.NoError;

    /// <summary>The peer's settings have come.</summary>
    protected virtual void OnSettled()
    {
    }

    /// <summary>Nothing came for a while.</summary>
    /// <returns>Whether to go on.</returns>
    protected abstract bool OnQuiet();

    /// <summary>For how long nothing may come.</summary>
    protected abstract long QuietMs { get; }

    /// <summary>Reads and serves until the connection is over.</summary>
    /// <param name="early">What was read already.</param>
    protected async ValueTask ReadAsync(ReceiveBuffer early)
    {
        _input = early;
        bool bulk = false;
        try
        {
            if (!Process()) return;
            while (!IsClosed)
            {
                int n = _input.TryFill(Socket, Edge.Loop, bulk);
                if (n > 0)
                {
                    bulk = _dataLeft > 0;
                    if (!Process()) return;
                    continue;
                }

                if (n != -Errno.EAGAIN) return;
                if (_input.IsEmpty) _input.Release();
                long now = Edge.Loop.NowMs;
                bool partial = !_input.IsEmpty || _continuing != 0 || !_settingsSeen;
                if (!partial) _partialSince = 0;
                else if (_partialSince == 0) _partialSince = now;

                // A frame that began must end soon: a slow one would hold a buffer for as long as it likes.
                long wait = partial ? _partialSince + Edge.Settings.RequestHeadMs - now : QuietMs;
                int ready = wait <= 0 ? -Errno.ETIMEDOUT : await Socket.ReadableAsync(wait);
                if (ready == -Errno.ETIMEDOUT)
                {
                    if (!partial && OnQuiet()) continue;
                    if (partial) Fail(Http2Error.EnhanceYourCalm, "slow-frame");
                    return;
                }

                if (ready < 0) return;
            }
        }
        finally
        {
            Die();
            _input.Release();

            // What the peer still sends must not turn our last word into a reset.
            if (_lingers) await Socket.LingerAndCloseAsync();
        }
    }

    /// <summary>Gives the connection up for a fault of the peer's.</summary>
    protected bool Fail(Http2Error error, string fault)
    {
        if (IsClosed) return false;
        Fault ??= fault;
        Edge.Metrics.Http2Fault(Fault);
        WriteGoAway(error);
        Flush();
        _lingers = !IsClosed;
        Die();
        return false;
    }

    /// <summary>Closes in good order: all was said, and the peer is given the time to read it.</summary>
    protected void Part()
    {
        if (IsClosed) return;
        _lingers = true;
        Die();
        Socket.CancelRead();
    }

    /// <summary>Closes, and lets every stream know.</summary>
    protected void Die()
    {
        if (IsClosed) return;
        IsClosed = true;
        if (!_lingers) Socket.Close();
        ReleaseOutput();
        foreach (Http2Stream stream in Streams.Values.ToArray()) stream.Break(Http2Error.InternalError, -Errno.ECONNRESET);
    }

    /// <summary>Content was used up.</summary>
    public void Acknowledge(int count)
    {
        _unacked += count;
        if (_unacked < ReceiveWindow / 2 || IsClosed) return;
        _received -= _unacked;
        WriteWindowUpdate(0, _unacked);
        _unacked = 0;
    }

    /// <returns>Whether to go on.</returns>
    private bool Process()
    {
        while (!_input.IsEmpty)
        {
            if (_dataLeft + _paddingLeft > 0)
            {
                if (!TakeData()) return false;
                continue;
            }

            ReadOnlySpan<byte> pending = _input.Pending;
            if (pending.Length < FrameHeader.Size) break;
            FrameHeader frame = FrameHeader.Read(pending);
            if (frame.Length > FrameHeader.MaxFrame) return Fail(Http2Error.FrameSizeError, "frame-size");
            if (!_settingsSeen && frame is not { Type: FrameType.Settings, StreamId: 0 }) return Fail(Http2Error.ProtocolError, "no-settings");
            if (_continuing != 0 && (frame.Type != FrameType.Continuation || frame.StreamId != _continuing)) return Fail(Http2Error.ProtocolError, "continuation-missing");
            if (frame.Type == FrameType.Data)
            {
                int head = FrameHeader.Size + (frame.Has(FrameFlags.Padded) ? 1 : 0);
                if (pending.Length < head && frame.Length > 0) break;
                if (!BeginData(frame, pending)) return false;
                continue;
            }

            if (pending.Length < FrameHeader.Size + frame.Length) break;
            Http2Error error = Dispatch(frame, pending.Slice(FrameHeader.Size, frame.Length), out string fault);
            if (IsClosed) return false;
            if (error != Http2Error.NoError) return Fail(error, fault);
            _input.Consume(FrameHeader.Size + frame.Length);
            _partialSince = 0;
        }

        return !IsClosed;
    }

    private Http2Error Dispatch(in FrameHeader frame, ReadOnlySpan<byte> payload, out string fault)
    {
        fault = "protocol";
        switch (frame.Type)
        {
            case FrameType.Headers:
                return OnHeaders(frame, payload, out fault);
            case FrameType.Continuation:
                return OnContinuation(frame, payload, out fault);
            case FrameType.RstStream:
                return OnReset(frame, payload, out fault);
            case FrameType.WindowUpdate:
                return OnWindowUpdate(frame, payload, out fault);
            case FrameType.Settings:
                return OnSettings(frame, payload, out fault);
            case FrameType.Ping:
                return OnPing(frame, payload, out fault);
            case FrameType.GoAway:
                if (frame.StreamId != 0 || payload.Length < 8) return payload.Length < 8 ? Http2Error.FrameSizeError : Http2Error.ProtocolError;
                OnGoAway((int)(BinaryPrimitives.ReadUInt32BigEndian(payload) & 0x7FFFFFFF), (Http2Error)BinaryPrimitives.ReadInt32BigEndian(payload[4..]));
                return Http2Error.NoError;
            case FrameType.PushPromise:
                return Http2Error.ProtocolError;
            default:
                // PRIORITY (deprecated, RFC 9113 section 5.3), and frames that nobody knows (section 4.1), are ignored.
                fault = "control-flood";
                if (frame is { Type: FrameType.Priority, StreamId: 0 }) return Http2Error.ProtocolError;
                if (frame.Type == FrameType.Priority && payload.Length != 5) return Http2Error.FrameSizeError;
                return Calm.Control(Edge.Loop.NowMs) ? Http2Error.NoError : Http2Error.EnhanceYourCalm;
        }
    }

    // RFC 9113 section 6.1
    private bool BeginData(in FrameHeader frame, ReadOnlySpan<byte> pending)
    {
        if (frame.StreamId == 0 || IsIdle(frame.StreamId)) return Fail(Http2Error.ProtocolError, "data-on-idle-stream");
        int padding = 0, head = FrameHeader.Size;
        if (frame.Has(FrameFlags.Padded))
        {
            if (frame.Length == 0) return Fail(Http2Error.FrameSizeError, "padding");
            padding = pending[FrameHeader.Size] + 1;
            head++;
            if (padding > frame.Length) return Fail(Http2Error.ProtocolError, "padding");
        }

        _received += frame.Length;
        if (_received > ReceiveWindow) return Fail(Http2Error.FlowControlError, "flow-control");
        bool ends = frame.Has(FrameFlags.EndStream);
        if (frame.Length - padding == 0 && !ends && !Calm.Control(Edge.Loop.NowMs)) return Fail(Http2Error.EnhanceYourCalm, "empty-data-flood");
        _input.Consume(head);
        _partialSince = 0;
        _dataStream = frame.StreamId;
        _dataLeft = frame.Length - padding;
        _paddingLeft = padding > 0 ? padding - 1 : 0;
        _dataEnds = ends;
        if (padding > 0) Acknowledge(padding);
        if (Streams.TryGetValue(frame.StreamId, out Http2Stream? stream) && !stream.IsReset)
        {
            Http2Error error = stream.RemoteEnded ? Http2Error.StreamClosed : stream.Count(frame.Length, _dataLeft);
            if (error != Http2Error.NoError && !Offend(stream, error)) return false;
        }

        return _dataLeft + _paddingLeft > 0 || EndData();
    }

    private bool TakeData()
    {
        if (_dataLeft > 0)
        {
            int take = Math.Min(_dataLeft, _input.Length);
            if (Streams.TryGetValue(_dataStream, out Http2Stream? stream) && !stream.IsReset)
            {
                Http2Error error = stream.Receive(_input.Pending[..take]);
                if (error != Http2Error.NoError) Cut(stream, error);
            }
            else
            {
                Acknowledge(take);
            }

            _dataLeft -= take;
            _input.Consume(take);
            stream?.Wake();
        }

        if (_dataLeft == 0 && _paddingLeft > 0)
        {
            int skip = Math.Min(_paddingLeft, _input.Length);
            _input.Consume(skip);
            _paddingLeft -= skip;
        }

        return _dataLeft + _paddingLeft > 0 ? !IsClosed : EndData();
    }

    private bool EndData()
    {
        if (!_dataEnds || !Streams.TryGetValue(_dataStream, out Http2Stream? stream) || stream.IsReset || stream.RemoteEnded) return !IsClosed;

        // RFC 9113 section 8.1.1: content that is shorter than was announced is malformed.
        if (stream.ContentLeft > 0) return Offend(stream, Http2Error.ProtocolError);
        stream.EndRemote();
        return !IsClosed;
    }

    /// <summary>Resets a stream for a fault of the peer's. One that makes us do so again and again is no better than one that resets itself (CVE-2025-8671).</summary>
    /// <returns>Whether to go on.</returns>
    protected bool Offend(Http2Stream stream, Http2Error error)
    {
        Cut(stream, error);
        return Calm.Reset(Edge.Loop.NowMs) || Fail(Http2Error.EnhanceYourCalm, "made-you-reset");
    }

    protected static Http2Error ErrorOf(HpackStatus status) => status switch
    {
        HpackStatus.Ok => Http2Error.NoError,
        HpackStatus.Bomb => Http2Error.EnhanceYourCalm,
        _ => Http2Error.CompressionError,
    };

    /// <summary>Writes one setting.</summary>
    protected static int Setting(Span<byte> target, int at, Http2Setting setting, int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target[at..], (ushort)setting);
        BinaryPrimitives.WriteInt32BigEndian(target[(at + 2)..], value);
        return at + 6;
    }

    /// <summary>Counts a reset, and names the fault when it is one too many.</summary>
    protected Http2Error CountReset(string fault)
    {
        if (Calm.Reset(Edge.Loop.NowMs)) return Http2Error.NoError;
        Fault ??= fault;
        return Http2Error.EnhanceYourCalm;
    }

    private void Cut(Http2Stream stream, Http2Error error)
    {
        WriteReset(stream.Id, error);
        stream.Break(error, -Errno.ECONNRESET);
    }
}
