using System.Runtime.CompilerServices;
using ArticDbm.Protocols.MySql;
using ArticDbm.Security;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.MySql;

/// <content>A command on its way to a server, and the server's answer on its way back.</content>
internal sealed partial class MySqlSession
{
    private MySqlResponse _response;
    private long _passing, _rows;
    private ulong _affected, _lastInsertId;
    private int _shift, _skip;
    private string? _sqlState;

    /// <summary>An answer is under way; some of it has gone to the client; the client's file is asked for; the cursor's columns still want their end.</summary>
    private bool _midway, _answered, _wantsFile, _openColumns, _asksCursor, _changed, _asksCollation;
    private byte _lastSequence;

    /// <summary>Sends the command as it was read.</summary>
    private ValueTask<bool> SendAsync(MySqlServer server, MySqlResponse response, StatementReport? report, long started = 0) =>
        SendAsync(server, _input.Memory[.._length], response, report, started);

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> SendAsync(MySqlServer server, ReadOnlyMemory<byte> command, MySqlResponse response, StatementReport? report, long started)
    {
        _response = response;
        _passing = _rows = 0;
        _affected = 0;
        _shift = 0;
        _sqlState = null;
        _answered = _wantsFile = _openColumns = _changed = false;
        _midway = true;
        Record.Server = server.Share.Label;
        bool inTransaction = server.InTransaction;
        if (_left) return await ServerFailedAsync(server, -Errno.ECANCELED, inTransaction, report, started);
        int result = await server.Connection.SendAllAsync(command, Db.Settings.StallMs);
        if (result >= 0) result = await RelayAsync(server);
        if (result < 0) return await ServerFailedAsync(server, result, inTransaction, report, started);
        _midway = false;
        _status = server.Status;
        if (report is not null) Log(report, started);
        if (!server.InTransaction) TransactionEnded();
        if (_changed && await TakeChangesAsync(server) is false) return false;
        if (_held && _heldOut && !server.InTransaction) _held = false;
        Settle();
        return !Client.IsClosed;
    }

    /// <summary>Passes an answer on until it is over.</summary>
    /// <returns>Zero, or a negative error number when the server is lost or breaks the protocol; -ECANCELED when the client is.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> RelayAsync(MySqlServer server)
    {
        while (true)
        {
            int pass = Look(server);
            if (pass < 0) return -Errno.EPROTO;
            if (pass > 0 || _reply.Length > 0)
            {
                _answered = true;
                int sent = await Client.SendAllAsync(server.Input.Memory[..pass], _reply.Written, Db.Settings.StallMs);
                _reply.Clear();
                if (sent < 0)
                {
                    Client.Abort();
                    return -Errno.ECANCELED;
                }
            }

            bool moved = pass + _skip > 0;
            server.Input.Consume(pass + _skip);
            _skip = 0;
            if (_response.IsDone && _passing == 0) return 0;
            if (_wantsFile)
            {
                _wantsFile = false;
                if (await SendFileAsync(server) is var file and < 0) return file;
                continue;
            }

            if (moved) continue;
            int n = server.Input.TryFill(server.Connection, MySqlLogin.MaxLength);
            if (n == -Errno.EAGAIN)
            {
                if (server.Input.IsEmpty) server.Input.Release();
                n = _left ? -Errno.ECANCELED : await server.Connection.ReadableAsync(Db.Settings.StatementMs) is var ready and < 0 ? ready : 1;
            }

            if (n == 0) return -Errno.ECONNRESET;
            if (n < 0) return n;
        }
    }

