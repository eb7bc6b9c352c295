using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

public sealed partial class TcpConnection
{
    /// <summary>Has the kernel probe a silent peer, so that a half-open connection ends: first after 60 s, then every 10 s, six times.</summary>
    public unsafe void EnableKeepAlive()
    {
        int on = 1, idle = 60, interval = 10, count = 6;
        Libc.setsockopt(_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int));
        Libc.setsockopt(_fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(int));
        Libc.setsockopt(_fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(int));
        Libc.setsockopt(_fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(int));
    }

    /// <summary>A connect is under way: nothing can be written until the kernel says so.</summary>
    internal void ExpectConnect() => _readable = _writable = false;

    /// <summary>Takes the error that the kernel keeps for this socket (SO_ERROR); zero for none.</summary>
    internal unsafe int TakeSocketError()
    {
        if (_fd < 0) return Errno.ECANCELED;
        int error = 0, length = sizeof(int);
        Libc.getsockopt(_fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error == 0) IsHungUp = false;
        return error;
    }
}
