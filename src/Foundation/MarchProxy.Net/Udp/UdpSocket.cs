using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Udp;

/// <summary>A UDP socket of one loop, bound (a server's, SO_REUSEPORT) or connected to one peer (a flow towards an upstream).</summary>
public sealed class UdpSocket : IoHandle, IDisposable
{
    /// <summary>Full batches read a turn, so that a flood of datagrams does not keep the loop to itself.</summary>
    private const int BatchBudget = 16;

    private readonly LoopSignal _readSignal;
    private int _fd;
    private bool _readable = true;
    private bool _held;
    private int _batches;
    private long _batchesTurn = -1;

    private UdpSocket(EventLoop loop, int fd)
    {
        Loop = loop;
        _fd = fd;
        _readSignal = new LoopSignal(loop);
        loop.Adopt(this);
    }

    /// <summary>The loop that owns this socket.</summary>
    public EventLoop Loop { get; }

    /// <summary>Where it is bound.</summary>
    public unsafe Endpoint Local
    {
        get
        {
            byte* buffer = stackalloc byte[128];
            int length = 128;
            return Libc.getsockname(_fd, buffer, &length) == 0 ? Endpoint.FromSockAddr(new ReadOnlySpan<byte>(buffer, length)) : default;
        }
    }

    /// <summary>Binds a socket on its loop. Several loops may bind the same address; the kernel spreads the flows.</summary>
    /// <param name="loop">The loop; call it there, or before the loop starts.</param>
    /// <param name="local">Where.</param>
    /// <param name="receiveBufferBytes">SO_RCVBUF asked for; zero keeps the system's.</param>
    /// <exception cref="IOException">The address is in use, not ours, or not permitted.</exception>
    public static UdpSocket Bind(EventLoop loop, in Endpoint local, int receiveBufferBytes = 0) => Open(loop, local, receiveBufferBytes, connect: false);

    /// <summary>Opens a socket that talks to one peer only; datagrams of others are dropped by the kernel.</summary>
    /// <param name="loop">The loop; call it there.</param>
    /// <param name="peer">The peer.</param>
    /// <exception cref="IOException">There is no route, or no descriptor.</exception>
    public static UdpSocket Connect(EventLoop loop, in Endpoint peer) => Open(loop, peer, 0, connect: true);

    /// <summary>Uses a socket that another process has handed over. Call it on the loop.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="descriptor">The socket; this object's from now on.</param>
    /// <exception cref="IOException">The loop cannot watch it.</exception>
    public static UdpSocket Adopt(EventLoop loop, int descriptor)
    {
        var socket = new UdpSocket(loop, descriptor);
        int error = loop.Register(socket, descriptor, EPOLLIN | EPOLLET);
        if (error == 0) return socket;
        socket.Dispose();
        throw new IOException($"A UDP socket that was handed over cannot be watched: {Errno.Name(error)}.");
    }

    /// <summary>The socket, to be handed to another process.</summary>
    public int Descriptor => _fd;

    /// <summary>Receives no more until <see cref="Resume"/>; sending goes on. Call it on the loop.</summary>
    public void Hold() => _held = true;

    /// <summary>Receives again. Call it on the loop.</summary>
    public void Resume()
    {
        if (!_held) return;
        _held = false;
        _readable = true;
        _readSignal.Complete(0);
    }

    /// <summary>Receives as many datagrams as are there and fit.</summary>
    /// <param name="batch">Overwritten.</param>
    /// <returns>How many, or a negative error number (-ECONNREFUSED: the peer's host told that nobody listens).</returns>
    public int TryReceive(UdpBatch batch)
    {
        if (_fd < 0) return -Errno.ECANCELED;
        if (!_readable || _held) return -Errno.EAGAIN;
        int n = batch.Receive(_fd);
        if (n == -Errno.EAGAIN || (n >= 0 && n < batch.Capacity)) _readable = false;
        else Spend();
        return n;
    }

    /// <summary>Waits until <see cref="TryReceive"/> may find something.</summary>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT; zero for never.</param>
    public ValueTask<int> ReadableAsync(long timeoutMs)
    {
        if (_fd < 0) return new ValueTask<int>(-Errno.ECANCELED);
        return _readable && !_held ? new ValueTask<int>(0) : _readSignal.WaitAsync(timeoutMs);
    }

    /// <summary>
    /// Sends the batch's datagrams. When the kernel has no room the rest is dropped, as any router would, and counted by the caller: UDP
    /// has no back-pressure. A datagram that cannot be sent (no route to its peer, too long) is left out and stops no other's.
    /// </summary>
    /// <param name="batch">What to send.</param>
    /// <returns>Datagrams sent, or a negative error number when none was.</returns>
    public int TrySend(UdpBatch batch)
    {
        if (_fd < 0) return -Errno.ECANCELED;
        int sent = 0, error = 0;
        for (int at = 0; at < batch.Count;)
        {
            int n = batch.Send(_fd, at);
            if (n > 0)
            {
                sent += n;
                at += n;
                continue;
            }

            error = n;
            if (n is -Errno.EAGAIN or -Errno.ENOBUFS or -Errno.ENOMEM) break;
            at++;
        }

        return sent > 0 ? sent : error;
    }

    /// <summary>Closes. Whoever waits gets -ECANCELED.</summary>
    public void Dispose()
    {
        if (_fd < 0) return;
        Loop.AssertOnLoop();
        Loop.Unregister(this);

        // A socket that another process has too is not taken out of epoll by closing it.
        Loop.Unwatch(_fd);
        Libc.close(_fd);
        _fd = -1;
        Loop.Timers.Remove(_readSignal);
        _readSignal.Complete(-Errno.ECANCELED);
    }

    internal override void OnEvents(uint events)
    {
        if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
        _readable = true;
        if (!_held) _readSignal.Complete(0);
    }

    private void Spend()
    {
        if (_batchesTurn != Loop.Turns)
        {
            _batchesTurn = Loop.Turns;
            _batches = BatchBudget;
        }

        if (--_batches > 0) return;
        _readable = false;
        Loop.Revisit(this);
    }

    private static unsafe UdpSocket Open(EventLoop loop, in Endpoint endpoint, int receiveBufferBytes, bool connect)
    {
        int fd = Libc.socket(endpoint.SocketDomain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) throw Failure(endpoint, Libc.Errno);
        int one = 1;
        if (!connect) Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(int));
        if (receiveBufferBytes > 0) Libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receiveBufferBytes, sizeof(int));
        byte* address = stackalloc byte[128];
        int length = endpoint.ToSockAddr(new Span<byte>(address, 128));
        int result = connect ? Libc.connect(fd, address, length) : Libc.bind(fd, address, length);
        int error = result < 0 ? Libc.Errno : 0;
        var socket = new UdpSocket(loop, fd);
        if (error == 0) error = -loop.Register(socket, fd, EPOLLIN | EPOLLET);
        if (error == 0) return socket;
        socket.Dispose();
        throw Failure(endpoint, error);
    }

    private static IOException Failure(in Endpoint endpoint, int error) => new($"Cannot open a UDP socket for {endpoint}: {Errno.Name(error)}.", error);
}
