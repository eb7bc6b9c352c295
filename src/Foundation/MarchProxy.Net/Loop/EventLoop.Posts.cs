using System.Collections.Concurrent;
using MarchProxy.Net.Interop;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Loop;

public sealed partial class EventLoop
{
    private readonly ConcurrentQueue<(Action<object?> Action, object? State)> _posts = new();
    private readonly Lock _wakeGate = new();
    private readonly int _wake;
    private int _wakePending;
    private bool _wakeClosed;
    private volatile bool _ended;

    private bool HasPosts => !_posts.IsEmpty;

    /// <summary>Runs an action on the loop, from any thread; in order for one caller. A loop that has ended drops it.</summary>
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
    /// <returns>Its result; <see cref="ObjectDisposedException"/> when the loop ended before it could begin.</returns>
    public Task<T> InvokeAsync<T>(Func<Task<T>> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => _ = Forward(function, done));

        // The loop sets _ended and then drains once more, so an action that it misses finds it set here.
        Interlocked.MemoryBarrier();
        if (_ended) done.TrySetException(new ObjectDisposedException(nameof(EventLoop)));
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

    /// <summary>Runs a function on the loop and waits until it has ended.</summary>
    /// <param name="function">What to run; it may await on the loop.</param>
    public Task InvokeAsync(Func<Task> function) => InvokeAsync(async () =>
    {
        await function();
        return true;
    });

    private unsafe void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) != 0) return;
        ulong one = 1;

        // Once closed, the number may be somebody else's descriptor.
        lock (_wakeGate)
        {
            if (!_wakeClosed) Libc.write(_wake, (byte*)&one, 8);
        }
    }

    private void CloseWakeups()
    {
        lock (_wakeGate)
        {
            _wakeClosed = true;
            Libc.close(_wake);
        }
    }

    private void WatchWakeups()
    {
        var handle = new WakeHandle(this);
        Adopt(handle);
        int result = Register(handle, _wake, EPOLLIN);
        if (result < 0) throw new IOException($"The loop cannot watch its eventfd: {Errno.Name(result)}.");
    }

    /// <summary>Runs what was posted before the end; later posts are dropped.</summary>
    private void ClosePosts()
    {
        _ended = true;
        Interlocked.MemoryBarrier();
        for (int left = _posts.Count; left > 0; left -= _options.MaxPostsPerTurn) RunPosts();
    }

    private bool RunPosts()
    {
        int ran = 0;
        for (; ran < _options.MaxPostsPerTurn && _posts.TryDequeue(out var post); ran++)
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

        return ran > 0;
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
