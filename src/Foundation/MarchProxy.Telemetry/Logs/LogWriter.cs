using System.Collections.Concurrent;

namespace MarchProxy.Telemetry.Logs;

/// <summary>
/// Writes log lines out. Loops hand it blocks; each sink has its own bounded queue and thread, so that one that is slow or fails delays no other. When a sink is
/// slower than the lines, blocks are dropped for it and their lines counted; no loop ever waits.
/// </summary>
public sealed class LogWriter : IAsyncDisposable
{
    private readonly ConcurrentBag<LineBlock> _spare = [];
    private readonly SinkWorker[] _workers;

    /// <summary>Starts the writer.</summary>
    /// <param name="sinks">Where to.</param>
    /// <param name="queueBlocks">Blocks that may wait for a sink; 256 are 16 MiB, some seconds of a full load.</param>
    public LogWriter(IReadOnlyList<ILogSink> sinks, int queueBlocks = 256) => _workers = [.. sinks.Select(s => new SinkWorker(s, queueBlocks, Release))];

    /// <summary>Lines dropped since a queue was full, over all sinks.</summary>
    public long DroppedLines => _workers.Sum(w => w.Dropped);

    /// <summary>The sinks: name, lines dropped, writes that failed.</summary>
    public IEnumerable<(string Name, long Dropped, long Failures)> Sinks => _workers.Select(w => (w.Sink.Name, w.Dropped, w.Failures));

    /// <summary>Has the sinks open their files anew.</summary>
    public void Reopen()
    {
        foreach (SinkWorker worker in _workers) worker.Reopen();
    }

    /// <summary>Writes out what waits, for two seconds at the most.</summary>
    public ValueTask DisposeAsync()
    {
        foreach (SinkWorker worker in _workers) worker.Complete();
        long deadline = Environment.TickCount64 + 2_000;
        foreach (SinkWorker worker in _workers)
        {
            if (worker.Join(TimeSpan.FromMilliseconds(Math.Max(0, deadline - Environment.TickCount64)))) worker.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    internal LineBlock Rent() => _spare.TryTake(out LineBlock? block) ? block : new LineBlock();

    internal void Hand(LineBlock block)
    {
        block.Owners = _workers.Length;
        foreach (SinkWorker worker in _workers) worker.Hand(block);
    }

    private void Release(LineBlock block)
    {
        if (Interlocked.Decrement(ref block.Owners) > 0) return;
        block.Length = block.Lines = 0;
        if (_spare.Count < 64) _spare.Add(block);
    }
}
