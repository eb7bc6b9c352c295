using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>The server connection that a session is lent: got, set up, given back.</content>
internal sealed partial class PgSession
{
    private readonly Expectations _expected = new();
    private PgServer? _server;
    private ServerPool? _pool;
    private ValueTask<int> _relay;
    private bool _hasRelay, _busy, _unsynced, _pinned;

    /// <summary>Whether the server has answered everything and is in no transaction.</summary>
    private bool IsIdle => _expected.Count == 0 && !_unsynced && _server!.Status == TransactionStatus.Idle;

    /// <summary>Has a server connection lent to this session.</summary>
    /// <returns>Null, or why there is none.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<string?> LinkAsync(bool onlyReads)
    {
        if (_reply.Length > 0 && !await SayAsync()) return "the client has left";
        if (_hasRelay)
        {
            _hasRelay = false;
            await _relay;
        }

        (ServerResult result, ServerPool pool) = await AcquireAsync(Choose(onlyReads));
        if (result.Connection is not PgServer server)
        {
            Db.Metrics.BackendError(Target.Database.Name, result.Queued ? "queue" : "connect");
            return result.Fault;
        }

        if (Client.IsClosed)
        {
            pool.Release(server, reusable: true);
            return "the client has left";
        }

        _pool = pool;
        _server = server;
        _expected.Clear();
        _unsynced = false;
        Record.Server = pool.Share.Label;
        if (server.SettledFor != _wanted.Key)
        {
            if (PgSettings.Difference(server, _wanted.Values, Target.Parameters) is { } sql && await AskAsync(server, sql) is { } fault)
            {
                Unlink(reusable: false);
                return fault;
            }

            NoteSettings(server);
            server.SettledFor = _wanted.Key;
        }

        _relay = RelayAsync(server);
        _hasRelay = true;
        return null;
    }

    /// <summary>Gives the server connection back, or closes it.</summary>
    private void Unlink(bool reusable)
    {
        if (_server is not { } server) return;
        _server = null;
        _pinned = false;

        // Whoever waits for its answers waits no longer: the next session will.
        server.Connection.CancelRead();
        if (server.Input.IsEmpty) server.Input.Release();
        ServerPool pool = _pool!;
        if (server.CancelsUnderWay > 0)
        {
            // It must not hit the next client's statement.
            _ = ReleaseAfterCancelsAsync(pool, server, reusable);
            return;
        }

        pool.Release(server, reusable);
    }

    private static async Task ReleaseAfterCancelsAsync(ServerPool pool, PgServer server, bool reusable)
    {
        while (server.CancelsUnderWay > 0) await new LoopSignal(pool.Loop).WaitAsync(10);
        pool.Release(server, reusable);
    }

    /// <summary>The client is gone: what it left is cleaned up, or closed.</summary>
    protected override async Task LeaveAsync()
    {
        if (_cancelKey != 0) Db.Shared.Cancels.TryRemove(_cancelKey, out _);
        await GiveBackAsync();
        _input.Release();
    }

    private async Task GiveBackAsync()
    {
        if (_server is not { } server) return;
        bool clean = IsIdle && !_busy && server.Input.IsEmpty && !server.Connection.IsClosed;
        if (!clean || (!_pinned && Target.Database.Pool.Mode != DbPoolMode.Session))
        {
            if (!clean && !server.Connection.IsClosed && _expected.Ready > 0) Cancel(Db, server);
            Unlink(reusable: clean);
            return;
        }

        server.Connection.CancelRead();
        if (_hasRelay)
        {
            _hasRelay = false;
            await _relay;
        }

        bool reset = await AskAsync(server, "DISCARD ALL") is null;
        if (reset) server.ForgetAll();
        Unlink(reusable: reset);
    }

    /// <summary>The transaction is over: in the pool's mode, the connection goes back.</summary>
    private void Settle()
    {
        if (_pinned || Target.Database.Pool.Mode == DbPoolMode.Session) return;
        Unlink(reusable: true);
        if (Ending) EndIdle();
    }

    /// <summary>From here on the connection is this session's alone, until it leaves.</summary>
    private void Pin(string reason)
    {
        if (_pinned) return;
        _pinned = true;
        _server!.IsDirty = true;
        Db.Metrics.Pinned(reason);
    }

    /// <summary>Asks a server something of our own and waits for its answer; only while nothing else is on its way.</summary>
    /// <returns>Null, or what went wrong.</returns>
    private async ValueTask<string?> AskAsync(PgServer server, string sql) =>
        (await new PgConversation(server, Db.Loop.NowMs + (long)Target.Database.Pool.ConnectTimeout.TotalMilliseconds).AskAsync(sql)).Fault;

    /// <summary>Keeps what a server does not tell of: its Applied is what this session wants of such settings.</summary>
    private void NoteSettings(PgServer server)
    {
        server.Applied.Clear();
        foreach ((string name, string value) in _wanted.Values.ToArray())
        {
            // What the server tells of is wanted as it spells it, so that it is known to be so the next time.
            if (server.Reported.TryGetValue(name, out string? spelt)) _wanted.Set(name, spelt);
            else server.Applied[name] = value;
        }
    }
}
