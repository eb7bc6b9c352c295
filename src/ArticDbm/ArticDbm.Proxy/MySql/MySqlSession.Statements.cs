using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.MySql;

/// <content>Prepared statements: their numbers are ours, and they are prepared on whichever connection runs them.</content>
internal sealed partial class MySqlSession
{
    /// <summary>Packets of a prepared statement's description at most: MySQL's own bounds on parameters (65,535) and columns (4,096).</summary>
    private const int MostDefinitions = 70_000;

    private readonly Dictionary<uint, MySqlClientStatement> _statements = [];
    private uint _nextStatement;
    private long _longBytes;

    private async ValueTask<bool> PrepareAsync()
    {
        if (_statements.Count >= Db.Settings.MaxPreparedPerSession) return await SayErrorAsync(MySqlErrors.TooManyStatements, "42000", $"Can't create more than {Db.Settings.MaxPreparedPerSession} prepared statements in a session; close some.");
        MySqlStatement statement = Db.MySql.Prepared(Target, _settings, Payload[1..], _quoting);
        if ((Unfit(statement.Report, Payload[1..]) ?? Unpreparable(statement.Report) ?? Admit(statement.Report)) is { } refused) return await RefuseStatementAsync(refused);
        if (statement.Definitions is null)
        {
            if (await LinkAsync(OnlyReads(statement.Report)) is { } away) return await AwayAsync(away);
            MySqlServer server = _server!;
            bool inTransaction = server.InTransaction;
            MySqlError? error = await PrepareOnAsync(server, statement);
            if (error is { Code: 0 }) return await LostInPrepareAsync(inTransaction);
            if (error is { } told)
            {
                Settle();
                return await SayErrorAsync(told.Code, told.SqlState, told.Message);
            }

            Settle();
        }

        uint id = ++_nextStatement;
        _statements[id] = new MySqlClientStatement(statement);
        return await DescribeAsync(id, statement);
    }

    /// <summary>These are carried out here, or change what is read next.</summary>
    private static Refused? Unpreparable(StatementReport report) => report.Has(StatementTraits.UseDatabase)
        ? new Refused("use", "USE cannot be prepared", null, report)
        : null;

    private ValueTask<bool> DescribeAsync(uint id, MySqlStatement statement)
    {
        byte[][] definitions = statement.Definitions!;
        int columns = definitions.Length - statement.Parameters;
        new MySqlPrepared(id, (ushort)columns, (ushort)statement.Parameters, 0).Write(_reply);
        for (int i = 0; i < definitions.Length; i++)
        {
            MySqlMessages.Raw(_reply, _reply.NextSequence, definitions[i]);
            if (!DeprecatesEof && i == statement.Parameters - 1) MySqlMessages.Eof(_reply, _reply.NextSequence, Status, 0);
            if (!DeprecatesEof && i == definitions.Length - 1 && columns > 0) MySqlMessages.Eof(_reply, _reply.NextSequence, Status, 0);
        }

        return SayAsync();
    }

    /// <summary>Prepares a statement on a server connection.</summary>
    /// <returns>Null, the server's error, or one with the number 0 when the server was lost.</returns>
    private async ValueTask<MySqlError?> PrepareOnAsync(MySqlServer server, MySqlStatement statement)
    {
        var conversation = new MySqlConversation(server, AskDeadline);
        conversation.Out.Begin(0).Byte(MySqlCommand.StmtPrepare).Bytes(statement.Text).End();
        if (await conversation.SendAsync() is not null || await conversation.ReadAsync() is not null) return default(MySqlError);
        if (conversation.Payload[0] == MySqlError.Header)
        {
            MySqlError error = MySqlError.Read(conversation.Payload);
            conversation.Take();
            return error;
        }

        if (!MySqlPrepared.TryRead(conversation.Payload, out MySqlPrepared prepared) || prepared.Columns + prepared.Parameters > MostDefinitions) return default(MySqlError);
        conversation.Take();
        byte[][] definitions = new byte[prepared.Parameters + prepared.Columns][];
        for (int i = 0; i < definitions.Length; i++)
        {
            if (await conversation.ReadAsync() is not null) return default(MySqlError);
            definitions[i] = conversation.Payload.ToArray();
            conversation.Take();
            if (server.DeprecatesEof || (i != prepared.Parameters - 1 && i != definitions.Length - 1)) continue;
            if (await conversation.ReadAsync() is not null) return default(MySqlError);
            conversation.Take();
        }

        statement.Parameters = prepared.Parameters;
        statement.Definitions = definitions;
        if (server.AddPrepared(statement, prepared.Statement) is { } least)
        {
            MySqlMessages.Statement(conversation.Out, MySqlCommand.StmtClose, least);
            if (await conversation.SendAsync() is not null) return default(MySqlError);
        }

        return null;
    }

