using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace MarchProxy.Net.Loop;

/// <summary>
/// Builds <c>async ValueTask&lt;T&gt;</c> methods of the loops without allocation. The runtime's own pooling builder keeps one spare state machine a
/// thread; a loop has one suspended for every connection, so here each thread keeps as many as were ever in use (up to a bound). Use it by
/// <c>[AsyncMethodBuilder(typeof(LoopMethodBuilder&lt;&gt;))]</c>; such a task is awaited once, on its loop, and resumes inline.
/// </summary>
/// <typeparam name="T">The method's result.</typeparam>
public struct LoopMethodBuilder<T>
{
    private Box? _box;
    private T _result;

    /// <summary>What the compiled method returns.</summary>
    public readonly ValueTask<T> Task => _box is null ? new ValueTask<T>(_result) : new ValueTask<T>(_box, _box.Version);

    /// <summary>Called by compiled code.</summary>
    public static LoopMethodBuilder<T> Create() => default;

    /// <summary>Called by compiled code.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Called by compiled code; nothing to do.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>Called by compiled code.</summary>
    public void SetResult(T result)
    {
        if (_box is null) _result = result;
        else _box.Complete(result, null);
    }

    /// <summary>Called by compiled code.</summary>
    public void SetException(Exception exception)
    {
        _box ??= new Box();
        _box.Complete(default!, ExceptionDispatchInfo.Capture(exception));
    }

    /// <summary>Called by compiled code.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Suspend(ref stateMachine));

    /// <summary>Called by compiled code.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Suspend(ref stateMachine));

    private Action Suspend<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is Box<TStateMachine> suspended) return suspended.MoveNextAction;

        // This builder is a field of the state machine: it must know its box before the machine is copied into it.
        Box<TStateMachine> box = Box<TStateMachine>.Rent();
        _box = box;
        box.StateMachine = stateMachine;
        return box.MoveNextAction;
    }

    /// <summary>The result of a method that was suspended.</summary>
    private class Box : IValueTaskSource<T>
    {
        private static readonly Action<object?> s_completed = static _ => { };
        private Action<object?>? _continuation;
        private object? _state;
        private T _result = default!;
        private ExceptionDispatchInfo? _failure;

        public short Version { get; private set; }

        public void Complete(T result, ExceptionDispatchInfo? failure)
        {
            _result = result;
            _failure = failure;
            Action<object?>? continuation = Interlocked.Exchange(ref _continuation, s_completed);
            continuation?.Invoke(_state);
        }

        T IValueTaskSource<T>.GetResult(short token)
        {
            if (token != Version || !ReferenceEquals(_continuation, s_completed)) throw new InvalidOperationException("A task of a loop was awaited twice or before it ended.");
            T result = _result;
            ExceptionDispatchInfo? failure = _failure;
            _continuation = null;
            _state = null;
            _result = default!;
            _failure = null;
            Version++;
            Recycle();
            failure?.Throw();
            return result;
        }

        ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) =>
            !ReferenceEquals(_continuation, s_completed) ? ValueTaskSourceStatus.Pending
            : _failure is null ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Faulted;

        void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        {
            _state = state;
            if (Interlocked.CompareExchange(ref _continuation, continuation, null) is not null) continuation(state);
        }

        protected virtual void Recycle()
        {
        }
    }

    /// <summary>A suspended method: its state machine, and the way back into it.</summary>
    private sealed class Box<TStateMachine> : Box
        where TStateMachine : IAsyncStateMachine
    {
        /// <summary>Spare boxes a thread keeps of one method: as many connections as a loop usually has busy at once.</summary>
        private const int MostSpare = 4096;

        [ThreadStatic] private static Box<TStateMachine>? t_spare;
        [ThreadStatic] private static int t_spareCount;
        private Box<TStateMachine>? _next;

        private Box() => MoveNextAction = () => StateMachine.MoveNext();

        public TStateMachine StateMachine = default!;

        public Action MoveNextAction { get; }

        public static Box<TStateMachine> Rent()
        {
            if (t_spare is not { } box) return new Box<TStateMachine>();
            t_spare = box._next;
            t_spareCount--;
            box._next = null;
            return box;
        }

        protected override void Recycle()
        {
            StateMachine = default!;
            if (t_spareCount >= MostSpare) return;
            t_spareCount++;
            _next = t_spare;
            t_spare = this;
        }
    }
}
