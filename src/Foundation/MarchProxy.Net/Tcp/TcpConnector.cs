using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

/// <summary>What became of an attempt to connect: a connection, or a negative error number.</summary>
/// <param name="Connection">The connection, or null.</param>
/// <param name="Error">Zero, or a negative <see cref="Errno"/>.</param>
public readonly record struct ConnectResult(TcpConnection? Connection, int Error);

/// <summary>Opens connections from a loop.</summary>
public static class TcpConnector
{
    /// <summary>Connects to one endpoint.</summary>
    /// <param name="loop">The loop that will own the connection; call it there.</param>
    /// <param name="endpoint">Where to.</param>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT; zero leaves it to the kernel (about two minutes).</param>
    public static async ValueTask<ConnectResult> ConnectAsync(EventLoop loop, Endpoint endpoint, long timeoutMs)
    {
        ConnectResult begun = Begin(loop, endpoint);
        if (begun.Error != -Errno.EINPROGRESS) return begun;
        TcpConnection connection = begun.Connection!;
        int result = await connection.WritableAsync(timeoutMs);
        if (result == 0) result = -connection.TakeSocketError();
        if (result == 0) return new ConnectResult(connection, 0);
        connection.Close();
        return new ConnectResult(null, result);
    }

    /// <summary>
    /// Connects to the first of several addresses that answers (RFC 8305): the next attempt starts when the one before fails, or after
    /// <paramref name="delayMs"/> without an answer; the losers are closed.
    /// </summary>
    /// <param name="loop">The loop that will own the connection; call it there.</param>
    /// <param name="endpoints">Where to, in order of preference; at least one.</param>
    /// <param name="timeoutMs">Milliseconds for the whole.</param>
    /// <param name="delayMs">Milliseconds between attempts; RFC 8305 recommends 250.</param>
    public static ValueTask<ConnectResult> ConnectAsync(EventLoop loop, ReadOnlyMemory<Endpoint> endpoints, long timeoutMs, long delayMs = 250) =>
        endpoints.Length == 1
            ? ConnectAsync(loop, endpoints.Span[0], timeoutMs)
            : new ConnectRace(loop, endpoints, timeoutMs, delayMs).RunAsync();

    internal static unsafe ConnectResult Begin(EventLoop loop, in Endpoint endpoint)
    {
        if (loop.IsStopping) return new ConnectResult(null, -Errno.ECANCELED);
        int fd = Libc.socket(endpoint.SocketDomain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) return new ConnectResult(null, -Libc.Errno);
        if (endpoint.Path is null)
        {
            int one = 1;
            Libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));
        }

        byte* address = stackalloc byte[128];
        int length = endpoint.ToSockAddr(new Span<byte>(address, 128));
        int error = Libc.connect(fd, address, length) == 0 ? 0 : Libc.Errno;
        if (error is not (0 or Errno.EINPROGRESS))
        {
            Libc.close(fd);
            return new ConnectResult(null, -error);
        }

        var connection = new TcpConnection(loop, fd, endpoint);
        if (error != 0) connection.ExpectConnect();
        return new ConnectResult(connection, -error);
    }
}