    private async ValueTask<bool> LostInPrepareAsync(bool inTransaction)
    {
        Db.Metrics.BackendError(Target.Database.Name, "closed");
        bool lost = inTransaction || _pinned || _cursors > 0;
        Unlink(reusable: false);
        return await SayErrorAsync(MySqlErrors.ServerLost, "08S01", "Lost connection to the database server; the statement was not run.") && !lost;
    }

    /// <summary>The statement that a command names; -1 names the last one prepared, as MariaDB's clients may.</summary>
    private MySqlClientStatement? Named(out uint id)
    {
        id = Payload.Length >= 5 ? BinaryPrimitives.ReadUInt32LittleEndian(Payload[1..]) : 0;
        if (id == uint.MaxValue) id = _nextStatement;
        return _statements.GetValueOrDefault(id);
    }

    private ValueTask<bool> UnknownAsync(uint id) => SayErrorAsync(MySqlErrors.UnknownStatement, "HY000", $"Unknown prepared statement handler ({id}) given to EXECUTE");

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> ExecuteAsync()
    {
        long started = Stopwatch.GetTimestamp();
        if (Named(out uint id) is not { } named) return await UnknownAsync(id);
        MySqlStatement statement = named.Statement;
        if (statement.Target.Database.Name != Target.Database.Name) return await SayErrorAsync(MySqlErrors.UnknownStatement, "HY000", $"The statement was prepared on the database {statement.Target.Database.Name}: prepare it again on this one.");
        if (!ReferenceEquals(statement.Settings, _settings) || !ReferenceEquals(statement.Target, Target)) named.Statement = statement = Reread(statement);
        if (!MySqlExecute.TryRead(Payload, statement.Parameters, out MySqlExecute execute)) return await SayErrorAsync(MySqlErrors.WrongArguments, "HY000", "Incorrect arguments to mysqld_stmt_execute");
        if (_longBytes > Db.Settings.MaxStatementBytes) return await TooLongAsync(named);
        if (execute.TypesAt > 0 && !Payload[execute.TypesAt..execute.ValuesAt].SequenceEqual(named.Types)) named.Types = Payload[execute.TypesAt..execute.ValuesAt].ToArray();
        if (statement.Parameters > 0 && named.Types.Length == 0) return await SayErrorAsync(MySqlErrors.WrongArguments, "HY000", "The statement was run before the types of its parameters were told.");
        if (Admit(statement.Report) is { } refused) return await RefuseStatementAsync(refused);
        if (await LinkAsync(OnlyReads(statement.Report)) is { } away) return await AwayAsync(away);
        MySqlServer server = _server!;
        bool inTransaction = server.InTransaction;
        if (await FitAsync(server, statement.Report) is { } unfit)
        {
            Unlink(reusable: false);
            return await AwayAsync(unfit);
        }

        if (!server.TryFindPrepared(statement, out uint there))
        {
            MySqlError? error = await PrepareOnAsync(server, statement);
            if (error is { Code: 0 }) return await LostInPrepareAsync(inTransaction);
            if (error is { } told)
            {
                Settle();
                return await SayErrorAsync(told.Code, told.SqlState, told.Message);
            }

            server.TryFindPrepared(statement, out there);
        }

        WriteExecute(named, execute, there);
        NoteEffects(statement.Report);
        _asksCursor = execute.Flags != 0;
        if (_asksCursor && named.Cursor == 0)
        {
            named.Cursor = there;
            _cursors++;
        }

        bool goOn = await SendAsync(server, _toServer.Written, MySqlResponse.OfQuery(server.DeprecatesEof), statement.Report, started);
        _toServer.Clear();
        CursorEnded(named, (server.Status & MySqlStatus.CursorExists) == 0 || _sqlState is not null);
        _asksCursor = false;
        return goOn;
    }

