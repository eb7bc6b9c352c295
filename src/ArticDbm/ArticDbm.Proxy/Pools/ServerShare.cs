using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Health;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Pools;

/// <summary>One server of a database, for all loops: how many connections to it there may be, how many there are, and how it is.</summary>
internal sealed class ServerShare
{
    /// <summary>After a failed log-in or connection, nobody tries for this long, growing to the second: a server that comes back must not be met by all at once.</summary>
    private const int FirstPauseMs = 50, LongestPauseMs = 1_000;

    private readonly ServerPool?[] _pools;
    private readonly TimeProvider _time;
    private int _open, _waiting, _failures, _next;
    private long _pausedUntil, _waited;

    public ServerShare(DbTarget target, DbServer server, int loops, TimeProvider time)
    {
        Target = target;
        Server = server;
        Health = new ServerHealth(target.Database.Health, server.Role);
        _pools = new ServerPool?[loops];
        _time = time;
        Limit = server.MaxConnections > 0 ? server.MaxConnections : target.Database.Pool.Size;
        Label = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}");
    }

    public DbTarget Target { get; }

    public DbServer Server { get; }

    public int Limit { get; }

    /// <summary>What is known of the server.</summary>
    public ServerHealth Health { get; }

    /// <summary>HOST:PORT.</summary>
    public string Label { get; }

    public int Open => Volatile.Read(ref _open);

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Why the last try failed; null when it did not.</summary>
    public string? LastFault { get; private set; }

    /// <summary>Takes the right to open one more connection.</summary>
    public bool TryReserve()
    {
        while (true)
        {
            int open = Volatile.Read(ref _open);
            if (open >= Limit) return false;
            if (Interlocked.CompareExchange(ref _open, open + 1, open) == open) return true;
        }
    }

    /// <summary>Gives that right back: a connection was closed, or never came. Whoever waits on another loop is told.</summary>
    public void Free()
    {
        Interlocked.Decrement(ref _open);
        if (Volatile.Read(ref _waiting) > 0) WakeOne();
    }

    /// <summary>Somebody waits, or no longer.</summary>
    public void CountWaiting(int by) => Interlocked.Add(ref _waiting, by);

    /// <summary>Time that clients have spent in the queue.</summary>
    public long WaitedMicros => Interlocked.Read(ref _waited);

    /// <summary>Somebody's wait is over.</summary>
    public void CountWait(long micros) => Interlocked.Add(ref _waited, micros);

    /// <summary>The pool of a loop joins.</summary>
    public void Join(int loop, ServerPool pool) => Volatile.Write(ref _pools[loop], pool);

    /// <summary>Asks the other loops to part with a connection that nobody uses.</summary>
    public void AskForFree(ServerPool asker)
    {
        foreach (ServerPool? pool in _pools)
        {
            if (pool is not null && pool != asker && pool.FreeCount > 0) pool.Loop.Post(static p => ((ServerPool)p!).CloseOneFree(), pool);
        }
    }

    /// <summary>Whether a loop has clients that wait and no connection at all.</summary>
    public bool IsAnyStarved
    {
        get
        {
            foreach (ServerPool? pool in _pools)
            {
                if (pool is { IsStarved: true }) return true;
            }

            return false;
        }
    }

    /// <summary>Whether it is known to be away, and not yet time to try again.</summary>
    public bool IsPaused => Volatile.Read(ref _failures) > 0 && _time.GetTimestamp() < Volatile.Read(ref _pausedUntil);

    public void Failed(string fault)
    {
        LastFault = fault;
        int failures = Math.Min(Interlocked.Increment(ref _failures), 10);
        long pause = Math.Min(FirstPauseMs << (failures - 1), LongestPauseMs);
        Volatile.Write(ref _pausedUntil, _time.GetTimestamp() + (pause * _time.TimestampFrequency / 1000));
    }

    public void Succeeded()
    {
        if (Volatile.Read(ref _failures) == 0) return;
        Volatile.Write(ref _failures, 0);
        LastFault = null;
    }

    private void WakeOne()
    {
        int start = Interlocked.Increment(ref _next);
        for (int i = 0; i < _pools.Length; i++)
        {
            if (_pools[(int)((uint)(start + i) % (uint)_pools.Length)] is not { HasWaiters: true } pool) continue;
            pool.Loop.Post(static p => ((ServerPool)p!).TryServeWaiter(), pool);
            return;
        }
    }
}
