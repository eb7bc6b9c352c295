using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;

namespace MarchProxy.Edge.Http2;

/// <summary>
/// What goes out: frames of all streams gather in one block and are sent when the loop's turn ends, or when it is full. Content leaves room in it for heads
/// and control frames; a peer that reads none of them until even that is used up is given up.
/// </summary>
internal abstract partial class Http2Connection
{
    /// <summary>Room that content leaves: a head of full size, and acknowledgements.</summary>
    private const int Kept = 40 << 10;

    private readonly HpackEncoder _encoder = new();
    private readonly Action _onWritable;
    private ValueTaskAwaiter<int> _writable;
    private Block? _out;
    private int _outStart, _outEnd;
    private long _sendWindow = 65_535;
    private bool _scheduled, _writing, _waking;
    private Http2Stream? _firstWaiting, _lastWaiting;

    /// <summary>Whether streams wait for room or for the connection's window.</summary>
    public bool HasWaiters => _firstWaiting is not null;

    protected HpackEncoder Encoder => _encoder;

    /// <summary>The window that the peer gives new streams.</summary>
    protected long PeerInitialWindow => _peerInitialWindow;

    private int Free => _out is null ? Edge.Loop.LargeBuffers.BlockSize : _out.Length - _outEnd;

    /// <summary>Writes one DATA frame of what windows and room let through.</summary>
    /// <returns>Bytes of content taken; zero when it must wait, or when there were none.</returns>
    public int TryWriteData(Http2Stream stream, ReadOnlySpan<byte> data, bool last)
    {
        if (stream.IsReset || stream.LocalEnded) return 0;
        int total = 0;
        while (true)
        {
            int take = (int)Math.Min(Math.Min(data.Length, FrameHeader.MaxFrame), Math.Max(0, Math.Min(stream.SendWindow, _sendWindow)));
            bool ends = last && take == data.Length;
            if ((take == 0 && !ends) || !TryReserve(take == 0 ? 0 : take + Kept)) return total;
            FrameHeader.Write(_out!.Span[_outEnd..], take, FrameType.Data, ends ? FrameFlags.EndStream : (byte)0, stream.Id);
            data[..take].CopyTo(_out.Span[(_outEnd + FrameHeader.Size)..]);
            _outEnd += FrameHeader.Size + take;
            stream.SendWindow -= take;
            _sendWindow -= take;
            stream.BytesSent += take;
            stream.LocalEnded |= ends;
            total += take;
            ScheduleFlush();
            if (take == data.Length || HasWaiters) return total;
            data = data[take..];
        }
    }

    /// <summary>Whether there is room for so many bytes and a frame's header; sends what is gathered to make it.</summary>
    public bool TryReserve(int bytes)
    {
        bytes += FrameHeader.Size;
        if (IsClosed) return false;
        if (_out is not null && Free < bytes)
        {
            if (!_writing) Flush();
            if (IsClosed) return false;
            if (_out is not null && Free < bytes) Compact();
        }

        if (_out is null)
        {
            _out = Edge.Loop.LargeBuffers.TryRent();
            _outStart = _outEnd = 0;
            if (_out is null) return false;
        }

        return Free >= bytes;
    }

    /// <summary>Sends a response's head; room for it was reserved.</summary>
    public void SendHead(Http2Stream stream, ReadOnlySpan<byte> head, bool webSocket, bool ends) =>
        CommitHead(stream, HeadEncoder.Response(_encoder, HeadRoom, head, webSocket), ends);

    /// <summary>Sends trailer fields, which end our side; room for them was reserved.</summary>
    public void SendTrailers(Http2Stream stream, ReadOnlySpan<byte> lines)
    {
        Span<byte> room = HeadRoom;
        int begun = _encoder.Begin(room);
        CommitHead(stream, begun + HeadEncoder.Fields(_encoder, room[begun..], lines), ends: true);
    }

    /// <summary>Where a head may be encoded, once room for it was reserved.</summary>
    protected Span<byte> HeadRoom => _out!.Span[(_outEnd + FrameHeader.Size)..];

    /// <summary>A head was encoded into <see cref="HeadRoom"/>.</summary>
    protected void CommitHead(Http2Stream stream, int length, bool ends)
    {
        byte flags = ends ? FrameFlags.EndStream : (byte)0;
        stream.LocalEnded |= ends;
        stream.BytesSent += length;
        int first = Math.Min(length, FrameHeader.MaxFrame);
        FrameHeader.Write(_out!.Span[_outEnd..], first, FrameType.Headers, (byte)(flags | (first == length ? FrameFlags.EndHeaders : 0)), stream.Id);
        _outEnd += FrameHeader.Size + first;

        // Each further frame's header goes in between: what is behind moves on by its size.
        for (int left = length - first; left > 0;)
        {
            int take = Math.Min(left, FrameHeader.MaxFrame);
            _out.Span.Slice(_outEnd, left).CopyTo(_out.Span[(_outEnd + FrameHeader.Size)..]);
            FrameHeader.Write(_out.Span[_outEnd..], take, FrameType.Continuation, take == left ? FrameFlags.EndHeaders : (byte)0, stream.Id);
            _outEnd += FrameHeader.Size + take;
            left -= take;
        }

        ScheduleFlush();
    }

    /// <summary>Resets a stream.</summary>
    public void WriteReset(int id, Http2Error error)
    {
        Span<byte> code = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(code, (int)error);
        WriteFrame(FrameType.RstStream, 0, id, code);
    }

