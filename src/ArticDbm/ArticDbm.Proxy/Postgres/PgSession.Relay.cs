using System.Buffers.Text;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Postgres;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Postgres;

/// <content>What the server says, on its way to the client: frames are looked at, content goes on as it came.</content>
internal sealed partial class PgSession
{
    private static readonly byte[] s_parseComplete = [BackendMessage.ParseComplete, 0, 0, 0, 4];

    /// <summary>What goes instead of the server's answer to our own refusal, and the mark by which that is known.</summary>
    private byte[]? _refusal, _refusalMark;
    private long _rows;
    private string? _sqlState;

    /// <summary>Whether an error has come since the last question but one was answered.</summary>
    private bool _failedLast;

    /// <summary>Passes on until the connection is given back, or either side is gone.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> RelayAsync(PgServer server)
    {
        while (_server == server)
        {
            _relaying = true;
            int pass = Look(server, out int skip, out bool settled);
            if (pass < 0)
            {
                ServerFailed(server, "malformed");
                return 0;
            }

            if (pass > 0)
            {
                int sent = await Client.SendAllAsync(server.Input.Memory[..pass], Db.Settings.StallMs);
                if (sent < 0)
                {
                    // Who reads from the client sees that it is gone, and cleans up.
                    Client.Abort();
                    return 0;
                }

                server.Input.Consume(pass);
            }

            if (skip > 0) server.Input.Consume(skip);
            if (_insert is { } inserted)
            {
                _insert = null;
                if (await Client.SendAllAsync(inserted, Db.Settings.StallMs) < 0) return 0;
            }

            _relaying = false;
            if (settled)
            {
                if (!_busy && IsIdle) Settle();
                _settled.Complete(0);
                if (_server != server) return 0;
            }

            if (pass > 0 || skip > 0) continue;
            int n = server.Input.TryFill(server.Connection, PgFrame.MaxLength);
            if (n > 0) continue;
            if (n == -Errno.EAGAIN)
            {
                if (server.Input.IsEmpty) server.Input.Release();
                n = await server.Connection.ReadableAsync(Db.Settings.StatementMs > 0 && _expected.Ready > 0 ? Db.Settings.StatementMs : 0);
                if (n == 0) continue;
                if (n == -Errno.ECANCELED) return 0;
            }

            if (_server == server) ServerFailed(server, n == -Errno.ETIMEDOUT ? "timeout" : "closed");
            return 0;
        }

        return 0;
    }

    private byte[]? _insert;
    private long _passing;
    private bool _relaying;

    /// <summary>Looks at what is here: how much of it goes on as it is, and how much behind that is dropped.</summary>
    /// <returns>Bytes to pass; negative when the server's bytes are no messages.</returns>
    private int Look(PgServer server, out int skip, out bool settled)
    {
        skip = 0;
        settled = false;
        ReadOnlySpan<byte> data = server.Input.Pending;
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

        while (at < data.Length)
        {
            FrameStatus status = PgFrame.TryRead(data[at..], out PgFrame frame);
            if (status == FrameStatus.Malformed) return -1;
            if (status == FrameStatus.NeedMore) break;
            bool whole = data.Length - at >= frame.Length;
            if (IsContent(frame.Type))
            {
                // Rows and COPY data may be long: what is here goes on at once.
                if (!whole)
                {
                    _passing = frame.Length - (data.Length - at);
                    return data.Length;
                }

                at += frame.Length;
                continue;
            }

            if (!whole) break;
            if (!Answered(server, frame, data.Slice(at + PgFrame.HeaderLength, frame.BodyLength), ref settled))
            {
                // This one does not go on; what is before it does, first.
                skip = frame.Length;
                return at;
            }

            at += frame.Length;
            if (settled) return at;
        }

        return at;
    }

    private static bool IsContent(byte type) => type is (byte)'D' or (byte)'d' or (byte)'T' or (byte)'V';

    /// <summary>Takes note of an answer.</summary>
    /// <returns>Whether it goes on to the client.</returns>
    private bool Answered(PgServer server, PgFrame frame, ReadOnlySpan<byte> body, ref bool settled)
    {
        switch (frame.Type)
        {
            case BackendMessage.ReadyForQuery when body.Length == 1:
                server.Status = body[0];
                Readied(server);
                settled = true;
                return true;
            case BackendMessage.ErrorResponse:
                return Failed(server, body);
            case BackendMessage.CommandComplete:
                Completed(body);
                return true;
            case (byte)'I' or (byte)'s':
                Completed([]);
                return true;
            case BackendMessage.ParseComplete:
                return Parsed();
            case BackendMessage.CloseComplete:
                return Closed();
            case BackendMessage.ParameterStatus:
                PgLogin.Parameter(server, body);
                KeepSetting(server, body);
                return true;
            case BackendMessage.CopyInResponse or (byte)'W':
                _expected.ForgetSyncsBeforeCopyEnd();
                return true;
            default:
                return true;
        }
    }

    private void Readied(PgServer server)
    {
        while (_expected.Count > 0)
        {
            Expectation one = _expected.Take();
            if (one.Kind == ExpectKind.Query) Note(one);
            if (one.Kind is ExpectKind.Query or ExpectKind.Sync) break;
        }

        _refusal = null;
        if (server.Status == TransactionStatus.Idle) TransactionEnded();
    }

