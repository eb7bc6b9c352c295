namespace MarchProxy.Net;

/// <summary>
/// Linux error numbers (errno.h) that the loops report. Operations return a negative error number instead of throwing: a peer's
/// misbehaviour is an ordinary outcome.
/// </summary>
public static class Errno
{
    /// <summary>Interrupted by a signal; try again.</summary>
    public const int EINTR = 4;

    /// <summary>Not permitted.</summary>
    public const int EPERM = 1;

    /// <summary>Nothing to read, or no room to write, now.</summary>
    public const int EAGAIN = 11;

    /// <summary>Out of memory.</summary>
    public const int ENOMEM = 12;

    /// <summary>The process has no descriptor left.</summary>
    public const int EMFILE = 24;

    /// <summary>The system has no descriptor left.</summary>
    public const int ENFILE = 23;

    /// <summary>The peer no longer reads.</summary>
    public const int EPIPE = 32;

    /// <summary>A protocol error of a layer above TCP (a failed TLS handshake or record).</summary>
    public const int EPROTO = 71;

    /// <summary>The address is in use.</summary>
    public const int EADDRINUSE = 98;

    /// <summary>No route to that network.</summary>
    public const int ENETUNREACH = 101;

    /// <summary>The connection was aborted before it was accepted.</summary>
    public const int ECONNABORTED = 103;

    /// <summary>The peer reset the connection.</summary>
    public const int ECONNRESET = 104;

    /// <summary>The kernel has no buffer left.</summary>
    public const int ENOBUFS = 105;

    /// <summary>The time allowed ran out.</summary>
    public const int ETIMEDOUT = 110;

    /// <summary>Nothing listens there.</summary>
    public const int ECONNREFUSED = 111;

    /// <summary>No route to that host.</summary>
    public const int EHOSTUNREACH = 113;

    /// <summary>A connection attempt goes on.</summary>
    public const int EINPROGRESS = 115;

    /// <summary>The operation was cancelled: its connection was closed on our side.</summary>
    public const int ECANCELED = 125;

    /// <summary>The symbolic name of an error number, for logs.</summary>
    /// <param name="errno">A positive or negative error number.</param>
    public static string Name(int errno) => Math.Abs(errno) switch
    {
        EINTR => "interrupted",
        EPERM => "not-permitted",
        EAGAIN => "would-block",
        ENOMEM => "out-of-memory",
        EMFILE or ENFILE => "no-descriptors",
        EPIPE => "broken-pipe",
        EPROTO => "protocol-error",
        EADDRINUSE => "address-in-use",
        ENETUNREACH => "network-unreachable",
        ECONNABORTED => "connection-aborted",
        ECONNRESET => "connection-reset",
        ENOBUFS => "no-buffers",
        ETIMEDOUT => "timed-out",
        ECONNREFUSED => "connection-refused",
        EHOSTUNREACH => "host-unreachable",
        ECANCELED => "cancelled",
        int other => "errno-" + other.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
