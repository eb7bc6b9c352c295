using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http2;

internal sealed partial class Http2Stream
{
    /// <summary>Sends content as DATA frames, as far as windows and room let it, waiting for more of both.</summary>
    /// <param name="data">The content.</param>
    /// <param name="last">Whether our side ends with it.</param>
    /// <param name="stallMs">Milliseconds without progress until -ETIMEDOUT.</param>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> data, bool last, long stallMs)
    {
        if (IsReset || SendStopped) return new ValueTask<int>(IsReset ? -Errno.ECONNRESET : -Errno.EPIPE);
        if (!Connection.HasWaiters)
        {
            int sent = Connection.TryWriteData(this, data.Span, last);
            if (sent == data.Length && (!last || LocalEnded)) return default;
            if (sent > 0) data = data[sent..];
        }

        return SendRestAsync(data, last, stallMs);
    }

    /// <summary>Waits until there may be room for a head of this size.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    public async ValueTask<int> RoomAsync(int bytes, long stallMs)
    {
        while (!IsReset)
        {
            if (Connection.TryReserve(bytes)) return 0;
            Connection.Queue(this);
            int ready = await _writeSignal.WaitAsync(stallMs);
            if (ready < 0) return ready;
        }

        return -Errno.ECONNRESET;
    }

    /// <inheritdoc/>
    public int TryReceive(Span<byte> buffer)
    {
        if (IsReset) return -Errno.ECONNRESET;
        ReadOnlySpan<byte> piece = Peek().Span;
        if (piece.IsEmpty) return RemoteEnded ? 0 : -Errno.EAGAIN;
        int take = Math.Min(piece.Length, buffer.Length);
        piece[..take].CopyTo(buffer);
        Consume(take);
        return take;
    }

    /// <inheritdoc/>
    public ValueTask<int> SendAllAsync(ReadOnlyMemory<byte> data, long stallMs) => data.IsEmpty ? default : SendAsync(data, last: false, stallMs);

    /// <inheritdoc/>
    public void ShutdownSend()
    {
        if (!LocalEnded && !IsReset) Connection.TryWriteData(this, default, last: true);
    }

    /// <inheritdoc/>
    public void Abort() => Reset(Http2Error.InternalError);

    /// <inheritdoc/>
    public void Close()
    {
        if (!RemoteEnded || !LocalEnded) Reset(Http2Error.Cancel);
    }

    /// <summary>Resets the stream from our side.</summary>
    public void Reset(Http2Error error)
    {
        if (IsReset) return;
        if (Id != 0) Connection.WriteReset(Id, error);
        OnReset = null;
        ResetState = null;
        Break(error, -Errno.ECANCELED);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> SendRestAsync(ReadOnlyMemory<byte> data, bool last, long stallMs)
    {
        while (true)
        {
            // Whoever lacks the stream's own window is woken by its update; the others take turns, a frame each.
            if (SendWindow > 0 || data.IsEmpty) Connection.Queue(this);
            int ready = await _writeSignal.WaitAsync(stallMs);
            if (ready < 0) return ready;
            if (IsReset) return -Errno.ECONNRESET;
            do
            {
                int sent = Connection.TryWriteData(this, data.Span, last);
                if (sent > 0) data = data[sent..];
                if (data.IsEmpty && (!last || LocalEnded)) return 0;
                if (sent <= 0) break;
            }
            while (!Connection.HasWaiters);
        }
    }
}
