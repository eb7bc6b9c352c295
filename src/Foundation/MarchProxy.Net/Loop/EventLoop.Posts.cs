using System.Collections.Concurrent;
using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Loop;

public sealed partial class EventLoop
{
    private readonly ConcurrentQueue<(Action<object?> Action, object? State)> _posts = new();
    private readonly int _wake;
    private int _wakePending;

    private bool HasPosts => !_posts.IsEmpty;

    /// <summary>Runs an action on the loop, from any thread; in order for one caller.</summary>
    /// <param name="action">What to run; it must not block.</param>
    /// <param name="state">Its argument.</param>
    public void Post(Action<object?> action, object? state)
    {
        _posts.Enqueue((action, state));
        if (!IsCurrent) Wake();
    }

    /// <summary>Runs an action on the loop, from any thread.</summary>
    /// <param name="action">What to run; it must not block.</param>
    public void Post(Action action) => Post(static a => ((Action)a!)(), action);

    /// <summary>Runs a function on the loop and hands its result back.</summary>
    /// <param name="function">What to run; it may await on the loop.</param>
    public Task<T> InvokeAsync<T>(Func<Task<T>> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => _ = Forward(function, done));
        return done.Task;

        static async Task Forward(Func<Task<T>> function, TaskCompletionSource<T> done)
        {
            try
            {
                done.TrySetResult(await function());
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        }
    }

    /// <summary>Runs a function on the loop and hands its result back.</summary>
    /// <param name="function">What to run.</param>
    public Task<T> InvokeAsync<T>(Func<T> function) => InvokeAsync(() => Task.FromResult(function()));

    private unsafe void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) != 0) return;
        ulong one = 1;
        Libc.write(_wake, (byte*)&one, 8);
    }

    private void WatchWakeups()
    {
        int result = Register(new WakeHandle(this), _wake, EPOLLIN);
        if (result < 0) throw new IOException($"The loop cannot watch its eventfd: {Errno.Name(result)}.");
    }

    private void RunPosts()
    {
        for (int i = 0; i < _options.MaxPostsPerTurn && _posts.TryDequeue(out var post); i++)
        {
            try
            {
                post.Action(post.State);
            }
            catch (Exception e)
            {
                Report(e);
            }
        }
    }

    private sealed unsafe class WakeHandle(EventLoop loop) : IoHandle
    {
        internal override void OnEvents(uint events)
        {
            ulong value;
            Libc.read(loop._wake, (byte*)&value, 8);

            // Cleared before the queue is drained: a post that comes later wakes again, one that came before is drained below.
            Volatile.Write(ref loop._wakePending, 0);
            Interlocked.MemoryBarrier();
        }
    }
}
