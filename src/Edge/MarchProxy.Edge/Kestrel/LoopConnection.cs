using System.IO.Pipelines;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using Microsoft.AspNetCore.Connections;

namespace MarchProxy.Edge.Kestrel;

/// <summary>
/// A loop's connection in Kestrel's shape: two pipes, pumped on the loop. The socket is touched on the loop only; Kestrel's side may be
/// called from any thread.
/// </summary>
/// <remarks>
/// A peer that ends its side only (a half-close) ends the input and nothing else: the response still goes out. Only a reset, an abort or
/// our own close fires <see cref="BaseConnectionContext.ConnectionClosed"/>.
/// </remarks>
internal sealed partial class LoopConnection : DefaultConnectionContext
{
    private static long s_lastId;
    private readonly TcpConnection _connection;
    private readonly LoopTransportOptions _options;

    /// <summary>Never disposed: it has no timer, and a failure on the loop may fire it at any time.</summary>
    private readonly CancellationTokenSource _closed = new();
    private readonly PipeWriter _input;
    private readonly PipeReader _output;
    private readonly IDuplexPipe _transport;
    private Task? _pumps;
    private Exception? _error;
    private int _disposed;

    public LoopConnection(TcpConnection connection, LoopTransportOptions options)
        : base(Interlocked.Increment(ref s_lastId).ToString("x8"))
    {
        _connection = connection;
        _options = options;
        var scheduler = new LoopScheduler(connection.Loop);
        var input = new Pipe(PipeOptionsFor(PipeScheduler.ThreadPool, scheduler, options.MaxReadAhead));
        var output = new Pipe(PipeOptionsFor(scheduler, PipeScheduler.ThreadPool, options.MaxWriteAhead));
        _input = input.Writer;
        _output = output.Reader;
        Application = new DuplexPipe(output.Reader, input.Writer);
        Transport = _transport = new DuplexPipe(input.Reader, output.Writer);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = LoopTransport.ToEndPoint(connection.Local);
        RemoteEndPoint = LoopTransport.ToEndPoint(connection.Remote);
    }

    /// <summary>Begins to move bytes. Called once, when Kestrel takes the connection.</summary>
    public void Start() => _pumps = _connection.Loop.InvokeAsync(RunAsync);

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason) => _connection.Loop.Post(
        static state =>
        {
            var (self, reason) = ((LoopConnection, ConnectionAbortedException))state!;
            self.Fail(reason);
        },
        (this, abortReason));

    /// <summary>Called when Kestrel is done with the connection: what it has written is still sent, then the connection is closed.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _transport.Input.CompleteAsync();
        await _transport.Output.CompleteAsync();
        try
        {
            if (_pumps is null) Abort(new ConnectionAbortedException("The server stops."));
            else await _pumps;
        }
        catch (ObjectDisposedException)
        {
            // The loop ended first, and closed the connection with it.
        }

        await _closed.CancelAsync();
        await base.DisposeAsync();
    }

    private static PipeOptions PipeOptionsFor(PipeScheduler reader, PipeScheduler writer, long pauseAt) => new(
        readerScheduler: reader,
        writerScheduler: writer,
        pauseWriterThreshold: pauseAt,
        resumeWriterThreshold: pauseAt / 2,
        useSynchronizationContext: false);

    /// <summary>On the loop: ends everything at once, with a reset for the peer.</summary>
    private void Fail(Exception reason)
    {
        _error ??= reason;
        _connection.Abort();
        _output.CancelPendingRead();
        _input.CancelPendingFlush();

        // What hangs on this token is application code: it does not belong on the loop.
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
    }

    private static Exception Describe(int error) => error is -Errno.ECONNRESET or -Errno.EPIPE
        ? new ConnectionResetException("The peer reset the connection.")
        : new ConnectionAbortedException($"The connection failed: {Errno.Name(error)}.");
}
