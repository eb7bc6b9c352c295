using System.Buffers;
using System.Runtime.CompilerServices;
using MarchProxy.Net.Interop;
using MarchProxy.Net.Loop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Tcp;

public sealed partial class TcpConnection
{
    /// <summary>Pieces that one system call takes. Sixteen of a pipe's 4 KiB segments are as much as a default send buffer holds.</summary>
    private const int MaxVectors = 16;

    /// <summary>Writes what fits of the first pieces of a sequence (sixteen at most) in one system call.</summary>
    /// <param name="data">What to write; not empty.</param>
    /// <returns>Bytes taken, perhaps fewer than given; or a negative error number.</returns>
    public unsafe int TrySend(in ReadOnlySequence<byte> data)
    {
        if (data.IsSingleSegment || Tls is not null) return TrySend(data.FirstSpan);
        IoVec* vectors = stackalloc IoVec[MaxVectors];
        return Gather(data, data.Start, vectors, 0, 0);
    }

    /// <summary>Sends a whole sequence, waiting for room when the peer reads slowly.</summary>
    /// <param name="data">What to send.</param>
    /// <param name="stallMs">Milliseconds without any progress until -ETIMEDOUT; zero for never.</param>
    /// <returns>Zero, or a negative error number.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public async ValueTask<int> SendAllAsync(ReadOnlySequence<byte> data, long stallMs)
    {
        while (!data.IsEmpty)
        {
            int sent = TrySend(data);
            if (sent > 0)
            {
                data = data.Slice(sent);
                continue;
            }

            if (sent != -Errno.EAGAIN) return sent;
            int ready = await WritableAsync(stallMs);
            if (ready < 0) return ready;
        }

        return 0;
    }

    /// <summary>Each piece stays pinned by the frame that added it until the call below has returned.</summary>
    private unsafe int Gather(in ReadOnlySequence<byte> data, SequencePosition next, IoVec* vectors, int count, long total)
    {
        ReadOnlyMemory<byte> piece;
        do
        {
            if (count == MaxVectors || !data.TryGet(ref next, out piece)) return SendVectors(vectors, count, total);
        }
        while (piece.IsEmpty);

        fixed (byte* bytes = piece.Span)
        {
            vectors[count] = new IoVec { Base = bytes, Length = (nuint)piece.Length };
            return Gather(data, next, vectors, count + 1, total + piece.Length);
        }
    }

    private unsafe int SendVectors(IoVec* vectors, int count, long total)
    {
        if (!_writable) return -Errno.EAGAIN;
        MsgHdr message = default;
        message.Vectors = vectors;
        message.VectorCount = (nuint)count;
        nint n;
        do n = Libc.sendmsg(_fd, &message, MSG_NOSIGNAL);
        while (n < 0 && Libc.Errno == Errno.EINTR);
        if (n >= 0)
        {
            if (n < total) _writable = false;
            BytesSent += n;
            return (int)n;
        }

        int error = _fd < 0 ? Errno.ECANCELED : Libc.Errno;
        if (error == Errno.EAGAIN) _writable = false;
        return -error;
    }
}
