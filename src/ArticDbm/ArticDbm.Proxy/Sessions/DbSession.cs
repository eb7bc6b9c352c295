using System.Diagnostics;
using System.Net;
using ArticDbm.Proxy.Admin;
using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Security;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Sessions;

/// <summary>
/// One client of a database protocol, from accept to close: who it is, what it may do, and when it must leave. The engine's own part reads the protocol and lends server connections.
/// Belongs to one loop.
/// </summary>
internal abstract partial class DbSession : ISessionNode<DbSession>
{
    private DbConfig? _obeyed;
    private bool _keyCounted;
    private TlsIdentity? _certificate;
    private UseCounts? _use;
    private TopStatement? _top;
    private DbStats? _stats;
    private long _received, _sent, _transactionSince;

    protected DbSession(DbLoop db, TcpConnection client, DbListener listener)
    {
        Db = db;
        Client = client;
        Listener = listener;
        Id = db.Shared.NextSession();
        Since = db.Now;
        Record.Engine = listener.Engine;
        Record.Listener = listener.Name;
        Record.Client = client.Remote;
    }

    DbSession? ISessionNode<DbSession>.Next { get; set; }

    DbSession? ISessionNode<DbSession>.Previous { get; set; }

    protected DbLoop Db { get; }

    protected TcpConnection Client { get; }

    protected DbListener Listener { get; }

    /// <summary>The statement or log-in under way, for its log line and metrics.</summary>
    protected StatementRecord Record { get; } = new();

    /// <summary>The database that the session is on; set by the log-in.</summary>
    protected DbTarget Target { get; set; } = null!;

    /// <summary>Who it is; set by the log-in.</summary>
    protected DbAccount Account { get; set; } = null!;

    /// <summary>The key that it has proven itself by; null for the password. Set by the log-in, before it asks whether it is refused.</summary>
    protected DbKey? Key { get; set; }

    /// <summary>What the account may do on the database, as of <see cref="Obey"/>.</summary>
    protected AccessRules Rules { get; private set; } = AccessRules.None;

    /// <summary>What the database's policies say, as of <see cref="Obey"/>.</summary>
    protected DbSecurity Security { get; private set; } = DbSecurity.None;

    /// <summary>Whether the log-in is over.</summary>
    protected bool LoggedIn { get; set; }

    /// <summary>Whether it ends as soon as it holds no server connection.</summary>
    protected bool Ending { get; private set; }

    protected IPAddress? Address => Client.Remote.Address;

    /// <summary>Whether a server connection is lent to it or work is under way, so that ending now would lose something.</summary>
    protected abstract bool IsBusy { get; }

    /// <summary>Its number in this process.</summary>
    public long Id { get; }

    /// <summary>When it came.</summary>
    protected DateTimeOffset Since { get; }

    /// <summary>The database that it is on; null before its log-in.</summary>
    public string? DatabaseName => LoggedIn ? Target?.Database.Name : null;

    /// <summary>The server connection that it holds; null for none.</summary>
    public virtual ServerConnection? Lent => null;

    /// <summary>Whether it waits for a server connection.</summary>
    private bool IsWaiting => _waitsIn is not null;

    /// <summary>What the client calls itself, where the protocol tells.</summary>
    protected virtual string Application => "";

    /// <summary>What operators see of it; null before its log-in.</summary>
    public DbClientView? View() => DatabaseName is not { } database ? null : new DbClientView(
        Id, Account.Name, Key?.Name, database, Listener.Engine, Lent is not null ? "active" : IsWaiting ? "waiting" : "idle", Client.Remote.ToString(), Listener.Name, Lent?.Share.Label, Since, Client.Tls is not null, Application);

    /// <summary>Serves the client until it leaves.</summary>
    public void Start()
    {
        Db.Sessions.Add(this);
        _ = RunAsync();
    }

    /// <summary>Ends now when nothing is under way; else after the transaction.</summary>
    public void Drain()
    {
        Ending = true;
        if (!IsBusy || !LoggedIn) EndIdle();
    }

