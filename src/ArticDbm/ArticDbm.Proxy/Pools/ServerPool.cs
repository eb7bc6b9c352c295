using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Timers;

namespace ArticDbm.Proxy.Pools;

/// <summary>What an attempt to open or get a server connection came to.</summary>
/// <param name="Connection">The connection, or null.</param>
/// <param name="Fault">Why there is none: a sentence for the operator.</param>
/// <param name="Queued">Whether the wait in the queue took too long, or the queue was full.</param>
internal readonly record struct ServerResult(ServerConnection? Connection, string Fault = "", bool Queued = false);

/// <summary>
/// One loop's connections to one server of a database. The limit holds for the process: a loop that finds it reached asks the others for what they do not use, and waits its
/// turn, first come, first served.
/// </summary>
internal sealed class ServerPool : TimerNode
{
    private const int PeriodMs = 250;

    /// <summary>Between two connections that a loop gives up for another which has some of its own: opening one costs a log-in, and loops that took turns at it would do little else.</summary>
    private const int GiftMs = 100;

    /// <summary>Of the limit, how much may be free at the most.</summary>
    private const double MayIdle = 0.8;

    private static readonly Action<object?> s_gone = static state =>
    {
        var connection = (ServerConnection)state!;
        if (connection.Pool!._free.Remove(connection)) connection.Pool.Discard(connection);
    };

    private readonly Func<ServerPool, ValueTask<ServerResult>> _open;
    private readonly List<ServerConnection> _free = [];
    private readonly Queue<Waiter> _waiters = new();
    private readonly DbPool _settings;
    private bool _closed;
    private long _nextGift;
    private int _held;
    private long _replaceAt = -1;
    private int _waiting;

    public ServerPool(EventLoop loop, ServerShare share, Func<ServerPool, ValueTask<ServerResult>> open)
    {
        Loop = loop;
        Share = share;
        _open = open;
        _settings = share.Target.Database.Pool;
        share.Join(loop.Id, this);
        loop.Timers.Arm(this, loop.NowMs + PeriodMs);
    }

    public EventLoop Loop { get; }

    public ServerShare Share { get; }

    public int FreeCount => _free.Count;

    /// <summary>Connections that nobody uses, for whoever wants to see them.</summary>
    public IReadOnlyList<ServerConnection> FreeConnections => _free;

    /// <summary>How long the first of the queue has waited.</summary>
    public long OldestWaitMs => _waiters.FirstOrDefault(w => w.IsWaiting) is { } first ? Loop.NowMs - first.Since : 0;

    public bool HasWaiters => Volatile.Read(ref _waiting) > 0;

    /// <summary>Whether somebody waits here and no connection is open that could come back to him.</summary>
    public bool IsStarved => HasWaiters && Volatile.Read(ref _held) == 0;

    /// <summary>Why there is no connection, when its wait was cancelled.</summary>
    public const string Cancelled = "the wait was cancelled";

    /// <summary>Gets a connection: a free one, a new one, or the next that comes free.</summary>
    /// <param name="owner">Who asks, for <see cref="Cancel"/>.</param>
    public ValueTask<ServerResult> AcquireAsync(object? owner = null)
    {
        if (Share.Target.IsPaused) return QueueAsync(owner);
        while (_free.Count > 0)
        {
            ServerConnection connection = _free[^1];
            _free.RemoveAt(_free.Count - 1);
            Unwatch(connection);
            if (connection.IsUsable && Loop.NowMs < connection.EndsAt) return new ValueTask<ServerResult>(new ServerResult(connection));
            Discard(connection);
        }

        if (Share.IsPaused) return new ValueTask<ServerResult>(new ServerResult(null, Share.LastFault ?? "the server cannot be had"));
        return Share.TryReserve() ? OpenAsync() : QueueAsync(owner);
    }

    /// <summary>Takes a connection back.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="reusable">Whether it is as one that was just opened.</param>
    public void Release(ServerConnection connection, bool reusable)
    {
        if (!reusable || _closed || !connection.IsUsable || Loop.NowMs >= connection.EndsAt || connection.OpenedAt <= _replaceAt || Share.Target.IsPaused)
        {
            Discard(connection);
            TryServeWaiter();
            return;
        }

        while (_waiters.TryDequeue(out Waiter? waiter))
        {
            if (!waiter.IsWaiting) continue;
            waiter.Connection = connection;
            waiter.Complete(0);
            return;
        }

        // Nobody waits here; whoever waits on another loop can open one in its place.
        if ((Share.Waiting > 0 && MayGiveUpOne()) || _free.Count >= Math.Max(1, (int)(Share.Limit * MayIdle)))
        {
            Discard(connection);
            return;
        }

        connection.FreeSince = Loop.NowMs;
        connection.Connection.OnEnded = true;
        connection.Pool = this;
        connection.Connection.HangUpState = connection;
        connection.Connection.OnHangUp = s_gone;
        if (connection.Connection.Watch() < 0) Discard(connection);
        else _free.Add(connection);
    }

    /// <summary>Ends the wait of somebody who waits in the queue.</summary>
    public void Cancel(object owner)
    {
        foreach (Waiter waiter in _waiters)
        {
            if (waiter.Owner != owner || !waiter.IsWaiting) continue;
            waiter.Fault = Cancelled;
            waiter.Complete(-Errno.ECANCELED);
            return;
        }
    }

    /// <summary>Opens connections ahead of the first client.</summary>
    /// <param name="count">How many are wanted.</param>
    public async Task WarmUpAsync(int count)
    {
        for (int i = 0; i < count && !_closed && !Share.Target.IsPaused && Share.TryReserve(); i++)
        {
            ServerResult opened = await OpenAsync();
            if (opened.Connection is null) return;
            Release(opened.Connection, reusable: true);
        }
    }

