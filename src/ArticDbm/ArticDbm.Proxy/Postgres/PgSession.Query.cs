using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Pools;
using ArticDbm.Security;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>Simple queries, and what is decided about every statement.</content>
internal sealed partial class PgSession
{
    private const string Conforming = "standard_conforming_strings";

    /// <summary>Why a statement does not run.</summary>
    private readonly record struct Refused(string Reason, string Message, string? Rule, StatementReport? Report);

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> QueryAsync(PgFrame frame)
    {
        // A simple query ends whatever series an error has spoiled.
        _skipToSync = false;
        StatementReport report = Read(Text(frame));
        string[]? resets = PgResets.Find(report);
        if (resets is not null && _server is null) return await ResetAsync(frame, resets);
        Refused? refused = resets is null ? Admit(report) : null;
        if (refused is { } no) return await RefuseQueryAsync(frame, no);
        if (_server is null && await LinkAsync(OnlyReads(report)) is { } away) return await AwayAsync(frame, away);
        NoteEffects(report, frame);
        _expected.Add(new Expectation(ExpectKind.Query, null, report, Stopwatch.GetTimestamp()));
        _failedLast = false;
        Append(frame);

        if (resets is not null) return await ResetServerAsync(resets);

        // The next text is read as the server will read it: only when it has told how is that known.
        return !report.Has(StatementTraits.ChangesQuoting) || await SettledAsync() || !_client.IsClosed;
    }

    /// <summary>How the server reads this session's quoted texts.</summary>
    private SqlQuoting _quoting;

    /// <summary>Takes up how the session wants quoted texts read.</summary>
    private void NoteQuoting() =>
        _quoting = (_wanted.GetValueOrDefault(Conforming) ?? _target.Parameters.GetValueOrDefault(Conforming)) is "off" ? SqlQuoting.BackslashEscapes : SqlQuoting.Usual;

    /// <summary>Answers a reset of a session that has nothing on any server.</summary>
    private ValueTask<bool> ResetAsync(PgFrame frame, string[] tags)
    {
        _input.Consume(frame.Length);
        Forget(tags);
        PgResets.Answer(_reply, tags);
        PgMessages.Ready(_reply, TransactionStatus.Idle);
        return SayAsync();
    }

    /// <summary>The server is asked to forget: once it has, the connection is nobody's again.</summary>
    private async ValueTask<bool> ResetServerAsync(string[] tags)
    {
        PgServer server = _server!;
        if (!await SettledAsync() || _server != server) return !_client.IsClosed;
        if (_failedLast) return true;
        Forget(tags);
        if (!tags.Contains("DISCARD ALL")) return true;
        server.ForgetAll();
        _pinned = false;
        if (IsIdle) Settle();
        return true;
    }

    private void Forget(string[] tags)
    {
        if (tags.Contains("DISCARD ALL") || tags.Contains("DEALLOCATE ALL"))
        {
            _statements.Clear();
            _unnamed = null;
        }

        if (!tags.Contains("DISCARD ALL") && !tags.Contains("RESET")) return;
        _wanted.Clear();
        foreach ((string name, string value) in _atLogin) _wanted[name] = value;
        NoteQuoting();
    }

    /// <summary>The text of a Query: without its zero.</summary>
    private ReadOnlySpan<byte> Text(PgFrame frame)
    {
        ReadOnlySpan<byte> body = _input.Pending[PgFrame.HeaderLength..frame.Length];
        int zero = body.IndexOf((byte)0);
        return zero < 0 ? body : body[..zero];
    }

    private StatementReport Read(ReadOnlySpan<byte> sql) => _db.PgStatements.Get(sql, _quoting);

    /// <summary>Takes up what holds now for this account and database.</summary>
    private void Obey()
    {
        if (ReferenceEquals(_obeyed, _db.Config)) return;
        _obeyed = _db.Config;
        _account = _obeyed.Access.FindAccount(_account.Name) ?? _account;
        _rules = _obeyed.Access.Rules(_account.Name, _target.Database.Name);
        _security = _obeyed.Access.Security(_target.Database.Name);
    }

    /// <summary>Whether a statement may run: limits, firewall, grants, and what the pool's mode can carry.</summary>
    private Refused? Admit(StatementReport report)
    {
        Obey();
        if (_db.Shared.Limits.Statement(_account) is { } limit) return new Refused(limit, limit == "rate-limit" ? $"The account \"{_account.Name}\" may run {_account.RateLimit} statements a second." : $"The account \"{_account.Name}\" has used its {_account.QuotaPerHour} statements of this hour.", null, report);
        return Decide(report);
    }

