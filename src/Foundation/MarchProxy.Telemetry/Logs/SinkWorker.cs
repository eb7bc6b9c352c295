using System.Collections.Concurrent;

namespace MarchProxy.Telemetry.Logs;

/// <summary>A sink with its queue and thread.</summary>
internal sealed class SinkWorker : IDisposable
{
    private readonly ConcurrentQueue<LineBlock> _queue = new();

    /// <summary>A plain event: blocks come seldom, and a thread that spins before it sleeps would cost more than writing them does.</summary>
    private readonly AutoResetEvent _handed = new(false);
    private readonly int _queueBlocks;
    private readonly Action<LineBlock> _release;
    private readonly Thread _thread;
    private long _dropped, _failures;
    private int _waiting;
    private volatile bool _reopen, _complete;

    public SinkWorker(ILogSink sink, int queueBlocks, Action<LineBlock> release)
    {
        Sink = sink;
        _release = release;
        _queueBlocks = queueBlocks;
        _thread = new Thread(Run) { IsBackground = true, Name = "log-" + sink.Name };
        _thread.Start();
    }

    public ILogSink Sink { get; }

    public long Dropped => Interlocked.Read(ref _dropped);

    public long Failures => Interlocked.Read(ref _failures);

    public void Reopen() => _reopen = true;

    public void Hand(LineBlock block)
    {
        if (Interlocked.Increment(ref _waiting) <= _queueBlocks && !_complete)
        {
            _queue.Enqueue(block);
            _handed.Set();
            return;
        }

        Interlocked.Decrement(ref _waiting);
        Interlocked.Add(ref _dropped, block.Lines);
        _release(block);
    }

    public void Complete()
    {
        _complete = true;
        _handed.Set();
    }

    /// <summary>Waits until what was handed over is written; one that hangs is left to itself.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    /// <summary>The event is left to the collector: a loop may be handing a block over yet.</summary>
    public void Dispose() => (Sink as IDisposable)?.Dispose();

    private void Run()
    {
        while (true)
        {
            // Asked before the queue is emptied: what was handed over before the end is written.
            bool last = _complete;
            while (_queue.TryDequeue(out LineBlock? block))
            {
                Interlocked.Decrement(ref _waiting);
                Write(block);
            }

            if (last) return;
            _handed.WaitOne();
        }
    }

    private void Write(LineBlock block)
    {
        try
        {
            if (_reopen)
            {
                _reopen = false;
                Sink.Reopen();
            }

            Sink.Write(block.Bytes.AsSpan(0, block.Length));
        }
        catch (Exception)
        {
            // Whatever a sink throws costs lines, which are counted, and never the process.
            Interlocked.Increment(ref _failures);
        }

        _release(block);
    }
}
