using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net;

/// <summary>Finds out whether another process has a port. SO_REUSEPORT would share it in silence: two processes would each take half of the traffic.</summary>
public static class PortProbe
{
    /// <summary>Whether nobody has the port. Unix paths and port 0 always are free.</summary>
    /// <param name="endpoint">Where somebody wants to listen.</param>
    /// <param name="udp">UDP rather than TCP.</param>
    public static unsafe bool IsFree(in Endpoint endpoint, bool udp = false)
    {
        if (endpoint.Path is not null || endpoint.Port == 0) return true;
        int fd = Libc.socket(endpoint.SocketDomain, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
        if (fd < 0) return true;
        int one = 1;
        if (!udp) Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(int));
        byte* address = stackalloc byte[128];
        int length = endpoint.ToSockAddr(new Span<byte>(address, 128));
        bool taken = Libc.bind(fd, address, length) < 0 && Libc.Errno == Errno.EADDRINUSE;
        Libc.close(fd);
        return !taken;
    }
}