    /// <summary>Ends at once.</summary>
    public void Kill() => Client.Abort();

    /// <summary>Ends a session whose account is gone, has expired, or may no longer reach the database: between transactions, or at once when it is idle.</summary>
    public void Reconsider()
    {
        CountBytes();
        if (!LoggedIn || Ending) return;
        DbConfig config = Db.Config;
        if (Target is null)
        {
            // The console: it stands as long as its account does.
            Ending = !(config.Access.FindAccount(Account.Name) is { } operatorNow && Stands(operatorNow) && ConsoleRefusal(operatorNow, config) is null);
            if (Ending) EndIdle();
            return;
        }

        bool stays = config.Access.FindAccount(Account.Name) is { } account && Stands(account) && Refusal(account, config) is null && config.Target(Target.Database.Name) is not null;
        if (!stays)
        {
            Ending = true;
            if (!IsBusy) EndIdle();
            return;
        }

        // The database may be another now: the next transaction begins on it.
        if (Lent is null && !IsBusy) Target = config.Target(Target.Database.Name)!;
    }

    /// <summary>The client proves who it is and is welcomed.</summary>
    /// <returns>False when the session is over; then the client has been told.</returns>
    protected abstract ValueTask<bool> LogInAsync();

    /// <summary>Serves until either side leaves.</summary>
    protected abstract ValueTask<int> ServeAsync();

    /// <summary>The client is gone: server connections go back or are closed, buffers are released.</summary>
    protected abstract Task LeaveAsync();

    /// <summary>Tells an idle client that its session ends, where the protocol can.</summary>
    protected abstract void SayGoodbye(string why);

    /// <summary>Ends the session; nothing is under way.</summary>
    protected void EndIdle()
    {
        if (LoggedIn && !Client.IsClosed) SayGoodbye(Db.IsDraining ? "The proxy is going down; connect again." : "This account may no longer be here.");
        Client.Close();
    }

    /// <summary>Why an account may not be here; null when it may.</summary>
    protected LoginRefusal? Refusal(DbAccount account, DbConfig config)
    {
        if (AccountRefusal(account) is { } refusal) return refusal;
        string name = Target?.Database.Name ?? "";
        if (!config.Access.Rules(account.Name, name).Any(Db.Now)) return new LoginRefusal(LoginRefusal.NotGranted, $"No grant lets the account \"{account.Name}\" use the database \"{name}\".");
        return Key is { } key ? Refusal(account, key, name) : null;
    }

    /// <summary>Why an account may not use the operators' console: it needs admin on some database.</summary>
    protected LoginRefusal? ConsoleRefusal(DbAccount account, DbConfig config) =>
        AccountRefusal(account)
        ?? (Key is { Database.Length: > 0 } or { MaxUses: > 0 } ? new LoginRefusal("key-not-for-database", $"The key \"{Key.Name}\" does not open the console.") : null)
        ?? (Key?.ExpiresAt <= Db.Now ? new LoginRefusal("key-expired", $"The key \"{Key!.Name}\" has expired.") : null)
        ?? (config.Access.Databases.Any(d => config.Access.Rules(account.Name, d.Name).Allows(DbActions.Admin, Db.Now)) ? null : new LoginRefusal(LoginRefusal.NotGranted, $"No grant gives the account \"{account.Name}\" the action admin, which the console needs."));

    private LoginRefusal? AccountRefusal(DbAccount account)
    {
        if (account.ExpiresAt <= Db.Now) return new LoginRefusal("account-expired", $"The account \"{account.Name}\" has expired.");
        if (!account.AllowFrom.IsEmpty && (Address is null || !account.AllowFrom.Any(n => n.Contains(Address)))) return new LoginRefusal("address-not-allowed", $"The account \"{account.Name}\" may not come from {Address}.");
        return account.RequireTls && Client.Tls is null ? new LoginRefusal("tls-required", $"The account \"{account.Name}\" must use TLS.") : null;
    }

