using System.Runtime.CompilerServices;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Pools;
using ArticDbm.Security;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.MySql;

/// <content>The server connection that a session is lent: got, set up, given back.</content>
internal sealed partial class MySqlSession
{
    private MySqlServer? _server;
    private ServerPool? _pool;
    private bool _pinned, _held;
    private int _cursors;
    private MySqlStatus _status = MySqlStatus.AutoCommit;

    /// <summary>The status that answers of our own tell.</summary>
    private MySqlStatus Status => _status & ~(MySqlStatus.MoreResults | MySqlStatus.CursorExists | MySqlStatus.LastRowSent | MySqlStatus.SessionStateChanged);

    private long AskDeadline => Db.Loop.NowMs + (long)Target.Database.Pool.ConnectTimeout.TotalMilliseconds;

    /// <summary>Has a server connection lent to this session, with the session's settings on it.</summary>
    /// <returns>Null, or why there is none.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<string?> LinkAsync(bool onlyReads)
    {
        if (_server is null && await BorrowAsync(onlyReads) is { } away) return away;
        MySqlServer server = _server!;
        if (ReferenceEquals(server.Settings, _settings)) return null;
        if ((await new MySqlConversation(server, AskDeadline).AskAsync(MySqlSettings.Difference(server.Settings, _settings))).Fault is { } fault)
        {
            Unlink(reusable: false);
            return $"the session's settings cannot be put on the server: {fault}";
        }

        server.Settings = _settings;
        return null;
    }

    private async ValueTask<string?> BorrowAsync(bool onlyReads)
    {
        (ServerResult result, ServerPool pool) = await AcquireAsync(Choose(onlyReads));
        if (result.Connection is not MySqlServer server)
        {
            if (!_left && result.Fault != ServerPool.Cancelled) Db.Metrics.BackendError(Target.Database.Name, result.Queued ? "queue" : "connect");
            return result.Fault;
        }

        if (_left || Client.IsClosed)
        {
            pool.Release(server, reusable: true);
            return "the client has left";
        }

        bool foundRows = (_capabilities & MySqlCapabilities.FoundRows) != 0;
        if (server.FoundRows != foundRows)
        {
            // How rows are counted is agreed on at the log-in: a connection that counts otherwise makes way for one that does as this client wants.
            long endsAt = server.EndsAt;
            ServerResult other = await MySqlDialer.OpenAsync(Db, pool.Share, foundRows);
            if (other.Connection is not MySqlServer fitting)
            {
                pool.Release(server, reusable: true);
                return other.Fault;
            }

            server.Close();
            server = fitting;
            server.EndsAt = endsAt;
        }

        _pool = pool;
        _server = server;
        Record.Server = pool.Share.Label;
        return null;
    }

    /// <summary>The answer is over: in the pool's mode, the connection goes back.</summary>
    private void Settle()
    {
        if (_server is not { } server || server.InTransaction || _pinned || _held || _cursors > 0 || Target.Database.Pool.Mode == DbPoolMode.Session) return;
        Unlink(reusable: true);
    }

    /// <summary>Gives the server connection back, or closes it.</summary>
    private void Unlink(bool reusable)
    {
        if (_server is not { } server) return;
        _server = null;
        _pinned = _held = false;
        _cursors = 0;
        _status &= ~MySqlStatus.InTransaction;
        if (server.Input.IsEmpty) server.Input.Release();
        _pool!.Release(server, reusable && !server.WasKilled);
    }

    /// <summary>The session leaves its server connection, whatever is open on it: it is cleaned up, or closed.</summary>
    private async ValueTask GiveBackAsync(bool midway)
    {
        if (_server is not { } server) return;
        bool clean = !midway && server.Input.IsEmpty && !server.Connection.IsClosed && !server.WasKilled;
        if (clean && (server.IsDirty || server.InTransaction || _cursors > 0 || Target.Database.Pool.Mode == DbPoolMode.Session)) clean = await MySqlDialer.ResetAsync(server, AskDeadline) is null;
        Unlink(clean);
    }

    /// <summary>From here on the connection is this session's alone, until it leaves.</summary>
    private void Pin(string reason)
    {
        if (_pinned || _server is not { } server) return;
        _pinned = true;
        server.IsDirty = true;
        Db.Metrics.Pinned(reason);
    }

    private bool OnlyReads(StatementReport report) =>
        (report.Traits & StatementTraits.OnlyReads) != 0 && (report.Traits & StatementTraits.Begin) == 0 && (_status & MySqlStatus.AutoCommit) != 0;
}
