using System.Runtime.CompilerServices;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tls;

namespace MarchProxy.Net.Tcp;

public sealed partial class TcpConnection
{
    /// <summary>The TLS layer on this connection, or null for plain bytes.</summary>
    public TlsSession? Tls { get; private set; }

    /// <summary>Puts a TLS layer on the connection and makes its handshake.</summary>
    /// <param name="session">A session made for <see cref="TlsDescriptor"/>; the connection owns it from now on.</param>
    /// <param name="timeoutMs">Milliseconds for the whole handshake.</param>
    /// <returns>Zero; -EPROTO when TLS failed (see <see cref="TlsSession.FailureReason"/>), or another negative error number.</returns>
    public ValueTask<int> StartTlsAsync(TlsSession session, long timeoutMs)
    {
        Tls = session;
        return HandshakeAsync(session, Loop.NowMs + timeoutMs);
    }

    /// <summary>The descriptor for the TLS session to be made on.</summary>
    public int TlsDescriptor => _fd;

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> HandshakeAsync(TlsSession session, long deadline)
    {
        while (true)
        {
            int wait;
            switch (session.Handshake())
            {
                case TlsStatus.Ok:
                    _readable = true;
                    return 0;
                case TlsStatus.WantRead:
                    _readable = _ended;
                    if (_ended && IsHungUp) return -Errno.ECONNRESET;
                    wait = await ReadableAsync(Math.Max(1, deadline - Loop.NowMs));
                    break;
                case TlsStatus.WantWrite:
                    _writable = false;
                    wait = await WritableAsync(Math.Max(1, deadline - Loop.NowMs));
                    break;
                case TlsStatus.Closed or TlsStatus.Reset:
                    return -Errno.ECONNRESET;
                default:
                    return -Errno.EPROTO;
            }

            if (wait < 0) return wait;
        }
    }

    private int ReceiveTls(Span<byte> buffer)
    {
        if (_fd < 0) return -Errno.ECANCELED;
        if (_resting) return -Errno.EAGAIN;
        switch (Tls!.Read(buffer, out int read))
        {
            case TlsStatus.Ok:
                Spend(read);
                BytesReceived += read;
                return read;
            case TlsStatus.WantRead:
                _readable = false;
                return -Errno.EAGAIN;
            case TlsStatus.WantWrite:
                // A key update waits to be answered; its room is awaited by the next reader's wait.
                _readable = false;
                return -Errno.EAGAIN;
            case TlsStatus.Closed:
                _ended = true;
                return 0;
            case TlsStatus.Reset:
                return -Errno.ECONNRESET;
            default:
                return -Errno.EPROTO;
        }
    }

    private int SendTls(ReadOnlySpan<byte> data)
    {
        if (_fd < 0) return -Errno.ECANCELED;
        int total = 0;
        while (total < data.Length)
        {
            switch (Tls!.Write(data[total..], out int written))
            {
                case TlsStatus.Ok:
                    total += written;
                    BytesSent += written;
                    continue;
                case TlsStatus.WantWrite or TlsStatus.WantRead:
                    _writable = false;
                    return total > 0 ? total : -Errno.EAGAIN;
                case TlsStatus.Closed or TlsStatus.Reset:
                    return total > 0 ? total : -Errno.ECONNRESET;
                default:
                    return total > 0 ? total : -Errno.EPROTO;
            }
        }

        return total;
    }
}