    /// <summary>Looks at what is here: how much of it goes on as it is, how much behind that is dropped (<see cref="_skip"/>), and what goes in its place (<see cref="_reply"/>).</summary>
    /// <returns>Bytes to pass; negative when the server's bytes are no answer.</returns>
    private int Look(MySqlServer server)
    {
        Span<byte> data = server.Input.Writable;
        int at = 0;
        if (_passing > 0)
        {
            at = (int)Math.Min(_passing, data.Length);
            _passing -= at;
            if (_passing > 0)
            {
                server.Input.ExpectMuch(Db.Loop);
                return at;
            }
        }

        while (!_response.IsDone && MySqlPacket.TryRead(data[at..], out MySqlPacket packet))
        {
            int here = data.Length - at - MySqlPacket.HeaderLength;
            if (here < Math.Min(packet.PayloadLength, MySqlResponse.Peek)) break;
            bool whole = here >= packet.PayloadLength;
            Span<byte> payload = data.Slice(at + MySqlPacket.HeaderLength, Math.Min(here, packet.PayloadLength));
            MySqlResponse before = _response;
            MySqlRole role = _response.Next(packet, payload[..Math.Min(payload.Length, MySqlResponse.Peek)]);
            if (_openColumns && CloseColumns(server, role, payload, whole, before) is { } closed) return closed < 0 ? -1 : at;
            if (role is MySqlRole.Malformed || (role == MySqlRole.LocalFile && !Target.Database.LocalInfile)) return -1;
            if (_shift != 0) data[at + 3] = (byte)(packet.Sequence + _shift);
            _lastSequence = (byte)(packet.Sequence + _shift);
            if (role is MySqlRole.Content or MySqlRole.Row)
            {
                if (role == MySqlRole.Row) _rows++;
                if (!whole)
                {
                    _passing = packet.PayloadLength - here;
                    return data.Length;
                }

                at += packet.Length;
                continue;
            }

            if (!whole)
            {
                // What is looked into is short; of its header nothing may have changed when it is looked at again.
                data[at + 3] = packet.Sequence;
                _response = before;
                break;
            }

            if (!Answered(server, role, payload))
            {
                _skip = packet.Length;
                return at;
            }

            at += packet.Length;
            if (_reply.Length > 0 || _wantsFile) return at;
        }

        return at;
    }

    /// <summary>Takes note of a packet that tells something.</summary>
    /// <returns>Whether it goes on as it is; else what goes in its place is written.</returns>
    private bool Answered(MySqlServer server, MySqlRole role, ReadOnlySpan<byte> payload)
    {
        switch (role)
        {
            case MySqlRole.LastColumn:
                if (!server.DeprecatesEof || DeprecatesEof) return true;
                if (_asksCursor) _openColumns = true;
                else EndColumns(server.Status);
                return true;
            case MySqlRole.ColumnsEof:
                MySqlOk.TryReadEof(payload, out MySqlOk columns);
                Note(server, columns.Status);
                _response.Told(role, columns.Status);
                if (!DeprecatesEof) return true;
                if (_response.IsDone) MySqlMessages.EofAsOk(_reply, _lastSequence, columns.Status, columns.Warnings);
                else _shift--;
                return false;
            case MySqlRole.RowsEnd:
                return RowsEnded(server, payload);
            case MySqlRole.Ok:
                if (!MySqlOk.TryRead(payload, server.Tracks, out MySqlOk ok)) return true;
                Note(server, ok.Status);
                _affected += ok.AffectedRows;
                if (ok.LastInsertId != 0) _lastInsertId = ok.LastInsertId;
                _response.Told(role, ok.Status);
                if (ok.StateStart == 0) return true;
                NoteChanges(server, payload[ok.StateStart..]);
                if (Tracks) return true;
                WriteWithoutState(ok, payload, MySqlOk.Header);
                return false;
            case MySqlRole.Error:
                MySqlError error = MySqlError.Read(payload);
                _sqlState = error.SqlState;
                return true;
            default:
                _wantsFile = true;
                return true;
        }
    }

    private bool RowsEnded(MySqlServer server, ReadOnlySpan<byte> payload)
    {
        MySqlOk end;
        if (server.DeprecatesEof) MySqlOk.TryRead(payload, server.Tracks, out end);
        else MySqlOk.TryReadEof(payload, out end);
        Note(server, end.Status);
        _response.Told(MySqlRole.RowsEnd, end.Status);
        if (end.StateStart > 0) NoteChanges(server, payload[end.StateStart..]);
        MySqlStatus told = end.Status & ~MySqlStatus.SessionStateChanged;
        if (server.DeprecatesEof && !DeprecatesEof) MySqlMessages.Eof(_reply, _lastSequence, told, end.Warnings);
        else if (!server.DeprecatesEof && DeprecatesEof) MySqlMessages.EofAsOk(_reply, _lastSequence, told, end.Warnings);
        else if (end.StateStart > 0 && !Tracks) WriteWithoutState(end, payload, MySqlOk.EofHeader);
        else return true;
        return false;
    }

