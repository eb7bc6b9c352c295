using ArticDbm.Protocols.MySql;
using MarchProxy.Net;

namespace ArticDbm.Proxy.MySql;

/// <summary>Questions of our own to a server: packets to and fro, one at a time, until a deadline.</summary>
internal sealed class MySqlConversation(MySqlServer server, long deadline)
{
    /// <summary>What servers answer to us is short; one that sends more is none.</summary>
    private const int MaxMessage = 1 << 20;

    public MySqlServer Server => server;

    public MySqlWriter Out { get; } = new();

    /// <summary>The frame of the packet that <see cref="ReadAsync"/> has read.</summary>
    public MySqlPacket Packet { get; private set; }

    public ReadOnlySpan<byte> Payload => server.Input.Pending.Slice(MySqlPacket.HeaderLength, Packet.PayloadLength);

    public void Take() => server.Input.Consume(Packet.Length);

    /// <summary>Sends what was written.</summary>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> SendAsync()
    {
        int sent = await server.Connection.SendAllAsync(Out.Written, Left);
        Out.Clear();
        return sent < 0 ? "it went away: " + Errno.Name(sent) : null;
    }

    /// <summary>Waits for a whole packet.</summary>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> ReadAsync()
    {
        while (true)
        {
            if (MySqlPacket.TryRead(server.Input.Pending, out MySqlPacket packet))
            {
                if (packet.PayloadLength is 0 or > MaxMessage) return "it is no MySQL server";
                if (server.Input.Length >= packet.Length)
                {
                    Packet = packet;
                    return null;
                }
            }

            if (await server.FillAsync(deadline, MaxMessage + MySqlPacket.HeaderLength) is { } fault) return fault;
        }
    }

    /// <summary>Runs a statement of ours.</summary>
    /// <param name="sql">The statement.</param>
    /// <returns>What went wrong, or the rows of its result.</returns>
    public ValueTask<(string? Fault, List<string?[]> Rows)> AskAsync(string sql)
    {
        MySqlMessages.Query(Out, sql);
        return AnswerAsync();
    }

    /// <summary>Sends what was written and reads an answer.</summary>
    /// <returns>What went wrong, or the rows of its result.</returns>
    public async ValueTask<(string? Fault, List<string?[]> Rows)> AnswerAsync()
    {
        var rows = new List<string?[]>();
        if (await SendAsync() is { } unsent) return (unsent, rows);
        MySqlResponse response = MySqlResponse.OfQuery(server.DeprecatesEof);
        int columns = 0;
        string? fault = null;
        while (!response.IsDone)
        {
            if (await ReadAsync() is { } lost) return (lost, rows);
            MySqlRole role = response.Next(Packet, Payload[..Math.Min(MySqlResponse.Peek, Packet.PayloadLength)]);
            switch (role)
            {
                case MySqlRole.Content or MySqlRole.LastColumn:
                    if (columns == 0 && Packet.PayloadLength < 4) columns = Payload[0];
                    break;
                case MySqlRole.Row:
                    rows.Add(Row(columns));
                    break;
                case MySqlRole.ColumnsEof:
                case MySqlRole.RowsEnd when !server.DeprecatesEof:
                    MySqlOk.TryReadEof(Payload, out MySqlOk eof);
                    server.Status = eof.Status;
                    response.Told(role, eof.Status);
                    break;
                case MySqlRole.Ok or MySqlRole.RowsEnd:
                    MySqlOk.TryRead(Payload, server.Tracks, out MySqlOk ok);
                    server.Status = ok.Status;
                    response.Told(role, ok.Status);
                    break;
                case MySqlRole.Error:
                    MySqlError error = MySqlError.Read(Payload);
                    fault = $"{error.Message} ({error.Code}, {error.SqlState})";
                    break;
                default:
                    return ("its answer breaks the protocol", rows);
            }

            Take();
        }

        return (fault, rows);
    }

    private string?[] Row(int columns)
    {
        var reader = new MySqlReader(Payload);
        string?[] row = new string?[columns];
        for (int i = 0; i < row.Length; i++) row[i] = reader.Cell();
        return row;
    }

    private long Left => Math.Max(1, deadline - server.Connection.Loop.NowMs);
}
