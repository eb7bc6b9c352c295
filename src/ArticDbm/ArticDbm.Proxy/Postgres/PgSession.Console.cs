using System.Globalization;
using System.Text;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Admin;

namespace ArticDbm.Proxy.Postgres;

/// <content>A session on the operators' console instead of a database: simple queries, as PgBouncer's console takes them.</content>
internal sealed partial class PgSession
{
    /// <summary>The longest command: each is a few words.</summary>
    private const int MaxCommand = 4096;

    private const int Int8 = 20, TextType = 25;

    private bool _console;

    private async ValueTask<bool> WelcomeConsoleAsync()
    {
        if (ConsoleRefusal(Account, Db.Config) is { } refusal) return await RefuseAsync("42501", refusal.Reason, refusal.Message);
        _console = true;
        PgMessages.AuthenticationOk(_reply);
        foreach ((string name, string value) in new[] { ("server_version", "1.18.0/marchproxy"), ("client_encoding", "UTF8"), ("server_encoding", "UTF8"), ("DateStyle", "ISO"), ("TimeZone", "GMT"), ("standard_conforming_strings", "on"), ("is_superuser", "on") }) PgMessages.Parameter(_reply, name, value);
        PgMessages.Key(_reply, 0, 0);
        PgMessages.Ready(_reply, TransactionStatus.Idle);
        Record.Account = Account.Name;
        Record.Tenant = Account.Tenant;
        LoggedIn = true;
        Finish("login");
        return await SayAsync();
    }

    private async ValueTask<int> ServeConsoleAsync()
    {
        var console = new AdminConsole(Db.Shared.Admin, Db.Settings);
        while (!Client.IsClosed)
        {
            FrameStatus status = PgFrame.TryRead(_input.Pending, out PgFrame frame);
            if (status == FrameStatus.Malformed || (status == FrameStatus.Ok && frame.Length > MaxCommand)) return await ProtocolFaultAsync("The console takes commands of a few words; see SHOW HELP.");
            if (status == FrameStatus.NeedMore || _input.Length < frame.Length)
            {
                int n = _input.TryFill(Client, MaxCommand + PgFrame.HeaderLength);
                if (n == -MarchProxy.Net.Errno.EAGAIN) n = await Client.ReadableAsync(0) is var ready and < 0 ? ready : 1;
                if (n <= 0) return 0;
                continue;
            }

            string command = frame.Type == FrontendMessage.Query ? Encoding.UTF8.GetString(Text(frame)) : "";
            _input.Consume(frame.Length);
            if (frame.Type == FrontendMessage.Terminate) return 0;
            if (frame.Type == FrontendMessage.Query)
            {
                long started = System.Diagnostics.Stopwatch.GetTimestamp();
                ConsoleAnswer answer = await console.RunAsync(command);
                await Db.Loop.Enter();
                Write(answer);
                if (answer.Columns is null) Note(command, answer, started);
            }
            else if (frame.Type is FrontendMessage.Sync)
            {
                PgMessages.Error(_reply, "ERROR", "08P01", "extended query protocol not supported by admin console");
            }
            else
            {
                // What comes before the Sync of an extended series is answered there.
                continue;
            }

            PgMessages.Ready(_reply, TransactionStatus.Idle);
            if (!await SayAsync()) return 0;
        }

        return 0;
    }

    /// <summary>What an operator did, or tried to do, is told as statements are.</summary>
    private void Note(string command, ConsoleAnswer answer, long started)
    {
        Record.Started = started;
        Record.Text = command;
        Record.Decision = "allow";
        Record.Reason = answer.Fault is null ? null : "console-fault";
        Finish("console");
    }

    private void Write(ConsoleAnswer answer)
    {
        if (answer.Fault is { } fault)
        {
            PgMessages.Error(_reply, "ERROR", "08P01", fault);
            return;
        }

        if (answer.Columns is { } columns)
        {
            _reply.Begin((byte)'T').Int16((short)columns.Length);
            for (int i = 0; i < columns.Length; i++)
            {
                bool number = answer.Rows.Count > 0 && answer.Rows[0][i] is int or long;
                _reply.Text(columns[i]).Int32(0).Int16(0).Int32(number ? Int8 : TextType).Int16((short)(number ? 8 : -1)).Int32(-1).Int16(0);
            }

            _reply.End();
            foreach (object?[] row in answer.Rows)
            {
                _reply.Begin((byte)'D').Int16((short)row.Length);
                foreach (object? value in row)
                {
                    byte[]? text = value is null ? null : Encoding.UTF8.GetBytes(Convert.ToString(value, CultureInfo.InvariantCulture)!);
                    _reply.Int32(text?.Length ?? -1);
                    if (text is not null) _reply.Bytes(text);
                }

                _reply.End();
            }
        }

        if (answer.Tag.Length > 0) _reply.Begin(BackendMessage.CommandComplete).Text(answer.Tag).End();
        else _reply.Begin((byte)'I').End();
    }
}
