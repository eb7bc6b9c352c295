using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>What the client says, message by message.</content>
internal sealed partial class PgSession
{
    /// <summary>Messages for the server are gathered until there are so many bytes, or none is left to read.</summary>
    private const int Gathered = 16 << 10;

    private bool _skipToSync;

    protected override async ValueTask<int> ServeAsync()
    {
        if (_console) return await ServeConsoleAsync();
        while (!Client.IsClosed)
        {
            FrameStatus status = PgFrame.TryRead(_input.Pending, out PgFrame frame);
            if (status == FrameStatus.Malformed) return await ProtocolFaultAsync("The message is none of PostgreSQL's protocol.");
            if (status == FrameStatus.Ok && IsForwardedRaw(frame.Type))
            {
                if (await ForwardRawAsync(frame) < 0) return 0;
                continue;
            }

            if (status == FrameStatus.Ok && frame.Length > Db.Settings.MaxStatementBytes) return await ProtocolFaultAsync($"The message has {frame.Length} bytes; {Db.Settings.MaxStatementBytes} are let through.");
            if (status == FrameStatus.Ok && _input.Length >= frame.Length)
            {
                bool goOn = await TakeAsync(frame);
                if (!goOn) return 0;
                continue;
            }

            if (await FlushAsync() < 0 && Client.IsClosed) return 0;
            int n = _input.TryFill(Client, Db.Settings.MaxStatementBytes + PgFrame.HeaderLength);
            if (n == -Errno.EAGAIN)
            {
                if (_input.IsEmpty) _input.Release();
                bool idle = _server is null;
                n = await Client.ReadableAsync(idle ? Db.Settings.ClientIdleMs : 0) is var ready and < 0 ? ready : 1;
            }

            if (n == -Errno.ENOBUFS) return await ProtocolFaultAsync("The proxy has no memory left for this statement; try again later.");
            if (n <= 0) return 0;
        }

        return 0;
    }

    /// <summary>COPY data: of no interest but in that it goes where it should.</summary>
    private static bool IsForwardedRaw(byte type) => type == FrontendMessage.CopyData;

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> TakeAsync(PgFrame frame)
    {
        if (_skipToSync && frame.Type is not (FrontendMessage.Sync or FrontendMessage.Terminate or FrontendMessage.Query))
        {
            _input.Consume(frame.Length);
            return true;
        }

        switch (frame.Type)
        {
            case FrontendMessage.Query:
                return await QueryAsync(frame);
            case FrontendMessage.Parse:
                return await ParseAsync(frame);
            case FrontendMessage.Bind or FrontendMessage.Describe or FrontendMessage.Close:
                return await NamedAsync(frame);
            case FrontendMessage.Execute:
                return await PassAsync(frame, ExpectKind.Execute, unsynced: true);
            case FrontendMessage.Flush:
                if (_server is null) _input.Consume(frame.Length);
                else Append(frame);
                return true;
            case FrontendMessage.Sync:
                return await SyncAsync(frame);
            case FrontendMessage.CopyDone or FrontendMessage.CopyFail:
                if (_server is not null)
                {
                    _expected.Add(new Expectation(ExpectKind.CopyEnd, null, null, 0));
                    Append(frame);
                }
                else
                {
                    _input.Consume(frame.Length);
                }

                return true;
            case FrontendMessage.FunctionCall:
                return await FunctionCallAsync(frame);
            case FrontendMessage.Terminate:
                await FlushAsync();
                return false;
            default:
                await ProtocolFaultAsync($"The message type \"{(char)frame.Type}\" is none that a logged-in client sends.");
                return false;
        }
    }

    private async ValueTask<bool> SyncAsync(PgFrame frame)
    {
        _skipToSync = false;
        if (_server is null)
        {
            // Nothing of the series went to a server.
            _input.Consume(frame.Length);
            PgMessages.Ready(_reply, TransactionStatus.Idle);
            return await SayAsync();
        }

        _expected.Add(new Expectation(ExpectKind.Sync, null, null, 0));
        _unsynced = false;
        Append(frame);
        if (!_quotingUnsure) return true;
        _quotingUnsure = false;
        return await SettledAsync() || !Client.IsClosed;
    }