    private bool Failed(PgServer server, ReadOnlySpan<byte> body)
    {
        if (_refusal is { } refusal && body.IndexOf(_refusalMark) >= 0)
        {
            _insert = refusal;
            _refusal = null;
            SkipToSync(server, record: false);
            return false;
        }

        _sqlState = PgError.Read(body).SqlState;
        _failedLast = true;
        SkipToSync(server, record: true);
        return true;
    }

    /// <summary>After an error the server passes over everything up to Sync: none of it is answered.</summary>
    private void SkipToSync(PgServer server, bool record)
    {
        while (_expected.Count > 0 && _expected.Peek().Kind is not (ExpectKind.Query or ExpectKind.Sync))
        {
            Expectation one = _expected.Take();
            if (one.Kind is ExpectKind.Parse or ExpectKind.ParsePutIn && one.Statement is { } unprepared) server.Forget(unprepared);
            if (record && one.Kind == ExpectKind.Execute)
            {
                Note(one);
                record = false;
            }
        }
    }

    private void Completed(ReadOnlySpan<byte> tag)
    {
        // The rows are the last number of the tag: SELECT 5, INSERT 0 1, COPY 7.
        int end = tag.IndexOf((byte)0);
        ReadOnlySpan<byte> text = end < 0 ? tag : tag[..end];
        int space = text.LastIndexOf((byte)' ');
        if (space >= 0 && Utf8Parser.TryParse(text[(space + 1)..], out long rows, out int used) && used == text.Length - space - 1) _rows += rows;
        if (_expected.Count > 0 && _expected.Peek().Kind == ExpectKind.Execute) Note(_expected.Take());
        while (_expected.Count > 0 && _expected.Peek().Kind == ExpectKind.CopyEnd) _expected.Take();
    }

    private bool Parsed()
    {
        if (_expected.Count == 0) return true;
        Expectation one = _expected.Peek();
        if (one.Kind is not (ExpectKind.Parse or ExpectKind.ParsePutIn)) return true;
        _expected.Take();
        if (one.Statement is { } statement) statement.WasParsed = true;
        return one.Kind == ExpectKind.Parse;
    }

    private bool Closed()
    {
        if (_expected.Count == 0) return true;
        Expectation one = _expected.Peek();
        if (one.Kind is not (ExpectKind.Close or ExpectKind.CloseForParse or ExpectKind.ClosePutIn)) return true;
        _expected.Take();
        if (one.Kind == ExpectKind.CloseForParse) _insert = s_parseComplete;
        return one.Kind == ExpectKind.Close;
    }

    /// <summary>A setting that the session changed is what it wants from now on, on whichever server.</summary>
    private void KeepSetting(PgServer server, ReadOnlySpan<byte> body)
    {
        int end = body.IndexOf((byte)0);
        if (end <= 0) return;
        string name = System.Text.Encoding.UTF8.GetString(body[..end]);
        if (PgSettings.Reported.ContainsKey(name.ToLowerInvariant())) _wanted.Set(name, server.Reported[name]);
        if (name == Conforming) NoteQuoting();
    }

    private void Note(in Expectation one)
    {
        Record.Started = one.Started;
        Record.Of(one.Report);
        Record.Decision = "allow";
        Record.Reason = null;
        Record.Rule = null;
        Record.Rows = _rows;
        Record.SqlState = _sqlState;
        _rows = 0;
        _sqlState = null;
        Finish("statement");
    }

    /// <summary>The server is gone in the middle: the client is told, and stays where that can be.</summary>
    private void ServerFailed(PgServer server, string reason)
    {
        Db.Metrics.BackendError(Target.Database.Name, reason);
        bool between = _passing == 0 && !Client.IsClosed;
        bool inTransaction = server.Status != TransactionStatus.Idle;
        int answers = _expected.Ready;
        bool midway = _unsynced;
        _passing = 0;
        _sqlState = "08006";
        while (_expected.Count > 0)
        {
            Expectation one = _expected.Take();
            if (one.Kind is ExpectKind.Query or ExpectKind.Execute) Note(one);
        }

        _sqlState = null;
        _unsynced = false;
        Unlink(reusable: false);
        _settled.Complete(-Errno.ECONNRESET);
        string told = reason == "timeout" ? $"The statement took longer than {Db.Settings.StatementMs} ms." : "The database server closed the connection; whether the statement took effect is not known.";
        var words = new PgWriter();
        if (between && answers + (midway ? 1 : 0) > 0 && !inTransaction)
        {
            PgMessages.Error(words, "ERROR", reason == "timeout" ? "57014" : "08006", told);
            for (int i = 0; i < answers; i++) PgMessages.Ready(words, TransactionStatus.Idle);
            _skipToSync |= midway && answers == 0;
            if (Client.TrySend(words.Written.Span) == words.Length) return;
        }
        else if (!between || inTransaction || answers > 0)
        {
            // A transaction that is lost, or an answer that was cut, cannot be mended: the session ends.
            PgMessages.Error(words, "FATAL", "08006", told);
            if (between) Client.TrySend(words.Written.Span);
            Client.Close();
            return;
        }

        if (_pinned) Client.Close();
    }
}
