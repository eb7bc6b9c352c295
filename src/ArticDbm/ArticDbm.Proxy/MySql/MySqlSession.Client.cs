using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.MySql;

/// <content>What the client says, command by command.</content>
internal sealed partial class MySqlSession
{
    private static readonly Action<object?> s_left = static session => ((MySqlSession)session!).ClientLeft();

    /// <summary>Bytes of a statement that are read to be dropped: the most that MySQL's own max_allowed_packet can be.</summary>
    private const long MostDropped = 1L << 30;

    /// <summary>The command under way: what is of it in <see cref="_input"/>, and its content, where that takes several packets.</summary>
    private int _length;
    private byte[]? _joined;
    private bool _commanded, _left;

    private ReadOnlySpan<byte> Payload => _joined ?? _input.Pending[MySqlPacket.HeaderLength.._length];

    protected override async ValueTask<int> ServeAsync()
    {
        Client.OnEnded = true;
        Client.HangUpState = this;
        Client.OnHangUp = s_left;
        int limit = Db.Settings.MaxStatementBytes + (2 * MySqlPacket.HeaderLength);
        while (!Client.IsClosed)
        {
            MySqlMessageStatus status = MySqlPacket.TryReadMessage(_input.Pending, out long length, out long payload);
            if (status == MySqlMessageStatus.OutOfOrder || (status == MySqlMessageStatus.Ok && _input.Pending[3] != 0)) return await FaultAsync(MySqlErrors.OutOfOrder, "Got packets out of order");
            if (length > limit)
            {
                if (!await DropAsync($"Got a packet bigger than 'max_allowed_packet' bytes: {Db.Settings.MaxStatementBytes} are let through.")) return 0;
                continue;
            }

            if (status == MySqlMessageStatus.Ok)
            {
                if (payload == 0) return await FaultAsync(MySqlErrors.OutOfOrder, "An empty packet is no command.");
                _length = (int)length;
                _commanded = true;
                bool goOn = await TakeAsync(payload);
                _commanded = false;
                if (!goOn || (Ending && _server is null)) return End(goOn);
                continue;
            }

            int n = _input.TryFill(Client, limit);
            if (n == -Errno.EAGAIN)
            {
                if (_input.IsEmpty) _input.Release();
                n = await Client.ReadableAsync(_server is null ? Db.Settings.ClientIdleMs : 0) is var ready and < 0 ? ready : 1;
            }

            if (n == -Errno.ENOBUFS && await DropAsync("The proxy has no memory left for this statement; try again later.")) continue;
            if (n <= 0) return 0;
        }

        return 0;
    }

    protected override async Task LeaveAsync()
    {
        Db.Shared.MySql.Connections.TryRemove(new KeyValuePair<uint, MySqlSession>(_id, this));
        await GiveBackAsync(_midway);
        _input.Release();
    }

    private int End(bool politely)
    {
        if (politely) EndIdle();
        return 0;
    }