    /// <summary>Why a key does not let its holder in; null when it does, which a log-in counts.</summary>
    private LoginRefusal? Refusal(DbAccount account, DbKey key, string database)
    {
        if (key.ExpiresAt <= Db.Now) return new LoginRefusal("key-expired", $"The key \"{key.Name}\" has expired.");
        if (key.Database.Length > 0 && key.Database != database) return new LoginRefusal("key-not-for-database", $"The key \"{key.Name}\" opens the database \"{key.Database}\" alone.");
        if (_keyCounted || key.MaxUses == 0) return null;
        _keyCounted = true;
        return Db.Shared.Keys.TryUse(account.Name, key) ? null : new LoginRefusal("key-used-up", $"The key \"{key.Name}\" has been used {key.MaxUses} times, as often as it may.");
    }

    /// <summary>Whether the client's certificate, which the listener has verified, proves an account: then no password is asked.</summary>
    protected bool IsProvenByCertificate(DbAccount? account)
    {
        if (account is null || account.ClientCertificates.IsEmpty || Client.Tls is not { } tls || TlsIdentity.Of(tls) is not { } identity || !identity.IsOneOf(account.ClientCertificates)) return false;
        _certificate = identity;
        return true;
    }

    /// <summary>What the session has proven itself by counts no longer: it proves itself anew.</summary>
    protected void ForgetProof()
    {
        Key = null;
        _certificate = null;
        _keyCounted = false;
    }

    /// <summary>Whether what the session has proven itself by is still a secret of its account, or a certificate's name.</summary>
    private bool Stands(DbAccount account) => _certificate is { } certificate ? certificate.IsOneOf(account.ClientCertificates) : Key is not { } proven
        ? account.Verifiers?.Scram == Account.Verifiers?.Scram
        : account.Keys.Any(k => k.Name == proven.Name && k.Verifiers?.Scram == proven.Verifiers?.Scram && !(k.ExpiresAt <= Db.Now));

    /// <summary>Takes up what holds now for this account and database.</summary>
    protected void Obey()
    {
        if (ReferenceEquals(_obeyed, Db.Config)) return;
        _obeyed = Db.Config;
        Account = _obeyed.Access.FindAccount(Account.Name) ?? Account;
        Rules = _obeyed.Access.Rules(Account.Name, Target.Database.Name);
        Security = _obeyed.Access.Security(Target.Database.Name);
    }

    /// <summary>The session turns to another database: what held for the last one holds no longer.</summary>
    protected void Turn(DbTarget target)
    {
        CountBytes();
        Target = target;
        _obeyed = null;
        CountUse();
    }

    /// <summary>From here on what is used is the account's, on the database that it is on.</summary>
    private void CountUse()
    {
        if (Target is null) return;
        _stats = Db.StatsOf(Target.Database.Name);
        _use = Db.Metrics.Use(Account.Name, Account.Tenant, Target.Database.Name);
        _use.Connected();
    }

    /// <summary>Counts a statement against the account's limits.</summary>
    /// <returns>Null when it may run.</returns>
    protected Refused? Count(StatementReport? report) => Db.Shared.Limits.Statement(Account) is not { } limit
        ? null
        : new Refused(
            limit, limit == "rate-limit" ? $"The account \"{Account.Name}\" may run {Account.RateLimit} statements a second." : $"The account \"{Account.Name}\" has used its {Account.QuotaPerHour} statements of this hour.", null, report);

    /// <summary>Whether an SQL statement may run: limits, firewall, grants, and what the pool's mode can carry.</summary>
    protected Refused? Admit(StatementReport report)
    {
        Obey();
        return Count(report) ?? Decide(report);
    }

