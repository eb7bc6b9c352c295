using System.Runtime.CompilerServices;
using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tcp;

public sealed partial class TcpConnection
{
    /// <summary>Sends everything, waiting for room when the peer reads slowly.</summary>
    /// <param name="data">What to send.</param>
    /// <param name="stallMs">Milliseconds without any progress until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    public ValueTask<int> SendAllAsync(ReadOnlyMemory<byte> data, long stallMs)
    {
        if (data.IsEmpty) return new ValueTask<int>(0);
        int sent = TrySend(data.Span);
        if (sent == data.Length) return new ValueTask<int>(0);
        return sent < 0 && sent != -Errno.EAGAIN
            ? new ValueTask<int>(sent)
            : SendRestAsync(data[Math.Max(0, sent)..], stallMs);
    }

    /// <summary>Sends two pieces as one, without joining them in memory: a head and the part of a body that came with it.</summary>
    /// <param name="first">The first piece.</param>
    /// <param name="second">The second.</param>
    /// <param name="stallMs">Milliseconds without any progress until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    public ValueTask<int> SendAllAsync(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, long stallMs)
    {
        if (second.IsEmpty) return SendAllAsync(first, stallMs);
        int sent = TrySend(first.Span, second.Span);
        if (sent == first.Length + second.Length) return new ValueTask<int>(0);
        if (sent < 0 && sent != -Errno.EAGAIN) return new ValueTask<int>(sent);
        sent = Math.Max(0, sent);
        return sent < first.Length ? SendBothAsync(first[sent..], second, stallMs) : SendRestAsync(second[(sent - first.Length)..], stallMs);
    }

    /// <summary>Writes what fits of two pieces in one system call.</summary>
    /// <param name="first">The first piece.</param>
    /// <param name="second">The second.</param>
    /// <returns>Bytes taken of both together, or a negative error number.</returns>
    public unsafe int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (Tls is not null)
        {
            int taken = first.IsEmpty ? 0 : SendTls(first);
            if (taken != first.Length) return taken;
            int more = SendTls(second);
            return more < 0 ? (taken > 0 ? taken : more) : taken + more;
        }

        fixed (byte* a = first, b = second)
        {
            IoVec* vectors = stackalloc IoVec[2];
            vectors[0] = new IoVec { Base = a, Length = (nuint)first.Length };
            vectors[1] = new IoVec { Base = b, Length = (nuint)second.Length };
            return SendVectors(vectors, 2, (long)first.Length + second.Length);
        }
    }

    /// <summary>
    /// Ends an exchange after which the peer may still be sending: a close now would make the kernel reset the connection and the peer lose
    /// what we last said (RFC 9112 section 9.6). Ends our side, discards what comes for a while, then closes.
    /// </summary>
    /// <param name="maxMs">Milliseconds at the most.</param>
    /// <param name="maxBytes">Bytes discarded at the most.</param>
    public async ValueTask LingerAndCloseAsync(long maxMs = 2_000, long maxBytes = 1 << 20)
    {
        ShutdownSend();
        long end = Loop.NowMs + maxMs;
        Buffers.Block? scratch = Loop.Buffers.TryRent();
        while (scratch is not null && maxBytes > 0 && !IsClosed)
        {
            int n = TryReceive(scratch.Span);
            if (n > 0)
            {
                maxBytes -= n;
                continue;
            }

            long left = end - Loop.NowMs;
            if (n != -Errno.EAGAIN || left <= 0) break;
            if (await ReadableAsync(left) < 0) break;
        }

        if (scratch is not null) Loop.Buffers.Return(scratch);
        Close();
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendRestAsync(ReadOnlyMemory<byte> data, long stallMs)
    {
        while (!data.IsEmpty)
        {
            int ready = await WritableAsync(stallMs);
            if (ready < 0) return ready;
            int sent = TrySend(data.Span);
            if (sent >= 0) data = data[sent..];
            else if (sent != -Errno.EAGAIN) return sent;
        }

        return 0;
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendBothAsync(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, long stallMs)
    {
        int result = await SendRestAsync(first, stallMs);
        return result < 0 ? result : await SendAllAsync(second, stallMs);
    }
}
