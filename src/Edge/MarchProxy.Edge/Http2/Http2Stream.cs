using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http2;

/// <summary>
/// One stream of a connection of HTTP/2 (RFC 9113 section 5), at either end: its windows, what it received and what waits to be sent. Reused for one
/// exchange after another, on its loop.
/// </summary>
internal sealed partial class Http2Stream : IByteStream
{
    /// <summary>Bytes that the peer may send on a stream before we have used them: 256 KiB, which fills a link of 1 Gbit/s at 2 ms.</summary>
    public const int ReceiveWindow = 256 << 10;

    /// <summary>A head as HTTP/1.1 writes it: the largest accepted, and room for what the translation adds.</summary>
    private const int MaxHead = 34 << 10;

    private readonly EventLoop _loop;
    private readonly LoopSignal _readSignal;
    private readonly LoopSignal _writeSignal;
    private readonly Queue<Block> _blocks = new();
    private Block? _tail;
    private int _start, _tailEnd, _buffered;
    private int _received, _unacked;

    public Http2Stream(EventLoop loop)
    {
        _loop = loop;
        _readSignal = new LoopSignal(loop);
        _writeSignal = new LoopSignal(loop);
    }

    /// <summary>The connection that carries it.</summary>
    public Http2Connection Connection { get; private set; } = null!;

    public int Id { get; private set; }

    /// <summary>The request that it carries to an upstream; null for a client's.</summary>
    public Http2UpstreamStream? Owner { get; set; }

    /// <summary>Bytes that the peer lets us send on it; may be negative.</summary>
    public long SendWindow { get; set; }

    /// <summary>Heads that came and were not used, as HTTP/1.1 writes them.</summary>
    public OutBuffer Head { get; } = new(new byte[1 << 10], MaxHead);

    /// <summary>Trailer fields that came, as lines.</summary>
    public OutBuffer Trailers { get; } = new(new byte[64], MaxHead);

    /// <summary>Content bytes that were announced and have not come; negative when none were.</summary>
    public long ContentLeft { get; set; }

    /// <summary>The peer has ended its side.</summary>
    public bool RemoteEnded { get; private set; }

    /// <summary>We have ended ours.</summary>
    public bool LocalEnded { get; set; }

    /// <summary>The peer has answered and wants no more content.</summary>
    public bool SendStopped { get; private set; }

    /// <summary>Either side has reset it, or the connection is gone.</summary>
    public bool IsReset { get; private set; }

    /// <summary>Why it was reset.</summary>
    public Http2Error Error { get; private set; }

    /// <summary>Bytes of heads and content received and sent.</summary>
    public long BytesReceived { get; set; }

    /// <summary>Bytes of heads and content sent.</summary>
    public long BytesSent { get; set; }

    /// <summary>Content bytes received.</summary>
    public long ContentBytes { get; private set; }

    /// <summary>Called once when the peer resets the stream or the connection is lost.</summary>
    public Action<object?>? OnReset { get; set; }

    /// <summary>The argument of <see cref="OnReset"/>.</summary>
    public object? ResetState { get; set; }

    /// <summary>The next of those who wait for room on the connection.</summary>
    public Http2Stream? NextWaiting { get; set; }

    /// <summary>Whether it waits for room on the connection.</summary>
    public bool IsQueued { get; set; }

    /// <inheritdoc/>
    public Endpoint Remote => Connection.Socket.Remote;

    /// <summary>Whether received content waits to be used.</summary>
    public bool HasContent => _buffered > 0;

    /// <summary>Opens it.</summary>
    public void Open(Http2Connection connection, int id, long sendWindow)
    {
        Connection = connection;
        Id = id;
        SendWindow = sendWindow;
        ContentLeft = -1;
        RemoteEnded = LocalEnded = IsReset = SendStopped = false;
        Error = Http2Error.NoError;
        BytesReceived = BytesSent = ContentBytes = 0;
        _received = _unacked = 0;
        Head.Clear();
        Trailers.Clear();
    }

    /// <summary>Gives it its number, with its first frame.</summary>
    public void Number(int id, long sendWindow)
    {
        Id = id;
        SendWindow = sendWindow;
    }

    /// <summary>Lets go of what is left; nobody uses the stream any more.</summary>
    public void Forget()
    {
        if (IsQueued) Connection.Unqueue(this);

        // What nobody read is used up as far as the connection's window is concerned.
        if (_buffered > 0) Connection.Acknowledge(_buffered);
        while (_blocks.TryDequeue(out Block? block)) block.Owner.Return(block);
        _tail = null;
        _start = _tailEnd = _buffered = 0;
        OnReset = null;
        ResetState = null;
        Connection = null!;
    }