    /// <summary>Another loop needs a connection: one that is free here makes room for it.</summary>
    public void CloseOneFree()
    {
        if (_free.Count == 0 || HasWaiters || !MayGiveUpOne()) return;
        ServerConnection oldest = _free[0];
        _free.RemoveAt(0);
        Unwatch(oldest);
        Discard(oldest);
    }

    /// <summary>There is room for one more connection: whoever waits first gets it.</summary>
    public void TryServeWaiter()
    {
        while (_waiters.TryPeek(out Waiter? waiter) && !waiter.IsWaiting) _waiters.Dequeue();
        if (_waiters.Count > 0 && !_closed && !Share.Target.IsPaused && Share.TryReserve()) _ = OpenForWaiterAsync();
    }

    /// <summary>Its database is lent again: whoever waits gets a connection, as far as there may be so many.</summary>
    public void ServeWaiters()
    {
        for (int i = Math.Min(_waiters.Count, Share.Limit); i > 0; i--) TryServeWaiter();
    }

    /// <summary>Closes what nobody uses.</summary>
    public void CloseFree()
    {
        foreach (ServerConnection connection in _free)
        {
            Unwatch(connection);
            Discard(connection);
        }

        _free.Clear();
    }

    /// <summary>Replaces every connection: free ones now, the others when they come back.</summary>
    public void Reconnect()
    {
        _replaceAt = Loop.NowMs;
        CloseFree();
    }

    /// <summary>Its database is gone or another: what is free closes now, what is used when it comes back.</summary>
    public void Close()
    {
        _closed = true;
        Disarm();
        CloseFree();
        while (_waiters.TryDequeue(out Waiter? waiter)) waiter.Complete(-Errno.ECANCELED);
    }

    protected override void OnExpired()
    {
        if (_closed) return;
        long now = Loop.NowMs, idle = (long)_settings.IdleTimeout.TotalMilliseconds;
        for (int i = _free.Count - 1; i >= 0; i--)
        {
            ServerConnection connection = _free[i];
            if (now < connection.EndsAt && (idle == 0 || now - connection.FreeSince < idle)) continue;
            _free.RemoveAt(i);
            Unwatch(connection);
            Discard(connection);
        }

        // What was kept back when it was asked for is asked for again.
        if (HasWaiters) Share.AskForFree(this);
        Loop.Timers.Arm(this, now + PeriodMs);
    }

    private bool MayGiveUpOne()
    {
        if (Loop.NowMs < _nextGift && !Share.IsAnyStarved) return false;
        _nextGift = Loop.NowMs + GiftMs;
        return true;
    }

    private async Task OpenForWaiterAsync()
    {
        ServerResult opened = await OpenAsync();
        if (opened.Connection is { } connection)
        {
            Release(connection, reusable: true);
            return;
        }

        // The server is away: nobody behind fares better, and all should be told rather than wait.
        while (_waiters.TryDequeue(out Waiter? waiter))
        {
            waiter.Fault = opened.Fault;
            waiter.Complete(-Errno.ECONNREFUSED);
        }
    }

    private async ValueTask<ServerResult> OpenAsync()
    {
        ServerResult opened = await _open(this);
        if (opened.Connection is not { } connection)
        {
            Share.Failed(opened.Fault);
            Share.Free();
            return opened;
        }

        Share.Succeeded();
        Volatile.Write(ref _held, _held + 1);
        connection.OpenedAt = Loop.NowMs;
        double spread = 0.9 + (Random.Shared.NextDouble() * 0.2);
        connection.EndsAt = _settings.Lifetime > TimeSpan.Zero ? Loop.NowMs + (long)(_settings.Lifetime.TotalMilliseconds * spread) : long.MaxValue;
        return opened;
    }

    private async ValueTask<ServerResult> QueueAsync(object? owner)
    {
        if (_waiters.Count >= _settings.MaxQueue) return new ServerResult(null, $"{_waiters.Count} clients wait for a connection already", Queued: true);
        var waiter = new Waiter(Loop, owner);
        _waiters.Enqueue(waiter);
        Interlocked.Increment(ref _waiting);
        Share.CountWaiting(1);
        Share.AskForFree(this);
        int result = await waiter.WaitAsync((long)_settings.QueueTimeout.TotalMilliseconds);
        Interlocked.Decrement(ref _waiting);
        Share.CountWaiting(-1);
        Share.CountWait((Loop.NowMs - waiter.Since) * 1000);
        if (waiter.Connection is { } connection) return new ServerResult(connection);
        return result == -Errno.ETIMEDOUT ? new ServerResult(null, $"no connection came free within {_settings.QueueTimeout.TotalSeconds:0.#} s", Queued: true) : new ServerResult(null, waiter.Fault);
    }

    private void Discard(ServerConnection connection)
    {
        connection.Close();
        Volatile.Write(ref _held, _held - 1);
        Share.Free();
    }

    private static void Unwatch(ServerConnection connection)
    {
        connection.Connection.OnEnded = false;
        connection.Connection.OnHangUp = null;
        connection.Connection.HangUpState = null;
    }

    /// <summary>A client's place in the queue.</summary>
    private sealed class Waiter(EventLoop loop, object? owner)
    {
        private readonly LoopSignal _signal = new(loop);

        public object? Owner => owner;

        /// <summary>When it came; the loop's milliseconds.</summary>
        public long Since { get; } = loop.NowMs;

        public ServerConnection? Connection { get; set; }

        public string Fault { get; set; } = "the configuration has changed";

        public bool IsWaiting => _signal.IsWaiting;

        public ValueTask<int> WaitAsync(long timeoutMs) => _signal.WaitAsync(timeoutMs);

        public void Complete(int result) => _signal.Complete(result);
    }
}
