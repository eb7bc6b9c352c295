using System.Runtime.InteropServices;

namespace MarchProxy.Bench.Load;

/// <summary>The system calls of the load generators: one thread and no allocation, so that what they measure is the proxy.</summary>
internal static partial class Native
{
    public const short PollIn = 1;
    public const short PollOut = 4;

    /// <summary>recv: take the bytes off the socket without copying them (tcp(7)).</summary>
    public const int MsgTrunc = 0x20;

    public const int MsgDontWait = 0x40;
    public const int MsgNoSignal = 0x4000;
    public const int Again = 11;
    private const int SetTimerSlack = 29;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    /// <summary>Waits for events, at most <paramref name="wait"/>.</summary>
    public static unsafe int Poll(Span<PollFd> fds, TimeSpan wait)
    {
        TimeSpec time = new() { Seconds = (nint)(wait.Ticks / TimeSpan.TicksPerSecond), Nanoseconds = (nint)(wait.Ticks % TimeSpan.TicksPerSecond * 100) };
        fixed (PollFd* first = fds) return PPoll(first, (nuint)fds.Length, &time, null);
    }

    public static unsafe int Receive(int fd, Span<byte> into)
    {
        fixed (byte* at = into) return (int)Recv(fd, at, (nuint)into.Length, MsgDontWait);
    }

    /// <summary>Takes up to <paramref name="atMost"/> bytes off the socket and drops them.</summary>
    public static unsafe int Discard(int fd, int atMost) => (int)Recv(fd, null, (nuint)atMost, MsgDontWait | MsgTrunc);

    public static unsafe int Send(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* at = bytes) return (int)Send(fd, at, (nuint)bytes.Length, MsgDontWait | MsgNoSignal);
    }

    /// <summary>Lets timers of this thread fire within a microsecond of their time, where the default is fifty.</summary>
    public static void SharpenTimers() => Prctl(SetTimerSlack, 1000, 0, 0, 0);

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    private static unsafe partial int PPoll(PollFd* fds, nuint count, TimeSpec* timeout, void* mask);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial nint Recv(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(int fd, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Prctl(int option, nuint a, nuint b, nuint c, nuint d);
}
