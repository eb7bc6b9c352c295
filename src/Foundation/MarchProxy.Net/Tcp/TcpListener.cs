using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Timers;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

/// <summary>
/// One loop's listening socket. Every loop has its own on the same address (SO_REUSEPORT), so the kernel spreads connections and no
/// accept is shared. A Unix socket knows no such spreading: one loop listens for all.
/// </summary>
public sealed class TcpListener : IoHandle, IDisposable
{
    private readonly Action<TcpConnection> _onAccepted;
    private readonly TcpListenerOptions _options;
    private readonly PauseTimer _pause;
    private int _fd;
    private int _reserve = -1;
    private bool _held;

    private TcpListener(EventLoop loop, int fd, Endpoint local, Action<TcpConnection> onAccepted, TcpListenerOptions options)
    {
        Loop = loop;
        _fd = fd;
        Local = local;
        _onAccepted = onAccepted;
        _options = options;
        _pause = new PauseTimer(this);
        TakeReserve();
        loop.Adopt(this);
    }

    /// <summary>The loop that accepts here.</summary>
    public EventLoop Loop { get; }

    /// <summary>Where it listens; with the port that the kernel chose when zero was asked.</summary>
    public Endpoint Local { get; }

    /// <summary>Connections accepted.</summary>
    public long Accepted { get; private set; }

    /// <summary>Connections closed unserved, since the process had no descriptor for them.</summary>
    public long Refused { get; private set; }

    /// <summary>Times that accepting failed or paused for want of memory.</summary>
    public long Errors { get; private set; }

    /// <summary>Opens a listener on its loop. Call it on the loop, or before the loop starts.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="endpoint">Where to listen.</param>
    /// <param name="onAccepted">Takes each connection over, on the loop.</param>
    /// <param name="options">How.</param>
    /// <exception cref="IOException">The address is in use, not ours, or not permitted.</exception>
    public static unsafe TcpListener Open(EventLoop loop, in Endpoint endpoint, Action<TcpConnection> onAccepted, TcpListenerOptions? options = null)
    {
        options ??= TcpListenerOptions.Default;
        int fd = Libc.socket(endpoint.SocketDomain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) throw Failure(endpoint, Libc.Errno);
        if (endpoint.Path is { } path)
        {
            UnixPath.RemoveStale(path, endpoint);
        }
        else
        {
            SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);

            // Accepted sockets inherit it: one system call less for each connection.
            SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
            if (endpoint.SocketDomain == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.DualMode ? 0 : 1);
        }

        if (options.Transparent && !TrySetOption(fd, endpoint.SocketDomain == AF_INET6 ? IPPROTO_IPV6 : 0, endpoint.SocketDomain == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT))
        {
            int refused = Libc.Errno;
            Libc.close(fd);
            throw Failure(endpoint, refused);
        }

        byte* address = stackalloc byte[128];
        int length = endpoint.ToSockAddr(new Span<byte>(address, 128));
        if (Libc.bind(fd, address, length) < 0 || Libc.listen(fd, options.Backlog) < 0)
        {
            int error = Libc.Errno;
            Libc.close(fd);
            throw Failure(endpoint, error);
        }