    /// <summary>The same without counting it: for statements that are prepared, and run later.</summary>
    private Refused? Decide(StatementReport report)
    {
        Obey();
        Verdict verdict = Judge.Decide(report, _rules, _security, _db.Now);
        for (int i = 0; verdict.Monitored != 0 && i < report.Hits.Length; i++)
        {
            if (verdict.IsMonitored(i)) _db.Metrics.Found(report.Hits[i].Rule.Name, "monitor");
        }

        if (!verdict.IsAllowed)
        {
            string? rule = verdict.Rule(report)?.Name;
            if (rule is not null) _db.Metrics.Found(rule, "block");
            return new Refused(verdict.Code, verdict.Explain(report), rule, report);
        }

        bool begins = report.Has(StatementTraits.Begin);
        if (begins && _target.Database.Pool.Mode == DbPoolMode.Statement) return new Refused("statement-mode", "Transactions of several statements are not carried in the pool mode \"statement\".", null, report);
        return null;
    }

    private bool OnlyReads(StatementReport report) => (report.Traits & StatementTraits.OnlyReads) != 0 && (report.Traits & StatementTraits.Begin) == 0;

    /// <summary>What a statement leaves behind on its connection: then the connection stays with the session.</summary>
    private void NoteEffects(StatementReport report, PgFrame frame)
    {
        if ((report.Traits & StatementTraits.OnlyReads) == 0) _lastWrite = Stopwatch.GetTimestamp();
        if (_pinned || _target.Database.Pool.Mode == DbPoolMode.Session) return;
        if (Sticky(report.Traits) is { } reason) Pin(reason);
        else if ((report.Traits & StatementTraits.SetSession) != 0 && (report.StatementCount > 1 || PgSettings.ReportedName(Text(frame)) is null)) Pin("set");
    }

    private static string? Sticky(StatementTraits traits) => traits switch
    {
        _ when (traits & StatementTraits.Listen) != 0 => "listen",
        _ when (traits & StatementTraits.CreatesTemp) != 0 => "temp-table",
        _ when (traits & StatementTraits.AdvisoryLock) != 0 => "advisory-lock",
        _ when (traits & StatementTraits.SqlPrepare) != 0 => "sql-prepare",
        _ when (traits & StatementTraits.DeclareHold) != 0 => "hold-cursor",
        _ when (traits & StatementTraits.SetRole) != 0 => "set-role",
        _ when (traits & StatementTraits.Load) != 0 => "load",
        _ when (traits & StatementTraits.Unreadable) != 0 => "unreadable",
        _ => null,
    };

    /// <summary>Tells the client no; the session goes on as it was.</summary>
    private async ValueTask<bool> RefuseQueryAsync(PgFrame frame, Refused refused)
    {
        _input.Consume(frame.Length);
        if (!await SettledAsync()) return !_client.IsClosed;
        Told(refused);
        PgMessages.Error(_reply, "ERROR", SqlState(refused), refused.Message, Detail(refused));
        PgMessages.Ready(_reply, _server?.Status ?? TransactionStatus.Idle);
        return await SayAsync();
    }

    /// <summary>No server can be had: the statement was not sent anywhere.</summary>
    private async ValueTask<bool> AwayAsync(PgFrame frame, string why)
    {
        if (_client.IsClosed) return false;
        _input.Consume(frame.Length);
        SayAway(why);
        PgMessages.Ready(_reply, TransactionStatus.Idle);
        return await SayAsync();
    }

    private void SayAway(string why)
    {
        if (why == ServerPool.Cancelled) PgMessages.Error(_reply, "ERROR", "57014", "canceling statement due to user request");
        else PgMessages.Error(_reply, "ERROR", "08006", $"No connection to the database could be had: {why}.");
    }

    /// <summary>Waits until everything that was asked is answered and passed on, so that a word of ours comes in its turn.</summary>
    private async ValueTask<bool> SettledAsync()
    {
        if (await FlushAsync() < 0) return false;
        while (_server is not null && (_expected.Ready > 0 || _relaying))
        {
            if (await _settled.WaitAsync() < 0) return false;
        }

        return true;
    }

    private void Told(in Refused refused)
    {
        _record.Started = Stopwatch.GetTimestamp();
        _record.Fingerprint = refused.Report?.FingerprintText ?? "";
        _record.Decision = "deny";
        _record.Reason = refused.Reason;
        _record.Rule = refused.Rule;
        _record.Rows = 0;
        _record.SqlState = SqlState(refused);
        Finish("statement");
    }

    private static string SqlState(in Refused refused) => refused.Reason switch
    {
        "rate-limit" or "quota-per-hour" => "53400",
        "statement-mode" => "0A000",
        _ => "42501",
    };

    private static string Detail(in Refused refused) => refused.Rule is null
        ? $"marchproxy: {refused.Reason}{(refused.Report is { } report ? "; fingerprint " + report.FingerprintText : "")}"
        : $"marchproxy: {refused.Reason}, rule {refused.Rule}; fingerprint {refused.Report?.FingerprintText}";
}
