using System.Runtime.InteropServices;

namespace MarchProxy.Net.Interop;

/// <summary>The Linux system calls of the loops. Those on the hot path never block (every descriptor is O_NONBLOCK) and skip the GC transition.</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern nint recv(int fd, byte* buffer, nuint length, int flags);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern nint send(int fd, byte* buffer, nuint length, int flags);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern nint sendmsg(int fd, MsgHdr* message, int flags);

    [DllImport(Library)]
    internal static extern nint recvmsg(int fd, MsgHdr* message, int flags);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern int recvmmsg(int fd, MMsgHdr* messages, uint count, int flags, void* timeout);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern int sendmmsg(int fd, MMsgHdr* messages, uint count, int flags);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern int accept4(int fd, byte* address, int* addressLength, int flags);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern int epoll_ctl(int epoll, int operation, int fd, EpollEvent* ev);

    [DllImport(Library)]
    internal static extern int epoll_wait(int epoll, EpollEvent* events, int capacity, int timeoutMs);

    [DllImport(Library)]
    internal static extern int epoll_create1(int flags);

    [DllImport(Library)]
    internal static extern int eventfd(uint initial, int flags);

    [DllImport(Library)]
    internal static extern int socket(int domain, int type, int protocol);

    [DllImport(Library)]
    internal static extern int bind(int fd, byte* address, int length);

    [DllImport(Library)]
    internal static extern int listen(int fd, int backlog);

    [DllImport(Library)]
    internal static extern int connect(int fd, byte* address, int length);

    [DllImport(Library)]
    [SuppressGCTransition]
    internal static extern int shutdown(int fd, int how);

    [DllImport(Library)]
    internal static extern int close(int fd);

    [DllImport(Library)]
    internal static extern int setsockopt(int fd, int level, int name, void* value, int length);

    [DllImport(Library)]
    internal static extern int getsockopt(int fd, int level, int name, void* value, int* length);

    [DllImport(Library)]
    internal static extern int getsockname(int fd, byte* address, int* length);

    [DllImport(Library)]
    internal static extern nint read(int fd, byte* buffer, nuint length);

    [DllImport(Library)]
    internal static extern nint write(int fd, byte* buffer, nuint length);

    [DllImport(Library, CharSet = CharSet.Ansi)]
    internal static extern int unlink([MarshalAs(UnmanagedType.LPUTF8Str)] string path);

    [DllImport(Library)]
    internal static extern int statx(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, StatX* result);

    [DllImport(Library)]
    internal static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    /// <summary>The error number that the system call just made on this thread left behind.</summary>
    internal static int Errno => Marshal.GetLastSystemError();
}