    /// <summary>Lets the peer send more.</summary>
    public void WriteWindowUpdate(int id, int increment)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, increment);
        WriteFrame(FrameType.WindowUpdate, 0, id, bytes);
    }

    /// <summary>Puts a stream behind those that wait for room.</summary>
    public void Queue(Http2Stream stream)
    {
        if (stream.IsQueued) return;
        stream.IsQueued = true;
        stream.NextWaiting = null;
        if (_lastWaiting is null) _firstWaiting = stream;
        else _lastWaiting.NextWaiting = stream;
        _lastWaiting = stream;

        // Who was woken and waits again must not be woken for that alone: nothing has changed.
        if (!_writing && !_waking) ScheduleFlush();
    }

    /// <summary>Takes a stream out of those that wait.</summary>
    public void Unqueue(Http2Stream stream)
    {
        Http2Stream? before = null;
        for (Http2Stream? one = _firstWaiting; one is not null; before = one, one = one.NextWaiting)
        {
            if (one != stream) continue;
            if (before is null) _firstWaiting = stream.NextWaiting;
            else before.NextWaiting = stream.NextWaiting;
            if (_lastWaiting == stream) _lastWaiting = before;
            break;
        }

        stream.IsQueued = false;
        stream.NextWaiting = null;
    }

    /// <summary>Sends at the end of the turn.</summary>
    public void ScheduleFlush()
    {
        if (_scheduled || IsClosed) return;
        _scheduled = true;
        Edge.Loop.AtTurnEnd(this);
    }

    /// <inheritdoc/>
    public void OnTurnEnd()
    {
        _scheduled = false;
        if (IsClosed) return;
        if (!_writing) Flush();
        WakeWaiting();
        if (!IsClosed && _out is not null && !_writing) Flush();
        if (!IsClosed && _out is null) OnSent();
    }

    /// <summary>What was gathered is with the kernel.</summary>
    protected virtual void OnSent()
    {
    }

    protected void WriteFrame(FrameType type, byte flags, int id, ReadOnlySpan<byte> payload)
    {
        if (IsClosed) return;
        if (!TryReserve(payload.Length))
        {
            // It reads nothing and asks for ever more.
            Fault ??= "unread";
            Edge.Metrics.Http2Fault("unread");
            Die();
            return;
        }

        FrameHeader.Write(_out!.Span[_outEnd..], payload.Length, type, flags, id);
        payload.CopyTo(_out.Span[(_outEnd + FrameHeader.Size)..]);
        _outEnd += FrameHeader.Size + payload.Length;
        ScheduleFlush();
    }

    /// <summary>Appends bytes that are no frame: the preface.</summary>
    protected void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        if (!TryReserve(bytes.Length)) return;
        bytes.CopyTo(_out!.Span[_outEnd..]);
        _outEnd += bytes.Length;
        ScheduleFlush();
    }

    protected abstract void WriteGoAway(Http2Error error);

    protected void WriteGoAway(int lastId, Http2Error error)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastId);
        BinaryPrimitives.WriteInt32BigEndian(payload[4..], (int)error);
        WriteFrame(FrameType.GoAway, 0, 0, payload);
    }

    /// <summary>Sends what fits now.</summary>
    protected void Flush()
    {
        while (_out is not null && _outStart < _outEnd)
        {
            int sent = Socket.TrySend(_out.Span[_outStart.._outEnd]);
            if (sent > 0)
            {
                _outStart += sent;
                continue;
            }

            if (sent == -Errno.EAGAIN) AwaitRoom();
            else Die();
            return;
        }

        ReleaseOutput();
    }

    private void AwaitRoom()
    {
        if (_writing || IsClosed) return;
        _writing = true;
        _writable = Socket.WritableAsync(Edge.Settings.BodyStallMs).GetAwaiter();
        if (_writable.IsCompleted) OnWritable();
        else _writable.UnsafeOnCompleted(_onWritable);
    }

    private void OnWritable()
    {
        int ready = _writable.GetResult();
        _writing = false;
        if (IsClosed) return;
        if (ready < 0)
        {
            Fault ??= "unread";
            Die();
            return;
        }

        Flush();
        WakeWaiting();
        if (!IsClosed && _out is null) OnSent();
    }

    /// <summary>Lets those who wait try again, each once, in the order in which they came.</summary>
    private void WakeWaiting()
    {
        if (_waking || _firstWaiting is null) return;
        _waking = true;
        Http2Stream? last = _lastWaiting;
        bool all = false;
        while (!all && _firstWaiting is { } stream && !IsClosed && TryReserve(Kept))
        {
            _firstWaiting = stream.NextWaiting;
            if (_firstWaiting is null) _lastWaiting = null;
            stream.NextWaiting = null;
            stream.IsQueued = false;
            all = stream == last;
            stream.WakeWriter();
        }

        _waking = false;

        // Who waits again has written a frame, and waits for his next turn only.
        if (all && _firstWaiting is not null && !_writing && _sendWindow > 0) ScheduleFlush();
    }

    private void WakeAll()
    {
        foreach (Http2Stream stream in Streams.Values)
        {
            if (stream.SendWindow > 0) Queue(stream);
        }
    }

    private void Compact()
    {
        if (_outStart == 0) return;
        _out!.Span[_outStart.._outEnd].CopyTo(_out.Span);
        _outEnd -= _outStart;
        _outStart = 0;
    }

    private void ReleaseOutput()
    {
        if (_out is null) return;
        _out.Owner.Return(_out);
        _out = null;
        _outStart = _outEnd = 0;
    }
}
