using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>Simple queries, and what is decided about every statement.</content>
internal sealed partial class PgSession
{
    private const string Conforming = "standard_conforming_strings";

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
        return !report.Has(StatementTraits.ChangesQuoting) || await SettledAsync() || !Client.IsClosed;
    }

    /// <summary>How the server reads this session's quoted texts.</summary>
    private SqlQuoting _quoting;

    /// <summary>Takes up how the session wants quoted texts read.</summary>
    private void NoteQuoting() =>
        _quoting = (_wanted.Find(Conforming) ?? Target.Parameters.GetValueOrDefault(Conforming)) is "off" ? SqlQuoting.BackslashEscapes : SqlQuoting.Usual;

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
        if (!await SettledAsync() || _server != server) return !Client.IsClosed;
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
        _wanted.Become(_atLogin);
        NoteQuoting();
    }

    /// <summary>The text of a Query: without its zero.</summary>
    private ReadOnlySpan<byte> Text(PgFrame frame)
    {
        ReadOnlySpan<byte> body = _input.Pending[PgFrame.HeaderLength..frame.Length];
        int zero = body.IndexOf((byte)0);
        return zero < 0 ? body : body[..zero];
    }

    private StatementReport Read(ReadOnlySpan<byte> sql) => Db.PgStatements.Get(sql, _quoting);

    private bool OnlyReads(StatementReport report) => (report.Traits & StatementTraits.OnlyReads) != 0 && (report.Traits & StatementTraits.Begin) == 0;

    /// <summary>What a statement leaves behind on its connection: then the connection stays with the session.</summary>
    private void NoteEffects(StatementReport report, PgFrame frame)
    {
        if ((report.Traits & StatementTraits.OnlyReads) == 0) NoteWrite();
        if (_pinned || Target.Database.Pool.Mode == DbPoolMode.Session) return;
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
        if (!await SettledAsync()) return !Client.IsClosed;
        Told(refused);
        PgMessages.Error(_reply, "ERROR", SqlState(refused), refused.Message, refused.Detail);
        PgMessages.Ready(_reply, _server?.Status ?? TransactionStatus.Idle);
        return await SayAsync();
    }

    /// <summary>No server can be had: the statement was not sent anywhere.</summary>
    private async ValueTask<bool> AwayAsync(PgFrame frame, string why)
    {
        if (Client.IsClosed) return false;
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
        Record.Started = Stopwatch.GetTimestamp();
        Record.Of(refused.Report);
        Record.Decision = "deny";
        Record.Reason = refused.Reason;
        Record.Rule = refused.Rule;
        Record.Rows = 0;
        Record.SqlState = SqlState(refused);
        Finish("statement");
    }

    private static string SqlState(in Refused refused) => refused.Reason switch
    {
        "rate-limit" or "quota-per-hour" => "53400",
        "statement-mode" => "0A000",
        _ => "42501",
    };
}