        return Adopt(loop, fd, onAccepted, options);
    }

    /// <summary>Listens on a socket that listens already, as another process has handed it over. Call it on the loop.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="descriptor">The socket; the listener's from now on.</param>
    /// <param name="onAccepted">Takes each connection over, on the loop.</param>
    /// <param name="options">How; only what concerns accepting.</param>
    /// <exception cref="IOException">The loop cannot watch it.</exception>
    public static unsafe TcpListener Adopt(EventLoop loop, int descriptor, Action<TcpConnection> onAccepted, TcpListenerOptions? options = null)
    {
        options ??= TcpListenerOptions.Default;
        byte* address = stackalloc byte[128];
        int length = 128;
        Libc.getsockname(descriptor, address, &length);
        var listener = new TcpListener(loop, descriptor, Endpoint.FromSockAddr(new ReadOnlySpan<byte>(address, length)), onAccepted, options) { _held = true };
        int registered = options.Held ? 0 : listener.Resume();
        if (registered == 0) return listener;
        listener.Dispose();
        throw Failure(listener.Local, -registered);
    }

    /// <summary>The socket, to be handed to another process.</summary>
    public int Descriptor => _fd;

    /// <summary>Accepts no more until <see cref="Resume"/>; the kernel goes on queueing. Call it on the loop.</summary>
    public void Hold()
    {
        if (_fd < 0 || _held) return;
        _held = true;
        Loop.Timers.Remove(_pause);
        Loop.Unwatch(_fd);
    }

    /// <summary>Accepts, after it was held. Call it on the loop.</summary>
    /// <returns>Zero, or a negative error number.</returns>
    public int Resume()
    {
        if (_fd < 0 || !_held) return 0;
        int result = Loop.Register(this, _fd, EPOLLIN);
        _held = result < 0;
        return result;
    }

    /// <summary>Stops listening here; a process that has the same socket goes on. Call it on the loop.</summary>
    public void Release()
    {
        if (_fd < 0) return;
        Loop.Timers.Remove(_pause);
        Loop.Unregister(this);
        Loop.Unwatch(_fd);
        Libc.close(_fd);
        if (_reserve >= 0) Libc.close(_reserve);
        _fd = _reserve = -1;
    }

    /// <summary>Accepts what waits in the kernel's queue, at most a queue's worth: closing would reset it. Call it on the loop.</summary>
    public void AcceptWaiting()
    {
        for (int left = _options.Backlog; left > 0 && _fd >= 0 && !_held && AcceptOne(); left--)
        {
        }
    }

    /// <summary>Stops listening; connections already accepted go on. Call it on the loop.</summary>
    public void Dispose()
    {
        if (_fd < 0) return;
        Release();
        if (Local.Path is { } path) Libc.unlink(path);
    }

    internal override void OnEvents(uint events)
    {
        for (int i = 0; i < _options.MaxAcceptsPerTurn && _fd >= 0 && !_held; i++)
        {
            if (!AcceptOne()) return;
        }
    }

    private static unsafe bool TrySetOption(int fd, int level, int name)
    {
        int on = 1;
        return Libc.setsockopt(fd, level, name, &on, sizeof(int)) == 0;
    }

    private static unsafe void SetOption(int fd, int level, int name, int value) => Libc.setsockopt(fd, level, name, &value, sizeof(int));

    private static IOException Failure(in Endpoint endpoint, int error) =>
        new($"Cannot listen on {endpoint}: {Errno.Name(error)}.", error);

    private unsafe bool AcceptOne()
    {
        byte* address = stackalloc byte[128];
        int length = 128;
        int fd = Libc.accept4(_fd, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
        {
            Accepted++;
            HandOut(new TcpConnection(Loop, fd, Endpoint.FromSockAddr(new ReadOnlySpan<byte>(address, length))));
            return true;
        }

        switch (Libc.Errno)
        {
            case Errno.EAGAIN:
                return false;
            case Errno.EINTR:
                return true;
            case Errno.EMFILE or Errno.ENFILE:
                return RefuseOne();
            case Errno.ENOBUFS or Errno.ENOMEM:
                Errors++;
                Pause();
                return false;
            default:
                // The connection died before we took it, or its network has an error to tell (accept(2)): the next may be well.
                Errors++;
                return true;
        }
    }

    private void HandOut(TcpConnection connection)
    {
        try
        {
            _onAccepted(connection);
        }
        catch
        {
            connection.Close();
            throw;
        }
    }

    /// <summary>
    /// With no descriptor left, a waiting connection would stay in the queue and its client hang. The descriptor kept in reserve
    /// takes it up and closes it, so that the client learns at once.
    /// </summary>
    private unsafe bool RefuseOne()
    {
        if (_reserve >= 0) Libc.close(_reserve);
        int fd = Libc.accept4(_fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int error = fd < 0 ? Libc.Errno : 0;
        if (fd >= 0)
        {
            Libc.close(fd);
            Refused++;
            Errors++;
            _options.OnRefused?.Invoke();
        }

        TakeReserve();

        // Somebody else was faster to take the descriptor: rest, or the level-triggered event would spin.
        if (error is not (0 or Errno.EAGAIN))
        {
            Errors++;
            Pause();
        }

        return fd >= 0;
    }

    private void TakeReserve() => _reserve = Libc.open("/dev/null", O_CLOEXEC);

    private void Pause()
    {
        Loop.Unwatch(_fd);
        Arm();
    }

    private void Arm() => Loop.Timers.Arm(_pause, Loop.NowMs + _options.PauseMs);

    private sealed class PauseTimer(TcpListener listener) : TimerNode
    {
        protected internal override void OnExpired()
        {
            if (listener._fd < 0 || listener._held) return;
            if (listener._reserve < 0) listener.TakeReserve();
            if (listener.Loop.Register(listener, listener._fd, EPOLLIN) < 0) listener.Arm();
        }
    }
}