    /// <summary>The client is gone: whoever waits for it, or for its server, waits no longer.</summary>
    private void ClientLeft()
    {
        _left = true;
        CancelWait();
        if (_midway) _server?.Connection.CancelRead();
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> TakeAsync(long payload)
    {
        byte command = _input.Pending[MySqlPacket.HeaderLength];
        if (payload >= MySqlPacket.MaxPayload)
        {
            _joined = new byte[payload];
            MySqlPacket.Join(_input.Pending[.._length], _joined);
        }

        bool goOn = command switch
        {
            MySqlCommand.Query => await QueryAsync(),
            MySqlCommand.StmtExecute => await ExecuteAsync(),
            MySqlCommand.StmtPrepare => await PrepareAsync(),
            MySqlCommand.StmtFetch => await FetchAsync(),
            MySqlCommand.StmtClose => await CloseStatementAsync(),
            MySqlCommand.StmtReset => await ResetStatementAsync(),
            MySqlCommand.StmtSendLongData => TakeLongData(),
            MySqlCommand.Ping => await SayOkAsync(),
            MySqlCommand.InitDb => await UseAsync(Encoding.UTF8.GetString(Payload[1..])),
            MySqlCommand.FieldList => await FieldListAsync(),
            MySqlCommand.Statistics => await StatisticsAsync(),
            MySqlCommand.ProcessKill => await KillAsync(Payload.Length >= 5 ? BinaryPrimitives.ReadUInt32LittleEndian(Payload[1..]) : 0, wholeConnection: true),
            MySqlCommand.SetOption => await SetOptionAsync(),
            MySqlCommand.ResetConnection => await ResetAsync(),
            MySqlCommand.ChangeUser => await ChangeUserAsync(),
            MySqlCommand.Quit => false,
            _ => await SayErrorAsync(MySqlErrors.UnknownCommand, "08S01", $"The command 0x{command:x2} is not let through; connect to the server itself for replication, shutdown and the like."),
        };
        _joined = null;
        _input.Consume(_length);
        return goOn;
    }

    /// <summary>USE: another database of ours, between transactions.</summary>
    private async ValueTask<bool> UseAsync(string name)
    {
        // What the server calls it is known to those who have asked it.
        if (name == Target.Database.Name || name == Target.Database.ServerDatabase) return await SayOkAsync();
        (Config.DbTarget? target, _) = name.Length > 0 ? Choose(Account, name) : default;
        if (target is null || !Db.Config.Access.Rules(Account.Name, name).Any(Db.Now)) return await SayErrorAsync(MySqlErrors.DatabaseDenied, "42000", $"Access denied for user '{Account.Name}' to database '{name}'");
        if (Listener.Resource.Database.Length > 0) return await SayErrorAsync(MySqlErrors.NotSupported, "42000", $"This listener leads to the database '{Target.Database.Name}' alone.");
        if (_server is { InTransaction: true }) return await SayErrorAsync(MySqlErrors.NotSupported, "42000", "The database cannot be changed within a transaction: commit or roll back first.");
        await GiveBackAsync(midway: false);
        Turn(target);
        NoteQuoting();
        Record.Database = target.Database.Name;
        return await SayOkAsync();
    }

    private async ValueTask<bool> SetOptionAsync()
    {
        if (Payload.Length < 3 || Payload[1] > 1 || Payload[2] != 0) return await SayErrorAsync(MySqlErrors.UnknownCommand, "08S01", "Unknown option");
        _capabilities = Payload[1] == 0 ? _capabilities | MySqlCapabilities.MultiStatements : _capabilities & ~MySqlCapabilities.MultiStatements;
        if (DeprecatesEof) MySqlMessages.EofAsOk(_reply, 1, Status, 0);
        else MySqlMessages.Eof(_reply, 1, Status, 0);
        return await SayAsync();
    }

    /// <summary>The columns of a table: judged as the statement that asks the same.</summary>
    private async ValueTask<bool> FieldListAsync()
    {
        int end = Payload.IndexOf((byte)0);
        string table = Encoding.UTF8.GetString(end < 0 ? Payload[1..] : Payload[1..end]).Replace("`", "``", StringComparison.Ordinal);
        StatementReport report = Read(Encoding.UTF8.GetBytes($"SHOW COLUMNS FROM `{table}`"));
        if (Admit(report) is { } refused) return await RefuseStatementAsync(refused);
        return await RunAsync(report, onlyReads: false, fields: true);
    }

    private async ValueTask<bool> StatisticsAsync()
    {
        Obey();
        if (Count(null) is { } refused) return await RefuseStatementAsync(refused);
        if (await LinkAsync(onlyReads: false) is { } away) return await AwayAsync(away);
        return await SendAsync(_server!, MySqlResponse.OfOne(), null);
    }

    private async ValueTask<bool> ResetAsync()
    {
        await GiveBackAsync(midway: false);
        ForgetSession();
        return await SayOkAsync();
    }

    private async ValueTask<bool> ChangeUserAsync()
    {
        if (MySqlChangeUser.Read(Payload) is not { User.Length: > 0 } wanted) return await SayErrorAsync(MySqlErrors.OutOfOrder, "08S01", "Malformed communication packet");
        await GiveBackAsync(midway: false);
        ForgetSession();
        LoggedIn = false;
        _nextInLogin = 1;
        _input.Consume(_length);
        _length = 0;
        if (!_input.IsEmpty) return await SayErrorAsync(MySqlErrors.OutOfOrder, "08S01", "Got packets out of order") && false;

        // What it sent answers to a challenge that it may have used before: it gets another.
        var proof = new Proof("", Version().Contains("MariaDB", StringComparison.OrdinalIgnoreCase) ? MySqlAuth.Native : MySqlAuth.CachingSha2, [], []);
        return await EnterAsync(wanted.User, wanted.Database, wanted.Collation == 0 ? MySqlSettings.Collation : wanted.Collation, proof, Db.Loop.NowMs + Db.Settings.LoginMs);
    }

    private void ForgetSession()
    {
        _statements.Clear();
        _longBytes = 0;
        _settings = _atLogin;
        _status = MySqlStatus.AutoCommit;
        _lastInsertId = 0;
        NoteQuoting();
    }

    private async ValueTask<bool> AwayAsync(string why)
    {
        if (_left || Client.IsClosed) return false;
        return why == ServerPool.Cancelled
            ? await SayErrorAsync(MySqlErrors.Interrupted, "70100", "Query execution was interrupted")
            : await SayErrorAsync(MySqlErrors.CannotConnect, "HY000", $"No connection to the database could be had: {why}.");
    }

    private async ValueTask<bool> RefuseStatementAsync(Refused refused)
    {
        (ushort code, string state) = refused.Reason switch
        {
            "rate-limit" or "quota-per-hour" => (MySqlErrors.UserLimit, "42000"),
            "statement-mode" or "use" or "several-statements" => (MySqlErrors.NotSupported, "42000"),
            "charset" => (MySqlErrors.UnknownCharset, "42000"),
            "local-infile" => (MySqlErrors.NotAllowed, "42000"),
            "not-granted" or "blocked-object" when refused.Report is { Tables.IsEmpty: false } => (MySqlErrors.TableDenied, "42000"),
            _ => (MySqlErrors.NeedsPrivilege, "42000"),
        };
        Record.Started = System.Diagnostics.Stopwatch.GetTimestamp();
        Record.Of(refused.Report);
        Record.Decision = "deny";
        Record.Reason = refused.Reason;
        Record.Rule = refused.Rule;
        Record.Rows = 0;
        Record.SqlState = state;
        Finish("statement");
        return await SayErrorAsync(code, state, $"{refused.Message} ({refused.Detail})");
    }

    /// <summary>A statement that is too long is read to its end and dropped: whoever sends it reads no answer before, and expects one that is numbered behind its last packet.</summary>
    /// <returns>False when the session is over.</returns>
    private async ValueTask<bool> DropAsync(string message)
    {
        long left = 0, dropped = 0;
        byte number = 0;
        for (bool goesOn = true; goesOn || left > 0;)
        {
            if (left > 0 && !_input.IsEmpty)
            {
                int take = (int)Math.Min(left, _input.Length);
                _input.Consume(take);
                left -= take;
                continue;
            }

            if (left == 0 && MySqlPacket.TryRead(_input.Pending, out MySqlPacket packet))
            {
                _input.Consume(MySqlPacket.HeaderLength);
                (left, number, goesOn) = (packet.PayloadLength, packet.Sequence, packet.GoesOn);
                dropped += left;
                if (dropped > MostDropped) break;
                continue;
            }

            int n = _input.TryFill(Client);
            if (n == -Errno.EAGAIN) n = await Client.ReadableAsync(Db.Settings.StallMs) is var ready and < 0 ? ready : 1;
            if (n > 0) continue;
            Client.Abort();
            return false;
        }

        MySqlMessages.Error(_reply, (byte)(number + 1), MySqlErrors.TooLarge, "08S01", message);
        if (dropped <= MostDropped) return await SayAsync();
        await SayAsync();
        await Client.LingerAndCloseAsync();
        return false;
    }

    private async ValueTask<int> FaultAsync(ushort code, string message)
    {
        MySqlMessages.Error(_reply, (byte)(_input.Length >= MySqlPacket.HeaderLength ? _input.Pending[3] + 1 : 1), code, "08S01", message);
        await SayAsync();
        await Client.LingerAndCloseAsync();
        return 0;
    }
}
