namespace MarchProxy.Net.Interop;

/// <summary>Constants of the Linux ABI (asm-generic; the same on x86-64 and arm64).</summary>
internal static class Constants
{
    internal const int AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, NETLINK_NETFILTER = 12;
    internal const int SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    internal const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_RCVBUF = 8, SO_KEEPALIVE = 9, SO_LINGER = 13, SO_REUSEPORT = 15;
    internal const int IP_TRANSPARENT = 19, IPV6_TRANSPARENT = 75;
    internal const int IPPROTO_TCP = 6, IPPROTO_IPV6 = 41;
    internal const int TCP_NODELAY = 1, TCP_KEEPIDLE = 4, TCP_KEEPINTVL = 5, TCP_KEEPCNT = 6;
    internal const int IPV6_V6ONLY = 26;
    internal const int MSG_NOSIGNAL = 0x4000, MSG_DONTWAIT = 0x40, MSG_TRUNC = 0x20, MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_CMSG_CLOEXEC = 0x40000000;
    internal const int SCM_RIGHTS = 1;
    internal const int SHUT_WR = 1;
    internal const int EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2;
    internal const uint EPOLLIN = 1, EPOLLPRI = 2, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 0x10, EPOLLRDHUP = 0x2000, EPOLLET = 1u << 31;
    internal const int EFD_NONBLOCK = 0x800, EFD_CLOEXEC = 0x80000;
    internal const int O_CLOEXEC = 0x80000, O_NONBLOCK = 0x800;
    internal const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, S_IFMT = 0xF000, S_IFSOCK = 0xC000;
    internal const uint STATX_TYPE = 1;
}
