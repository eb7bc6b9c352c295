using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using MarchProxy.Net.Timers;

namespace MarchProxy.Net.Loop;

/// <summary>
/// One reusable wait on a loop: the value-task source behind "readable", "writable" and "expired". It belongs to one loop, has one waiter
/// at a time, resumes it inline and allocates nothing. The result is zero, or a negative <see cref="Errno"/>.
/// </summary>
public sealed class LoopSignal(EventLoop loop) : TimerNode, IValueTaskSource<int>
{
    private static readonly Action<object?> s_completed = static _ => { };
    private Action<object?>? _continuation;
    private object? _state;
    private int _result;
    private short _version;
    private bool _waiting;

    /// <summary>Whether somebody waits.</summary>
    public bool IsWaiting => _waiting;

    /// <summary>Begins a wait; end it with <see cref="Complete"/>.</summary>
    /// <param name="timeoutMs">Milliseconds until it ends with -ETIMEDOUT; zero or less for never.</param>
    public ValueTask<int> WaitAsync(long timeoutMs = 0)
    {
        loop.AssertOnLoop();
        if (_waiting) ThrowSecondWaiter();
        _waiting = true;
        _continuation = null;
        _version++;
        if (timeoutMs > 0) loop.Timers.Arm(this, loop.NowMs + timeoutMs);
        return new ValueTask<int>(this, _version);
    }

    /// <summary>Ends the wait, if there is one, and runs the waiter.</summary>
    /// <param name="result">Zero, or a negative error number.</param>
    /// <returns>Whether somebody waited.</returns>
    public bool Complete(int result)
    {
        if (!_waiting) return false;
        _waiting = false;
        Deadline = long.MaxValue;
        _result = result;
        Action<object?>? continuation = _continuation;
        if (continuation is null)
        {
            _continuation = s_completed;
            return true;
        }

        object? state = _state;
        _continuation = s_completed;
        _state = null;
        continuation(state);
        return true;
    }

    /// <inheritdoc/>
    protected internal override void OnExpired() => Complete(-Errno.ETIMEDOUT);

    int IValueTaskSource<int>.GetResult(short token)
    {
        if (token != _version || _waiting) ThrowMisused();
        _version++;
        return _result;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) =>
        _waiting && token == _version ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (token != _version) ThrowMisused();
        if (ReferenceEquals(_continuation, s_completed))
        {
            continuation(state);
            return;
        }

        _state = state;
        _continuation = continuation;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowSecondWaiter() => throw new InvalidOperationException("Two waits on one signal at the same time.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowMisused() => throw new InvalidOperationException("A wait was awaited twice or before it ended.");
}
