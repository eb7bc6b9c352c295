namespace MarchProxy.Net.Loop;

/// <summary>The loops of a process, one a core.</summary>
public sealed class LoopGroup : IDisposable
{
    private int _next;

    /// <summary>Makes the loops; <see cref="Start"/> sets them going.</summary>
    /// <param name="count">How many; zero for one a core.</param>
    /// <param name="options">The bounds of each.</param>
    public LoopGroup(int count = 0, EventLoopOptions? options = null)
    {
        if (count <= 0) count = Environment.ProcessorCount;
        Loops = [.. Enumerable.Range(0, count).Select(i => new EventLoop(i, options))];
    }

    /// <summary>The loops, by id.</summary>
    public IReadOnlyList<EventLoop> Loops { get; }

    /// <summary>A loop for work that comes from no loop, in turn.</summary>
    public EventLoop Next() => Loops[(int)((uint)Interlocked.Increment(ref _next) % (uint)Loops.Count)];

    /// <summary>Sets all going.</summary>
    public void Start()
    {
        foreach (EventLoop loop in Loops) loop.Start();
    }

    /// <summary>Runs an action on every loop and waits until all have.</summary>
    /// <param name="action">What each runs.</param>
    public Task ForEachAsync(Action<EventLoop> action) => Task.WhenAll(Loops.Select(loop => loop.InvokeAsync(() =>
    {
        action(loop);
        return true;
    })));

    /// <summary>Stops all and waits for their threads.</summary>
    public void Dispose()
    {
        foreach (EventLoop loop in Loops) loop.Dispose();
    }
}
