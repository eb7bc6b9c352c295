using System.Diagnostics;
using System.Net;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <summary>
/// One client of PostgreSQL's protocol, from accept to close. It logs in with us; a server connection is lent to it for as long as the pool's mode says. Its own messages are
/// read one by one, judged, and passed on; the server's are passed on as they come, and only their frames are looked at.
/// </summary>
internal sealed partial class PgSession : IDbSession
{
    private readonly DbLoop _db;
    private readonly DbListener _listener;
    private readonly TcpConnection _client;
    private readonly StatementRecord _record = new();
    private readonly PgWriter _reply = new();
    private readonly PgWriter _toServer = new();
    private readonly LoopSignal _settled;
    private StreamInput _input;
    private DbTarget _target = null!;
    private DbAccount _account = null!;
    private AccessRules _rules = AccessRules.None;
    private DbSecurity _security = DbSecurity.None;
    private DbConfig? _obeyed;
    private long _cancelKey;
    private bool _loggedIn, _ending;

    private PgSession(DbLoop db, TcpConnection client, DbListener listener)
    {
        _db = db;
        _client = client;
        _listener = listener;
        _settled = new LoopSignal(db.Loop);
    }

    IDbSession? IDbSession.Next { get; set; }

    IDbSession? IDbSession.Previous { get; set; }

    private IPAddress? Address => _client.Remote.Address;

    /// <summary>Takes a fresh connection over.</summary>
    public static void Start(DbLoop db, TcpConnection client, DbListener listener)
    {
        var session = new PgSession(db, client, listener);
        db.Sessions.Add(session);
        _ = session.RunAsync();
    }

    /// <summary>Ends now when nothing is under way; else after the transaction.</summary>
    public void Drain()
    {
        _ending = true;
        if (_server is null || !_loggedIn) EndIdle();
    }

    /// <summary>Ends at once.</summary>
    public void Kill() => _client.Abort();

    /// <summary>Ends a session whose account is gone, has expired, or may no longer reach the database: between transactions, or at once when it is idle.</summary>
    public void Reconsider()
    {
        if (!_loggedIn || _ending) return;
        DbConfig config = _db.Config;
        bool stays = config.Access.FindAccount(_account.Name) is { } account && account.Verifiers?.Scram == _account.Verifiers?.Scram && Refusal(account, config) is null && config.Target(_target.Database.Name) is { } target;
        if (stays && (config.Target(_target.Database.Name) == _target || _server is not null)) return;
        if (stays)
        {
            // The database is another now: the next transaction begins on it.
            _target = config.Target(_target.Database.Name)!;
            return;
        }

        _ending = true;
        if (_server is null) EndIdle();
    }

    private void EndIdle()
    {
        if (_loggedIn && !_client.IsClosed)
        {
            _reply.Clear();
            PgMessages.Error(_reply, "FATAL", "57P01", _db.IsDraining ? "The proxy is going down; connect again." : "This account may no longer be here.");
            _client.TrySend(_reply.Written.Span);
        }

        _client.Close();
    }

    private async Task RunAsync()
    {
        bool counted = true;
        _db.CountLogin(1);
        try
        {
            if (!await LogInAsync()) return;
            _db.CountLogin(-1);
            counted = false;
            await ServeAsync();
        }
        catch (Exception e)
        {
            _db.ReportDefect(e);
            _client.Abort();
        }
        finally
        {
            if (counted) _db.CountLogin(-1);
            if (_cancelKey != 0) _db.Shared.Cancels.TryRemove(_cancelKey, out _);

            // First the client, so that nothing is sent any more out of buffers that are given back next.
            _client.Close();
            await LeaveAsync();
            _db.Metrics.BytesIn.Add(_client.BytesReceived);
            _db.Metrics.BytesOut.Add(_client.BytesSent);
            _input.Release();
            _db.Sessions.Remove(this);
        }
    }

    /// <summary>Why an account may not be here; null when it may.</summary>
    private (string SqlState, string Reason, string Message)? Refusal(DbAccount account, DbConfig config)
    {
        if (account.ExpiresAt <= _db.Now) return ("28000", "account-expired", $"The account \"{account.Name}\" has expired.");
        if (!account.AllowFrom.IsEmpty && (Address is null || !account.AllowFrom.Any(n => n.Contains(Address)))) return ("28000", "address-not-allowed", $"The account \"{account.Name}\" may not come from {Address}.");
        if (account.RequireTls && _client.Tls is null) return ("28000", "tls-required", $"The account \"{account.Name}\" must use TLS.");
        string name = _target?.Database.Name ?? "";
        return config.Access.Rules(account.Name, name).Any(_db.Now) ? null : ("42501", "not-granted", $"No grant lets the account \"{account.Name}\" use the database \"{name}\".");
    }

    private void Finish(string kind)
    {
        _record.Kind = kind;
        _record.Ended = Stopwatch.GetTimestamp();
        _db.Log.Write(_record);
        if (kind == "statement") _db.Metrics.Finished(_record);
    }

    private async ValueTask<bool> SayAsync()
    {
        int sent = _reply.Length == 0 ? 0 : await _client.SendAllAsync(_reply.Written, _db.Settings.StallMs);
        _reply.Clear();
        return sent >= 0;
    }
}
