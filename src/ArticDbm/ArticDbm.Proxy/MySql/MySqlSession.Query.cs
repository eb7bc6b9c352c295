using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.MySql;

/// <content>Texts, and what is decided about every statement.</content>
internal sealed partial class MySqlSession
{
    private static readonly SearchValues<char> s_nameBegins = SearchValues.Create(" \t\r\n`\"");

    /// <summary>How the server reads this session's quoted texts.</summary>
    private SqlQuoting _quoting;

    private MySqlSettings _settings = MySqlSettings.None;

    /// <summary>Takes up how the session wants quoted texts read.</summary>
    private void NoteQuoting() => _quoting = MySqlSettings.Quoting(_settings["sql_mode"] ?? Target.Parameters.GetValueOrDefault("sql_mode", ""));

    private StatementReport Read(ReadOnlySpan<byte> sql) => Db.MySql.Statements.Get(sql, _quoting);

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> QueryAsync()
    {
        StatementReport report = Read(Payload[1..]);
        if (report.Has(StatementTraits.UseDatabase) && report.StatementCount == 1 && !report.Has(StatementTraits.Unreadable)) return await UseAsync(Name(Payload[1..]));
        if (report.StatementCount == 1 && report.Normalised.StartsWith("kill ", StringComparison.OrdinalIgnoreCase)) return await KillTextAsync(Encoding.UTF8.GetString(Payload[1..]));
        if ((Unfit(report, Payload[1..]) ?? Admit(report)) is { } refused) return await RefuseStatementAsync(refused);
        return await RunAsync(report, OnlyReads(report));
    }

    /// <summary>What the proxy cannot carry soundly, whoever asks.</summary>
    private Refused? Unfit(StatementReport report, ReadOnlySpan<byte> sql)
    {
        if (report.StatementCount > 1)
        {
            if ((_capabilities & MySqlCapabilities.MultiStatements) == 0) return new Refused("several-statements", "Several statements in one text are for clients that have asked for them (CLIENT_MULTI_STATEMENTS)", null, report);
            if (report.Has(StatementTraits.UseDatabase)) return new Refused("use", "USE must stand alone", null, report);

            // What stands behind would be read by us one way and by the server another.
            if (report.Has(StatementTraits.ChangesQuoting)) return new Refused("several-statements", "What changes sql_mode or the character set must stand alone", null, report);
        }

        if (report.Has(StatementTraits.LoadDataLocal) && !Target.Database.LocalInfile) return new Refused("local-infile", $"LOAD DATA LOCAL is disabled: set localInfile: true on the database {Target.Database.Name} to allow it", null, report);
        return report.Has(StatementTraits.ChangesQuoting) && MySqlCharsets.NamesUnsafe(sql)
            ? new Refused("charset", "Big5, GBK, GB18030, SJIS and CP932 are not let through, since a quote may be half a character in them: use utf8mb4", null, report)
            : null;
    }

    /// <summary>Runs the command that was read on a server.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> RunAsync(StatementReport report, bool onlyReads, bool fields = false)
    {
        long started = Stopwatch.GetTimestamp();
        if (_server is null || !ReferenceEquals(_server.Settings, _settings))
        {
            if (await LinkAsync(onlyReads) is { } away) return await AwayAsync(away);
        }

        MySqlServer server = _server!;
        if (await FitAsync(server, report) is { } fault)
        {
            Unlink(reusable: false);
            return await AwayAsync(fault);
        }

        NoteEffects(report);
        return await SendAsync(server, fields ? MySqlResponse.OfRows(server.DeprecatesEof) : MySqlResponse.OfQuery(server.DeprecatesEof), report, started);
    }

    /// <summary>Brings a server connection to where this statement needs it.</summary>
    private ValueTask<string?> FitAsync(MySqlServer server, StatementReport report)
    {
        bool several = report.StatementCount > 1, asksId = report.Has(StatementTraits.FoundRowsOrLastId) && _lastInsertId != 0 && server.LastUser != this;
        server.LastUser = this;
        return several == server.TakesSeveral && !asksId ? new ValueTask<string?>((string?)null) : FitSlowlyAsync(server, several, asksId);
    }

    private async ValueTask<string?> FitSlowlyAsync(MySqlServer server, bool several, bool asksId)
    {
        // A connection takes several statements only while it runs a text in which we have read several: elsewhere a misreading of ours would cost no more than an error.
        var conversation = new MySqlConversation(server, AskDeadline);
        if (several != server.TakesSeveral)
        {
            MySqlMessages.SetOption(conversation.Out, several);
            if (await conversation.SendAsync() is { } unsent) return unsent;
            if (await conversation.ReadAsync() is { } lost) return lost;
            bool error = conversation.Payload[0] == MySqlError.Header;
            conversation.Take();
            if (error) return "the server does not take several statements in one text";
            server.TakesSeveral = several;
        }

        return asksId ? (await conversation.AskAsync(string.Create(CultureInfo.InvariantCulture, $"SET SESSION last_insert_id = {_lastInsertId}"))).Fault : null;
    }

    /// <summary>What a statement leaves behind on its connection: then the connection stays with the session.</summary>
    private void NoteEffects(StatementReport report)
    {
        StatementTraits traits = report.Traits;
        if ((traits & StatementTraits.OnlyReads) == 0) NoteWrite();
        if (_held && (traits & StatementTraits.SetLocal) == 0) _heldOut = true;
        if (_pinned || Target.Database.Pool.Mode == MarchProxy.Model.Resources.DbPoolMode.Session)
        {
            if ((traits & ~StatementTraits.OnlyReads) != 0) _server!.IsDirty = true;
            return;
        }

        if (Sticky(traits) is { } reason) Pin(reason);
        else if ((traits & StatementTraits.SetSession) != 0 && !_server!.Tracks) Pin("set");
        else if ((traits & StatementTraits.SetLocal) != 0 || report.Normalised.Contains("sql_calc_found_rows", StringComparison.Ordinal))
        {
            // SET TRANSACTION is about the next one, FOUND_ROWS() about the last SELECT: the connection stays for one more statement.
            _held = true;
            _heldOut = false;
        }
    }

    private bool _heldOut;

    private static string? Sticky(StatementTraits traits) => traits switch
    {
        _ when (traits & StatementTraits.Unreadable) != 0 => "unreadable",
        _ when (traits & StatementTraits.CreatesTemp) != 0 => "temp-table",
        _ when (traits & StatementTraits.GetLock) != 0 => "user-lock",
        _ when (traits & StatementTraits.LockTables) != 0 => "lock-tables",
        _ when (traits & StatementTraits.UserVariable) != 0 => "user-variable",
        _ when (traits & StatementTraits.SqlPrepare) != 0 => "sql-prepare",
        _ when (traits & StatementTraits.Handler) != 0 => "handler",
        _ when (traits & StatementTraits.Xa) != 0 => "xa",
        _ when (traits & StatementTraits.SetRole) != 0 => "set-role",
        _ => null,
    };

    /// <summary>The name behind USE.</summary>
    private static string Name(ReadOnlySpan<byte> sql)
    {
        string text = Encoding.UTF8.GetString(sql).Trim().TrimEnd(';').Trim();
        int blank = text.AsSpan().IndexOfAny(s_nameBegins);
        string name = blank < 0 ? "" : text[blank..].Trim();
        return name.Length > 1 && name[0] is '`' or '"' && name[^1] == name[0] ? name[1..^1] : name;
    }
}
