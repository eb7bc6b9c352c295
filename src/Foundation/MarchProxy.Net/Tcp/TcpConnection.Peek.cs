using System.Runtime.CompilerServices;
using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

/// <summary>What is done before the first byte is taken: looking at what came, and at where the kernel caught the connection.</summary>
public sealed partial class TcpConnection
{
    private const int MSG_PEEK = 2, SO_ORIGINAL_DST = 80;

    /// <summary>Where the client was going before a REDIRECT rule caught it (SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST); default when no rule did.</summary>
    public unsafe Endpoint OriginalDestination
    {
        get
        {
            byte* buffer = stackalloc byte[128];
            int length = 128;
            if (Libc.getsockopt(_fd, 0, SO_ORIGINAL_DST, buffer, &length) != 0)
            {
                length = 128;
                if (Libc.getsockopt(_fd, IPPROTO_IPV6, SO_ORIGINAL_DST, buffer, &length) != 0) return default;
            }

            return Endpoint.FromSockAddr(new ReadOnlySpan<byte>(buffer, length));
        }
    }

    /// <summary>Takes an address that a trusted hop told of (PROXY protocol) for the client's own.</summary>
    /// <param name="remote">The client.</param>
    public void SetRemote(in Endpoint remote) => Remote = remote;

    /// <summary>Looks at the first bytes without taking them, waiting until there are more than the caller has seen. Only before TLS.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="seen">How many the caller has seen.</param>
    /// <param name="timeoutMs">Milliseconds until -ETIMEDOUT.</param>
    /// <returns>All bytes that are there, at most the buffer's length; the same as <paramref name="seen"/> when the peer ended; or a negative error number.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public async ValueTask<int> PeekAsync(Memory<byte> buffer, int seen, long timeoutMs)
    {
        long deadline = Loop.NowMs + timeoutMs;
        while (true)
        {
            int n = Peek(buffer.Span);
            if (n > seen || n == buffer.Length || (n < 0 && n != -Errno.EAGAIN) || _ended) return n == -Errno.EAGAIN ? seen : n;
            long left = deadline - Loop.NowMs;
            if (left <= 0) return -Errno.ETIMEDOUT;
            _readable = false;
            int ready = await ReadableAsync(left);
            _readable = true;
            if (ready < 0) return ready;
        }
    }

    private unsafe int Peek(Span<byte> buffer)
    {
        nint n;
        fixed (byte* p = buffer)
        {
            do n = Libc.recv(_fd, p, (nuint)buffer.Length, MSG_PEEK);
            while (n < 0 && Libc.Errno == Errno.EINTR);
        }

        if (n == 0) _ended = true;
        return n >= 0 ? (int)n : -Libc.Errno;
    }
}
