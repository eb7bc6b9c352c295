using System.Collections.Concurrent;

namespace MarchProxy.Telemetry.Logs;

/// <summary>Where log lines end up.</summary>
public interface ILogSink
{
    /// <summary>Writes whole lines; called by the writer's thread alone. Failures are the sink's to count.</summary>
    /// <param name="lines">One or more lines, each with its line break.</param>
    void Write(ReadOnlySpan<byte> lines);

    /// <summary>Opens anew what may have been moved away (logrotate).</summary>
    void Reopen();
}

/// <summary>A block of lines on its way from a loop to the writer.</summary>
internal sealed class LineBlock
{
    /// <summary>64 KiB: some 180 lines, one system call.</summary>
    public const int Size = 64 << 10;

    public readonly byte[] Bytes = new byte[Size];
    public int Length;
    public int Lines;
}

/// <summary>
/// The one thread that writes log lines out. Loops hand it blocks through a bounded queue; when the sinks are slower than the lines, blocks
/// are dropped and their lines counted, and no loop ever waits.
/// </summary>
public sealed class LogWriter : IAsyncDisposable
{
    private readonly BlockingCollection<LineBlock> _queue;
    private readonly ConcurrentBag<LineBlock> _spare = [];
    private readonly IReadOnlyList<ILogSink> _sinks;
    private readonly Thread _thread;
    private long _dropped;
    private volatile bool _reopen;

    /// <summary>Starts the writer.</summary>
    /// <param name="sinks">Where to.</param>
    /// <param name="queueBlocks">Blocks that may wait; 256 are 16 MiB, some seconds of a full load.</param>
    public LogWriter(IReadOnlyList<ILogSink> sinks, int queueBlocks = 256)
    {
        _sinks = sinks;
        _queue = new BlockingCollection<LineBlock>(queueBlocks);
        _thread = new Thread(Run) { IsBackground = true, Name = "log-writer" };
        _thread.Start();
    }

    /// <summary>Lines dropped since the queue was full.</summary>
    public long DroppedLines => Interlocked.Read(ref _dropped);

    /// <summary>Has the sinks open their files anew.</summary>
    public void Reopen() => _reopen = true;

    /// <summary>Writes out what waits, for two seconds at the most.</summary>
    public ValueTask DisposeAsync()
    {
        _queue.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(2));
        foreach (ILogSink sink in _sinks) (sink as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }

    internal LineBlock Rent() => _spare.TryTake(out LineBlock? block) ? block : new LineBlock();

    internal void Hand(LineBlock block)
    {
        if (!_queue.IsAddingCompleted && _queue.TryAdd(block)) return;
        Interlocked.Add(ref _dropped, block.Lines);
        Recycle(block);
    }

    private void Run()
    {
        foreach (LineBlock block in _queue.GetConsumingEnumerable())
        {
            if (_reopen)
            {
                _reopen = false;
                foreach (ILogSink sink in _sinks) sink.Reopen();
            }

            foreach (ILogSink sink in _sinks) sink.Write(block.Bytes.AsSpan(0, block.Length));
            Recycle(block);
        }
    }

    private void Recycle(LineBlock block)
    {
        block.Length = block.Lines = 0;
        if (_spare.Count < 64) _spare.Add(block);
    }
}

/// <summary>The lines of one loop until they fill a block or are flushed.</summary>
/// <param name="writer">Who writes them out.</param>
public sealed class LineBatch(LogWriter writer)
{
    private LineBlock _block = writer.Rent();

    /// <summary>Adds a line.</summary>
    /// <param name="line">With its line break; longer than a block it is cut.</param>
    public void Append(ReadOnlySpan<byte> line)
    {
        if (line.Length > LineBlock.Size - _block.Length) Flush();
        if (line.Length > LineBlock.Size) line = line[..LineBlock.Size];
        line.CopyTo(_block.Bytes.AsSpan(_block.Length));
        _block.Length += line.Length;
        _block.Lines++;
    }

    /// <summary>Hands the lines on.</summary>
    public void Flush()
    {
        if (_block.Length == 0) return;
        writer.Hand(_block);
        _block = writer.Rent();
    }
}
