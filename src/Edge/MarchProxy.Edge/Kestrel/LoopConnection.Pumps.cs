using System.Buffers;
using System.IO.Pipelines;
using MarchProxy.Net;

namespace MarchProxy.Edge.Kestrel;

internal sealed partial class LoopConnection
{
    /// <summary>Enough for a request's head; the pipe rents its memory only once something is there to read.</summary>
    private const int MinReadBytes = 2048;

    private bool _finished;

    /// <summary>On the loop: runs both directions to their ends, then closes.</summary>
    private async Task RunAsync()
    {
        _connection.OnHangUp = static state => ((LoopConnection)state!).Fail(Describe(-Errno.ECONNRESET));
        _connection.HangUpState = this;
        _connection.Watch();
        if (_connection.IsHungUp) Fail(Describe(-Errno.ECONNRESET));
        Task receiving = ReceiveAsync();
        await SendAsync();

        // Kestrel writes no more and reads no more: the reader stops, and the peer gets our last words even if it still sends.
        _finished = true;
        _connection.OnHangUp = null;
        _connection.CancelRead();
        await receiving;

        // Kestrel need not wait until the peer has had its last words; the loop keeps the connection as long as that takes.
        _ = _connection.LingerAndCloseAsync();
    }

    private async Task ReceiveAsync()
    {
        int error = 0;
        bool open = true;
        while (open && !_finished)
        {
            int ready = await _connection.ReadableAsync(0);
            if (ready < 0)
            {
                error = ready;
                break;
            }

            int n = _connection.TryReceive(_input.GetMemory(MinReadBytes).Span);
            if (n == -Errno.EAGAIN) continue;
            if (n <= 0)
            {
                error = n;
                break;
            }

            _input.Advance(n);
            FlushResult flushed = await _input.FlushAsync();
            open = !flushed.IsCompleted && !flushed.IsCanceled;
        }

        if (error < 0 && !_finished) Fail(Describe(error));
        await _input.CompleteAsync(_error);
    }

    private async Task SendAsync()
    {
        while (true)
        {
            ReadResult read = await _output.ReadAsync();
            if (read.IsCanceled) break;
            ReadOnlySequence<byte> data = read.Buffer;
            int result = await _connection.SendAllAsync(data, _options.SendStallMs);
            _output.AdvanceTo(data.End);
            if (result < 0)
            {
                Fail(Describe(result));
                break;
            }

            if (read.IsCompleted) break;
        }

        await _output.CompleteAsync(_error);
    }
}
