using System.Runtime.CompilerServices;

namespace MarchProxy.Net.Loop;

/// <summary>
/// Awaiting it continues on its loop: at once when already there, by a post otherwise. Code that awaits a foreign task on a loop
/// (name resolution, a file) awaits this next.
/// </summary>
public readonly struct LoopEntry(EventLoop loop) : ICriticalNotifyCompletion
{
    /// <summary>Whether no switch is needed.</summary>
    public bool IsCompleted => loop.IsCurrent;

    /// <summary>This, as its own awaiter.</summary>
    public LoopEntry GetAwaiter() => this;

    /// <summary>Ends the await; there is no result.</summary>
    public void GetResult()
    {
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => loop.Post(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => loop.Post(continuation);
}
