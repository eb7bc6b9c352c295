using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

/// <summary>The file that a listening Unix socket leaves behind.</summary>
internal static unsafe class UnixPath
{
    /// <summary>
    /// Removes the socket of a server that is gone, so that its path can be bound again. A file of another kind, or a socket that somebody
    /// still listens on, stays: bind then says that the address is in use.
    /// </summary>
    public static void RemoveStale(string path, in Endpoint endpoint)
    {
        if (IsSocket(path) && !Answers(endpoint)) Libc.unlink(path);
    }

    private static bool IsSocket(string path)
    {
        StatX stat;
        return Libc.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stat) == 0 && (stat.Mode & S_IFMT) == S_IFSOCK;
    }

    private static bool Answers(in Endpoint endpoint)
    {
        int fd = Libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) return true;
        byte* address = stackalloc byte[128];
        int length = endpoint.ToSockAddr(new Span<byte>(address, 128));
        bool refused = Libc.connect(fd, address, length) < 0 && Libc.Errno == Errno.ECONNREFUSED;
        Libc.close(fd);
        return !refused;
    }
}