    /// <summary>The columns of an answer that may be a cursor have no end yet: the next packet tells whether rows follow.</summary>
    /// <returns>Null to go on with the packet; else that it is to be looked at again, or that it was taken.</returns>
    private int? CloseColumns(MySqlServer server, MySqlRole role, ReadOnlySpan<byte> payload, bool whole, MySqlResponse before)
    {
        if (role == MySqlRole.RowsEnd && !whole)
        {
            _response = before;
            return 0;
        }

        _openColumns = false;
        if (role == MySqlRole.RowsEnd && MySqlOk.TryRead(payload, server.Tracks, out MySqlOk ok) && (ok.Status & MySqlStatus.CursorExists) != 0) return null;
        EndColumns(server.Status);
        _response = before;
        return 0;
    }

    private void EndColumns(MySqlStatus status)
    {
        MySqlMessages.Eof(_reply, (byte)(_lastSequence + 1), status & ~(MySqlStatus.MoreResults | MySqlStatus.SessionStateChanged | MySqlStatus.CursorExists | MySqlStatus.LastRowSent), 0);
        _shift++;
    }

    private void WriteWithoutState(in MySqlOk ok, ReadOnlySpan<byte> payload, byte header)
    {
        _reply.Begin(_lastSequence).Byte(header).Number(ok.AffectedRows).Number(ok.LastInsertId).UInt16((ushort)(ok.Status & ~MySqlStatus.SessionStateChanged)).UInt16(ok.Warnings);
        _reply.Bytes(payload[ok.InfoStart..ok.InfoEnd]).End();
    }

    private static void Note(MySqlServer server, MySqlStatus status) => server.Status = status;

    private void Log(StatementReport report, long started)
    {
        Record.Started = started;
        Record.Of(report);
        Record.Decision = "allow";
        Record.Reason = null;
        Record.Rule = null;
        Record.Rows = _rows + (long)Math.Min(_affected, long.MaxValue / 2);
        Record.SqlState = _sqlState;
        Finish("statement");
    }

    /// <summary>LOAD DATA LOCAL: the client's file, up to its empty packet.</summary>
    private async ValueTask<int> SendFileAsync(MySqlServer server)
    {
        // What was the command is no longer needed; what is behind it is the file.
        _input.Consume(_length);
        _length = 0;
        long left = 0;
        while (true)
        {
            if (left == 0 && MySqlPacket.TryRead(_input.Pending, out MySqlPacket packet))
            {
                if (packet.PayloadLength == 0)
                {
                    int last = await server.Connection.SendAllAsync(_input.Memory[..MySqlPacket.HeaderLength], Db.Settings.StallMs);
                    _input.Consume(MySqlPacket.HeaderLength);
                    return last;
                }

                left = packet.Length;
            }

            int take = (int)Math.Min(left, _input.Length);
            if (take > 0)
            {
                int sent = await server.Connection.SendAllAsync(_input.Memory[..take], Db.Settings.StallMs);
                if (sent < 0) return sent;
                _input.Consume(take);
                left -= take;
                continue;
            }

            if (left > 0) _input.ExpectMuch(Db.Loop);
            int n = _input.TryFill(Client);
            if (n == -Errno.EAGAIN) n = await Client.ReadableAsync(Db.Settings.StallMs) is var ready and < 0 ? ready : 1;
            if (n <= 0) return -Errno.ECANCELED;
        }
    }

    /// <summary>The server is gone in the middle: the client is told, and stays where that can be. Nothing is sent a second time.</summary>
    private async ValueTask<bool> ServerFailedAsync(MySqlServer server, int error, bool inTransaction, StatementReport? report, long started)
    {
        string reason = error switch { -Errno.ETIMEDOUT => "timeout", -Errno.EPROTO => "malformed", _ => "closed" };
        if (error == -Errno.ECANCELED)
        {
            // Nobody waits for the rest: the server need not finish it.
            KillOnServer(server, "CONNECTION");
            Unlink(reusable: false);
            _midway = false;
            return false;
        }

        Db.Metrics.BackendError(Target.Database.Name, reason);
        if (error == -Errno.ETIMEDOUT) KillOnServer(server, "QUERY");
        bool lost = _answered || inTransaction || _pinned || _cursors > 0;
        _sqlState = "08S01";
        if (report is not null) Log(report, started);
        Unlink(reusable: false);
        _midway = false;
        if (Client.IsClosed) return false;
        if (!_answered)
        {
            string told = reason == "timeout" ? $"The statement took longer than {Db.Settings.StatementMs} ms." : "Lost connection to the database server during the statement; whether it took effect is not known.";
            if (!await SayErrorAsync(MySqlErrors.ServerLost, "08S01", told)) return false;
        }

        // A transaction that is lost, or an answer that was cut, cannot be mended: the session ends.
        return !lost;
    }
}