    /// <summary>A function called by its number: what it does cannot be read, so only those who may do everything may.</summary>
    private async ValueTask<bool> FunctionCallAsync(PgFrame frame)
    {
        Obey();
        if (!Rules.Allows(DbActions.Call | DbActions.Admin, Db.Now)) return await RefuseQueryAsync(frame, new Refused("not-granted", "Functions called by number (fast path) need the actions call and admin.", null, null));
        if (_server is null && await LinkAsync(onlyReads: false) is { } away) return await AwayAsync(frame, away);
        _expected.Add(new Expectation(ExpectKind.Sync, null, null, 0));
        Append(frame);
        return true;
    }

    /// <summary>Passes a message of an extended series on as it is.</summary>
    private async ValueTask<bool> PassAsync(PgFrame frame, ExpectKind kind, bool unsynced)
    {
        if (_server is null && await LinkAsync(onlyReads: false) is { } away) return await AwayInSeriesAsync(frame, away);
        _expected.Add(new Expectation(kind, null, _bound, Stopwatch.GetTimestamp()));
        _unsynced |= unsynced;
        Append(frame);
        return true;
    }

    /// <summary>Puts a message behind those that are gathered for the server.</summary>
    private void Append(PgFrame frame)
    {
        _busy = true;
        _toServer.Bytes(_input.Pending[..frame.Length]);
        _input.Consume(frame.Length);
    }

    /// <summary>Sends what is gathered.</summary>
    /// <returns>Zero, or a negative number when the server was lost on it.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> FlushAsync()
    {
        if (_reply.Length > 0 && !await SayAsync()) return -1;
        if (!_busy) return 0;
        int sent = 0;
        if (_toServer.Length > 0)
        {
            if (_server is { } server) sent = await server.Connection.SendAllAsync(_toServer.Written, Db.Settings.StallMs);
            _toServer.Clear();
            if (sent < 0 && _server is { } lost)
            {
                _busy = false;

                // The server may have said why before it closed: whoever reads from it tells the client.
                if (!_relaying && lost.Connection.IsClosed) ServerFailed(lost, "closed");
                else lost.Connection.ShutdownSend();
                return sent;
            }
        }

        _busy = false;
        if (_server is not null && !_relaying && IsIdle) Settle();
        return 0;
    }

    /// <summary>Messages of COPY data, as many as are here, and the rest of the last as it comes.</summary>
    private async ValueTask<int> ForwardRawAsync(PgFrame frame)
    {
        if (await FlushAsync() < 0 || _server is not { } server)
        {
            // The server has ended the COPY, or was lost: what still comes is dropped, as the protocol has it.
            return await DropAsync(frame.Length);
        }

        long left = frame.Length;
        while (left > 0)
        {
            int take = (int)Math.Min(left, _input.Length);
            if (take == left)
            {
                // More whole messages behind it go along in one send.
                while (PgFrame.TryRead(_input.Pending[take..], out PgFrame next) == FrameStatus.Ok && IsForwardedRaw(next.Type) && _input.Length - take >= next.Length)
                {
                    take += next.Length;
                    left += next.Length;
                }
            }

            if (take > 0)
            {
                int sent = await server.Connection.SendAllAsync(_input.Memory[..take], Db.Settings.StallMs);
                _input.Consume(take);
                left -= take;
                if (sent < 0 || _server != server) return await DropAsync(left);
                continue;
            }

            _input.ExpectMuch(Db.Loop);
            int n = _input.TryFill(Client);
            if (n == -Errno.EAGAIN) n = await Client.ReadableAsync(0) is var ready and < 0 ? ready : 1;
            if (n <= 0) return -1;
        }

        return 0;
    }

    private async ValueTask<int> DropAsync(long left)
    {
        while (left > 0)
        {
            int take = (int)Math.Min(left, _input.Length);
            _input.Consume(take);
            left -= take;
            if (left == 0) break;
            int n = _input.TryFill(Client);
            if (n == -Errno.EAGAIN) n = await Client.ReadableAsync(Db.Settings.StallMs) is var ready and < 0 ? ready : 1;
            if (n <= 0) return -1;
        }

        return 0;
    }

    private async ValueTask<int> ProtocolFaultAsync(string message)
    {
        PgMessages.Error(_reply, "FATAL", "08P01", message);
        await SayAsync();
        await Client.LingerAndCloseAsync();
        return 0;
    }
}
