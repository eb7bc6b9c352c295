using System.Runtime.CompilerServices;
using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

/// <summary>
/// A stream connection (TCP or Unix) of one loop, with or without TLS on it. Reading and writing are attempts that never block; when one
/// says -EAGAIN, await <see cref="ReadableAsync"/> or <see cref="WritableAsync"/>. Results are byte counts, or negative <see cref="Errno"/> values.
/// </summary>
/// <remarks>
/// The descriptor joins epoll at its first wait, edge-triggered: a connection that is served in one go never does. Nothing is read
/// that the caller did not ask for, so a slow reader on one side stops the reading on the other.
/// </remarks>
public sealed partial class TcpConnection : IoHandle, IByteStream, IDisposable
{
    /// <summary>Bytes read from one connection a turn: a peer that sends faster than we read must not keep the loop to itself.</summary>
    private const int ReadBudget = 256 << 10;

    private int _fd;
    private bool _registered;
    private bool _readable = true;
    private bool _writable = true;
    private bool _ended;
    private bool _urgent;
    private bool _resting;
    private int _budget;
    private long _budgetTurn = -1;
    private readonly LoopSignal _readSignal;
    private readonly LoopSignal _writeSignal;

    internal TcpConnection(EventLoop loop, int fd, in Endpoint remote)
    {
        Loop = loop;
        _fd = fd;
        Remote = remote;
        _readSignal = new LoopSignal(loop);
        _writeSignal = new LoopSignal(loop);
        loop.Adopt(this);
    }

    /// <summary>The loop that owns this connection.</summary>
    public EventLoop Loop { get; }

    /// <summary>The peer.</summary>
    public Endpoint Remote { get; private set; }

    /// <summary>Whether it was closed on our side.</summary>
    public bool IsClosed => _fd < 0;

    /// <summary>Whether the kernel has told that the peer is gone for good (reset, or closed both ways).</summary>
    public bool IsHungUp { get; private set; }

    /// <summary>
    /// Called on the loop, once, when the peer hangs up, also while nobody reads: whoever works for it may stop. Cleared when called. It tells
    /// news only: look at <see cref="IsHungUp"/> when setting it.
    /// </summary>
    public Action<object?>? OnHangUp { get; set; }

    /// <summary>The argument of <see cref="OnHangUp"/>.</summary>
    public object? HangUpState { get; set; }

    /// <summary>Called on the loop, once, when it is closed here, by whomever.</summary>
    public Action<TcpConnection>? OnClosed { get; set; }

    /// <summary>Something that <see cref="OnClosed"/> needs.</summary>
    public object? ClosedState { get; set; }

    /// <summary>Bytes received so far.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Bytes sent so far.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Our own address on this connection.</summary>
    public unsafe Endpoint Local
    {
        get
        {
            byte* buffer = stackalloc byte[128];
            int length = 128;
            return Libc.getsockname(_fd, buffer, &length) == 0 ? Endpoint.FromSockAddr(new ReadOnlySpan<byte>(buffer, length)) : default;
        }
    }

    internal int Descriptor => _fd;

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Where to; not empty.</param>
    /// <returns>Bytes read; 0 when the peer has ended its side; or a negative error number.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TryReceive(Span<byte> buffer) => Tls is null ? ReceivePlain(buffer) : ReceiveTls(buffer);

    /// <summary>Writes what fits.</summary>
    /// <param name="data">What to write; not empty.</param>
    /// <returns>Bytes taken, perhaps fewer than given; or a negative error number.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int TrySend(ReadOnlySpan<byte> data) => Tls is null ? SendPlain(data) : SendTls(data);

    /// <summary>Waits until <see cref="TryReceive"/> may find something.</summary>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    public ValueTask<int> ReadableAsync(long timeoutMs)
    {
        if (_fd < 0) return new ValueTask<int>(-Errno.ECANCELED);
        if (!_resting && (_readable || (Tls is not null && Tls.HasPendingInput))) return new ValueTask<int>(0);
        int result = Watch();
        return result < 0 ? new ValueTask<int>(result) : _readSignal.WaitAsync(timeoutMs);
    }

    /// <summary>Waits until <see cref="TrySend(ReadOnlySpan{byte})"/> may take something.</summary>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    public ValueTask<int> WritableAsync(long timeoutMs)
    {
        if (_fd < 0) return new ValueTask<int>(-Errno.ECANCELED);
        if (_writable) return new ValueTask<int>(0);
        int result = Watch();
        return result < 0 ? new ValueTask<int>(result) : _writeSignal.WaitAsync(timeoutMs);
    }

    /// <summary>Joins epoll now, so that <see cref="OnHangUp"/> can be told of a peer that leaves while nobody waits.</summary>
    public int Watch()
    {
        if (_fd < 0) return -Errno.ECANCELED;
        if (_registered) return 0;
        Loop.AssertOnLoop();
        int result = Loop.Register(this, _fd, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET);
        _registered = result == 0;
        return result;
    }

    /// <summary>Ends the wait of whoever awaits <see cref="ReadableAsync"/>, if there is one, with -ECANCELED; the connection goes on.</summary>
    public void CancelRead() => _readSignal.Complete(-Errno.ECANCELED);

