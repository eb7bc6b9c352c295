using System.Collections.Concurrent;

namespace MarchProxy.Telemetry.Logs;

/// <summary>A sink with its queue and thread.</summary>
internal sealed class SinkWorker : IDisposable
{
    private readonly BlockingCollection<LineBlock> _queue;
    private readonly Action<LineBlock> _release;
    private readonly Thread _thread;
    private long _dropped, _failures;
    private volatile bool _reopen;

    public SinkWorker(ILogSink sink, int queueBlocks, Action<LineBlock> release)
    {
        Sink = sink;
        _release = release;
        _queue = new BlockingCollection<LineBlock>(queueBlocks);
        _thread = new Thread(Run) { IsBackground = true, Name = "log-" + sink.Name };
        _thread.Start();
    }

    public ILogSink Sink { get; }

    public long Dropped => Interlocked.Read(ref _dropped);

    public long Failures => Interlocked.Read(ref _failures);

    public void Reopen() => _reopen = true;

    public void Hand(LineBlock block)
    {
        if (!_queue.IsAddingCompleted && _queue.TryAdd(block)) return;
        Interlocked.Add(ref _dropped, block.Lines);
        _release(block);
    }

    public void Complete() => _queue.CompleteAdding();

    /// <summary>Waits until what was handed over is written; one that hangs is left to itself.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    public void Dispose()
    {
        _queue.Dispose();
        (Sink as IDisposable)?.Dispose();
    }

    private void Run()
    {
        foreach (LineBlock block in _queue.GetConsumingEnumerable())
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
}
