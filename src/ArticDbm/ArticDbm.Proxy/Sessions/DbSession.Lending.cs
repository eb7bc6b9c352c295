using System.Runtime.CompilerServices;
using ArticDbm.Proxy.Pools;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Sessions;

/// <content>How a session comes by a server connection: which server, and what if it is away.</content>
internal abstract partial class DbSession
{
    /// <summary>Between two tries for a primary that is away.</summary>
    private const long RetryMs = 100;

    /// <summary>After a write, a session's reads stay with the primary so long: replicas lag.</summary>
    private const long OwnWritesMs = 2_000;

    private long _lastWrite = long.MinValue / 2;
    private LoopSignal? _retry;
    private ServerPool? _waitsIn;
    private bool _waitCancelled;

    /// <summary>Whether statements that only read may go to replicas now: where the database lets them, and this session has written nothing that a replica may not have yet.</summary>
    protected bool MayReadFromReplicas => Target.Database.ReadWriteSplit && Db.Loop.NowMs - _lastWrite > OwnWritesMs;

    /// <summary>The session writes.</summary>
    protected void NoteWrite() => _lastWrite = Db.Loop.NowMs;

    /// <summary>The server for what comes next.</summary>
    /// <param name="onlyReads">Whether it only reads.</param>
    protected ServerShare Choose(bool onlyReads) => onlyReads && MayReadFromReplicas ? Target.ChooseReader() : Target.Primary;

    /// <summary>
    /// Has a connection lent; nothing of the statement has been sent yet. A replica that is away costs nobody an answer: the primary is asked. A primary that is away may have a successor soon when there
    /// are other servers, and is waited for as long as for a free connection.
    /// </summary>
    /// <param name="first">The server that is wanted.</param>
    /// <returns>The connection and the pool that it goes back to, or why there is none.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    protected async ValueTask<(ServerResult Result, ServerPool Pool)> AcquireAsync(ServerShare first)
    {
        _waitCancelled = false;
        ServerShare share = first;
        long deadline = 0;
        while (true)
        {
            ServerPool pool = _waitsIn = Db.Pool(share);
            ServerResult result = await pool.AcquireAsync(this);
            _waitsIn = null;
            if (result.Connection is not null || result.Queued || Client.IsClosed) return (result, pool);
            if (_waitCancelled || result.Fault == ServerPool.Cancelled) return (new ServerResult(null, ServerPool.Cancelled), pool);
            if (share == Target.Primary)
            {
                if (deadline == 0) deadline = Db.Loop.NowMs + (long)Target.Database.Pool.QueueTimeout.TotalMilliseconds;
                if (!Target.IsLookedAfter || Db.Loop.NowMs >= deadline) return (result, pool);
                await (_retry ??= new LoopSignal(Db.Loop)).WaitAsync(RetryMs);
            }

            share = Target.Primary;
        }
    }

    /// <summary>Ends a wait for a connection, where there is one.</summary>
    protected void CancelWait()
    {
        _waitCancelled = true;
        _waitsIn?.Cancel(this);
        _retry?.Complete(0);
    }
}