    private void WriteExecute(MySqlClientStatement named, in MySqlExecute execute, uint there)
    {
        _toServer.Clear();
        foreach (byte[] piece in named.LongData)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(piece.AsSpan(1), there);
            MySqlMessages.Raw(_toServer, 0, piece);
            _longBytes -= piece.Length;
        }

        named.LongData.Clear();
        execute.Write(_toServer, Payload, there, named.Types);
    }

    /// <summary>The session has other settings than when it prepared the statement: it is read as the server will read it now.</summary>
    private MySqlStatement Reread(MySqlStatement statement)
    {
        MySqlStatement now = Db.MySql.Prepared(Target, _settings, statement.Text, _quoting);
        if (now.Definitions is null) (now.Parameters, now.Definitions) = (statement.Parameters, statement.Definitions);
        return now;
    }

    /// <summary>A cursor that has no more rows, or was never opened, keeps the connection no longer.</summary>
    private void CursorEnded(MySqlClientStatement named, bool ended)
    {
        if (named.Cursor == 0 || !ended) return;
        named.Cursor = 0;
        if (_cursors > 0) _cursors--;
        Settle();
    }

    private async ValueTask<bool> FetchAsync()
    {
        if (Named(out uint id) is not { } named || named.Cursor == 0 || _server is not { } server || Payload.Length < 9) return await UnknownAsync(id);
        _toServer.Clear();
        _toServer.Begin(0).Byte(MySqlCommand.StmtFetch).UInt32(named.Cursor).Bytes(Payload[5..9]).End();
        bool goOn = await SendAsync(server, _toServer.Written, MySqlResponse.OfRows(server.DeprecatesEof), null, 0);
        _toServer.Clear();
        CursorEnded(named, (server.Status & MySqlStatus.LastRowSent) != 0 || _sqlState is not null);
        return goOn;
    }

    private bool TakeLongData()
    {
        // It is not answered: what is wrong with it is told when the statement is run.
        if (Named(out _) is not { } named || Payload.Length < 7) return true;
        _longBytes += Payload.Length;
        if (_longBytes <= Db.Settings.MaxStatementBytes) named.LongData.Add(Payload.ToArray());
        return true;
    }

    private async ValueTask<bool> TooLongAsync(MySqlClientStatement named)
    {
        named.LongData.Clear();
        _longBytes = _statements.Values.Sum(s => s.LongData.Sum(p => (long)p.Length));
        return await SayErrorAsync(MySqlErrors.TooLarge, "08S01", $"Parameters sent ahead are longer than the {Db.Settings.MaxStatementBytes} bytes that are let through.");
    }

    private async ValueTask<bool> CloseStatementAsync()
    {
        if (Named(out uint id) is not { } named) return true;
        await CloseCursorAsync(named);
        ForgetLongData(named);
        _statements.Remove(id);
        return true;
    }

    private async ValueTask<bool> ResetStatementAsync()
    {
        if (Named(out uint id) is not { } named) return await UnknownAsync(id);
        await CloseCursorAsync(named);
        ForgetLongData(named);
        return await SayOkAsync();
    }

    private void ForgetLongData(MySqlClientStatement named)
    {
        foreach (byte[] piece in named.LongData) _longBytes -= piece.Length;
        named.LongData.Clear();
    }

    private async ValueTask CloseCursorAsync(MySqlClientStatement named)
    {
        if (named.Cursor == 0 || _server is not { } server) return;
        var conversation = new MySqlConversation(server, AskDeadline);
        MySqlMessages.Statement(conversation.Out, MySqlCommand.StmtReset, named.Cursor);
        bool failed = (await conversation.AnswerAsync()).Fault is not null;
        named.Cursor = 0;
        if (_cursors > 0) _cursors--;
        if (failed) Unlink(reusable: false);
        else Settle();
    }
}