    /// <summary>The same without counting it: for statements that are prepared, and run later.</summary>
    protected Refused? Decide(StatementReport report)
    {
        Obey();
        Verdict verdict = Judge.Decide(report, Rules, Security, Db.Now);
        for (int i = 0; verdict.Monitored != 0 && i < report.Hits.Length; i++)
        {
            if (verdict.IsMonitored(i)) Db.Metrics.Found(report.Hits[i].Rule.Name, "monitor");
        }

        if (!verdict.IsAllowed)
        {
            string? rule = verdict.Rule(report)?.Name;
            if (rule is not null) Db.Metrics.Found(rule, "block");
            return new Refused(verdict.Code, verdict.Explain(report), rule, report);
        }

        bool begins = report.Has(StatementTraits.Begin);
        return begins && Target.Database.Pool.Mode == DbPoolMode.Statement ? new Refused("statement-mode", "Transactions of several statements are not carried in the pool mode \"statement\".", null, report) : null;
    }

    /// <summary>The record is whole: it is counted and logged.</summary>
    /// <param name="kind">"statement", "login" or "session".</param>
    protected void Finish(string kind)
    {
        Record.Kind = kind;
        Record.Ended = Stopwatch.GetTimestamp();
        if (Db.Settings.LogText && kind == "statement") Record.Text = Record.Report?.Normalised ?? "";
        Db.Log.Write(Record);
        if (kind != "statement") return;
        Db.Metrics.Finished(Record);
        _use?.Finished(Record);
        if (_stats is { } stats)
        {
            stats.Queries++;
            stats.QueryTicks += Record.Ended - Record.Started;
        }

        if (_transactionSince == 0) _transactionSince = Record.Started;
        _top = Db.Top.Count(Record, _top);
    }

    /// <summary>The server says that it is in no transaction: the last one is counted.</summary>
    protected void TransactionEnded()
    {
        if (_transactionSince == 0 || _stats is not { } stats) return;
        stats.Transactions++;
        stats.TransactionTicks += Stopwatch.GetTimestamp() - _transactionSince;
        _transactionSince = 0;
    }

    /// <summary>Counts what has passed since the last call, so that a session that stays for days is counted while it does.</summary>
    private void CountBytes()
    {
        long received = Client.BytesReceived - _received, sent = Client.BytesSent - _sent;
        _received += received;
        _sent += sent;
        Db.Metrics.BytesIn.Add(received);
        Db.Metrics.BytesOut.Add(sent);
        _use?.Moved(received, sent);
        if (_stats is not { } stats) return;
        stats.BytesIn += received;
        stats.BytesOut += sent;
    }

    /// <summary>A hop before us tells who the client is: networks are judged by that, and log lines name it.</summary>
    private async ValueTask<bool> TakeProxyHeaderAsync()
    {
        string? missing = await ProxyHeader.TakeAsync(Client, Db.Settings.LoginMs);
        Record.Client = Client.Remote;
        if (missing is null) return true;
        Db.Metrics.AuthFailure(missing);
        Record.Decision = "deny";
        Record.Reason = missing;
        Finish("login");
        Client.Abort();
        return false;
    }

    private async Task RunAsync()
    {
        bool counted = true;
        Db.CountLogin(1);
        try
        {
            Record.Started = Stopwatch.GetTimestamp();
            if (Listener.Resource.ProxyProtocol && !await TakeProxyHeaderAsync()) return;
            if (!await LogInAsync()) return;
            Db.CountLogin(-1);
            counted = false;
            CountUse();
            await ServeAsync();
        }
        catch (Exception e)
        {
            Db.ReportDefect(e);
            Client.Abort();
        }
        finally
        {
            if (counted) Db.CountLogin(-1);

            // First the client, so that nothing is sent any more out of buffers that are given back next.
            Client.Close();
            await LeaveAsync();
            CountBytes();
            Db.Sessions.Remove(this);
        }
    }
}

/// <summary>Why an account that has proven its password may not be here.</summary>
/// <param name="Reason">The reason code of the log line and the metric.</param>
/// <param name="Message">What the client is told.</param>
internal sealed record LoginRefusal(string Reason, string Message)
{
    /// <summary>The reason when no grant leads to the database; the others are about the log-in itself.</summary>
    public const string NotGranted = "not-granted";
}