    /// <summary>Ends our side of the stream (FIN, after TLS's close_notify); the peer's goes on.</summary>
    public void ShutdownSend()
    {
        if (_fd < 0) return;
        Tls?.Shutdown();
        Libc.shutdown(_fd, SHUT_WR);
    }

    /// <summary>Closes with a reset: the peer sees an error, and what was not yet sent is dropped.</summary>
    public unsafe void Abort()
    {
        if (_fd < 0) return;
        var linger = new Linger { OnOff = 1, Seconds = 0 };
        Libc.setsockopt(_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(Linger));
        Close();
    }

    /// <summary>Closes. Whoever waits gets -ECANCELED.</summary>
    public void Close()
    {
        if (_fd < 0) return;
        Loop.AssertOnLoop();
        int fd = _fd;
        _fd = -1;
        OnHangUp = null;
        HangUpState = null;
        Action<TcpConnection>? closed = OnClosed;
        OnClosed = null;
        closed?.Invoke(this);
        Loop.Unregister(this);
        Tls?.Dispose();
        Libc.close(fd);
        Loop.Timers.Remove(_readSignal);
        Loop.Timers.Remove(_writeSignal);
        _readSignal.Complete(-Errno.ECANCELED);
        _writeSignal.Complete(-Errno.ECANCELED);
    }

    void IDisposable.Dispose() => Close();

    internal override void OnEvents(uint events)
    {
        if (_budgetTurn != Loop.Turns) _resting = false;
        if ((events & (EPOLLHUP | EPOLLERR)) != 0)
        {
            IsHungUp = true;
            _readable = _writable = _ended = true;
        }

        if ((events & EPOLLRDHUP) != 0) _readable = _ended = true;
        if ((events & EPOLLPRI) != 0) _readable = _urgent = true;
        if ((events & EPOLLIN) != 0) _readable = true;
        if ((events & EPOLLOUT) != 0) _writable = true;
        if (_writable && _writeSignal.IsWaiting) _writeSignal.Complete(0);
        if (_readable && !_resting && _readSignal.IsWaiting) _readSignal.Complete(0);
        if ((IsHungUp || (_ended && OnEnded)) && OnHangUp is { } callback)
        {
            object? state = HangUpState;
            OnHangUp = null;
            HangUpState = null;
            callback(state);
        }
    }

    /// <summary>Whether <see cref="OnHangUp"/> is also called when the peer has only ended its side: right for an idle pooled connection.</summary>
    public bool OnEnded { get; set; }

    /// <summary>Whether something waits to be read, or the peer has ended, as far as the loop was told. A pooled connection with this is of no use.</summary>
    public bool HasNews
    {
        get
        {
            if (_ended || IsHungUp) return true;
            if (!_readable || _fd < 0) return _fd < 0;

            // Readable only says that nobody has yet seen the socket empty. Under TLS, bytes may be session tickets: no news.
            int n = Peek();
            return n != -Errno.EAGAIN && (n <= 0 || Tls is null);
        }
    }

    private unsafe int Peek()
    {
        byte one;
        nint n = Libc.recv(_fd, &one, 1, MSG_PEEK);
        if (n >= 0) return (int)n;
        int error = Libc.Errno;
        if (error == Errno.EAGAIN) _readable = false;
        return -error;
    }

    /// <summary>Counts what was read this turn; when it is enough, rests the reader until the next.</summary>
    private void Spend(int bytes)
    {
        if (_budgetTurn != Loop.Turns)
        {
            _budgetTurn = Loop.Turns;
            _budget = ReadBudget;
        }

        _budget -= bytes;
        if (_budget > 0 || _resting) return;
        _resting = true;
        Loop.Revisit(this);
    }

    private unsafe int ReceivePlain(Span<byte> buffer)
    {
        if (!_readable || _resting) return -Errno.EAGAIN;
        nint n;
        fixed (byte* p = buffer)
        {
            do n = Libc.recv(_fd, p, (nuint)buffer.Length, 0);
            while (n < 0 && Libc.Errno == Errno.EINTR);
        }

        if (n > 0)
        {
            // A short read has emptied the socket: the next bytes bring a new edge (epoll(7)). After an end no edge comes, and at urgent
            // data recv stops short (tcp(7)), so then keep trying.
            if (n < buffer.Length && !_ended && !_urgent && _registered) _readable = false;
            else Spend((int)n);
            BytesReceived += n;
            return (int)n;
        }

        if (n == 0)
        {
            _ended = true;
            return 0;
        }

        int error = _fd < 0 ? Errno.ECANCELED : Libc.Errno;
        if (error == Errno.EAGAIN) _readable = false;
        return -error;
    }

    private unsafe int SendPlain(ReadOnlySpan<byte> data)
    {
        if (!_writable) return -Errno.EAGAIN;
        nint n;
        fixed (byte* p = data)
        {
            do n = Libc.send(_fd, p, (nuint)data.Length, MSG_NOSIGNAL);
            while (n < 0 && Libc.Errno == Errno.EINTR);
        }

        if (n >= 0)
        {
            if (n < data.Length) _writable = false;
            BytesSent += n;
            return (int)n;
        }

        int error = _fd < 0 ? Errno.ECANCELED : Libc.Errno;
        if (error == Errno.EAGAIN) _writable = false;
        return -error;
    }
}