    /// <summary>Takes content that came.</summary>
    /// <returns>NoError, or what is wrong with the stream.</returns>
    public Http2Error Receive(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            if (_tail is null || _tailEnd == _tail.Length)
            {
                if (_loop.Buffers.TryRent() is not { } block) return Http2Error.InternalError;
                _blocks.Enqueue(block);
                _tail = block;
                _tailEnd = 0;
            }

            int take = Math.Min(data.Length, _tail.Length - _tailEnd);
            data[..take].CopyTo(_tail.Span[_tailEnd..]);
            _tailEnd += take;
            _buffered += take;
            data = data[take..];
        }

        return Http2Error.NoError;
    }

    /// <summary>Counts a DATA frame against the stream's window and its announced length.</summary>
    /// <param name="frame">Bytes of the frame, padding with them.</param>
    /// <param name="content">Bytes of content.</param>
    public Http2Error Count(int frame, int content)
    {
        _received += frame;
        BytesReceived += content;
        ContentBytes += content;
        if (_received > ReceiveWindow) return Http2Error.FlowControlError;
        Acknowledge(frame - content);
        if (ContentLeft < 0) return Http2Error.NoError;
        ContentLeft -= content;
        return ContentLeft < 0 ? Http2Error.ProtocolError : Http2Error.NoError;
    }

    /// <summary>The peer has ended its side.</summary>
    public void EndRemote()
    {
        RemoteEnded = true;
        Wake();
    }

    /// <summary>There is news for the reader.</summary>
    public void Wake() => _readSignal.Complete(0);

    /// <summary>There may be room for the writer.</summary>
    public void WakeWriter() => _writeSignal.Complete(0);

    /// <summary>The stream is over before its time.</summary>
    public void Break(Http2Error error, int result)
    {
        if (IsReset) return;
        if (error == Http2Error.NoError && RemoteEnded && result == -Errno.ECONNRESET)
        {
            // RFC 9113 section 8.1: the answer is whole, and the rest of the request of no interest.
            LocalEnded = SendStopped = true;
            _writeSignal.Complete(-Errno.EPIPE);
            return;
        }

        IsReset = true;
        Error = error;
        Action<object?>? callback = OnReset;
        object? state = ResetState;
        OnReset = null;
        ResetState = null;
        callback?.Invoke(state);
        _readSignal.Complete(result);
        _writeSignal.Complete(result);
    }

    /// <summary>The next piece of content; valid until <see cref="Consume"/>.</summary>
    public ReadOnlyMemory<byte> Peek()
    {
        if (_buffered == 0) return default;
        Block block = _blocks.Peek();
        int end = ReferenceEquals(block, _tail) ? _tailEnd : block.Length;
        return block.Memory[_start..end];
    }

    /// <summary>Looks for the next piece of content.</summary>
    /// <param name="piece">Valid until <see cref="Consume"/>.</param>
    /// <param name="length">Its length.</param>
    public ContentStatus TryRead(out ReadOnlyMemory<byte> piece, out int length)
    {
        piece = Peek();
        length = piece.Length;
        if (length == 0) return RemoteEnded ? ContentStatus.Last : ContentStatus.Wait;
        return RemoteEnded && length == _buffered ? ContentStatus.Last : ContentStatus.Data;
    }

    /// <summary>Uses content up, and lets the peer send as much again.</summary>
    public void Consume(int count)
    {
        if (count == 0) return;
        Http2Connection connection = Connection;
        Block block = _blocks.Peek();
        bool last = ReferenceEquals(block, _tail);
        _start += count;
        _buffered -= count;
        if (_start == (last ? _tailEnd : block.Length))
        {
            _blocks.Dequeue();
            block.Owner.Return(block);
            _start = 0;
            if (last) _tail = null;
        }

        Acknowledge(count);
        connection.Acknowledge(count);
    }

    /// <summary>Ends the wait of whoever reads.</summary>
    public void CancelRead() => _readSignal.Complete(-Errno.ECANCELED);

    /// <summary>Waits for content, or the end.</summary>
    public ValueTask<int> ReadableAsync(long timeoutMs)
    {
        if (IsReset) return new ValueTask<int>(-Errno.ECONNRESET);
        return _buffered > 0 || RemoteEnded ? new ValueTask<int>(0) : _readSignal.WaitAsync(timeoutMs);
    }

    /// <summary>Waits for a head.</summary>
    public ValueTask<int> HeadReadableAsync(long timeoutMs)
    {
        if (IsReset) return new ValueTask<int>(-Errno.ECONNRESET);
        return Head.Length > 0 ? new ValueTask<int>(0) : _readSignal.WaitAsync(timeoutMs);
    }

    private void Acknowledge(int count)
    {
        _unacked += count;

        // By halves of the window, and not at all when nothing more comes.
        if (_unacked < ReceiveWindow / 2 || RemoteEnded || IsReset) return;
        _received -= _unacked;
        Connection.WriteWindowUpdate(Id, _unacked);
        _unacked = 0;
    }
}
