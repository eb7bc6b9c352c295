namespace ArticDbm.Protocols.MySql;

/// <summary>What a packet of an answer is.</summary>
public enum MySqlRole
{
    /// <summary>It goes on as it is: a number of columns, a column, or more of something.</summary>
    Content,

    /// <summary>The last column.</summary>
    LastColumn,

    /// <summary>The EOF packet behind the columns.</summary>
    ColumnsEof,

    /// <summary>A row.</summary>
    Row,

    /// <summary>The EOF packet, or the OK packet in its place, behind the rows.</summary>
    RowsEnd,

    /// <summary>OK: no rows.</summary>
    Ok,

    /// <summary>An error: the answer ends.</summary>
    Error,

    /// <summary>The server asks for a file of the client's.</summary>
    LocalFile,

    /// <summary>It cannot be here.</summary>
    Malformed,
}

/// <summary>
/// Where in a server's answer we are (documentation, "COM_QUERY Response", "Binary Protocol Resultset"): a number of columns, the columns, rows, and that as often as there are
/// results. It is told each packet's length and first bytes, and no more: rows go by unread.
/// </summary>
public struct MySqlResponse
{
    private readonly bool _deprecatesEof;
    private Phase _phase;
    private ulong _columns;
    private bool _goesOn;

    private MySqlResponse(bool deprecatesEof, Phase phase)
    {
        _deprecatesEof = deprecatesEof;
        _phase = phase;
    }

    private enum Phase : byte
    {
        First,
        Columns,
        ColumnsEnd,
        Rows,
        Single,
        Done,
    }

    /// <summary>Whether the answer is over.</summary>
    public readonly bool IsDone => _phase == Phase.Done && !_goesOn;

    /// <summary>Bytes of a payload that <see cref="Next"/> wants to see, where there are as many.</summary>
    public const int Peek = 9;

    /// <summary>The answer to a text or to the run of a prepared statement.</summary>
    /// <param name="deprecatesEof">Whether the server sends no EOF packets.</param>
    public static MySqlResponse OfQuery(bool deprecatesEof) => new(deprecatesEof, Phase.First);

    /// <summary>The answer to a fetch, or to the question for a table's columns: rows alone.</summary>
    /// <param name="deprecatesEof">Whether the server sends no EOF packets.</param>
    public static MySqlResponse OfRows(bool deprecatesEof) => new(deprecatesEof, Phase.Rows);

    /// <summary>An answer of one packet.</summary>
    public static MySqlResponse OfOne() => new(false, Phase.Single);

    /// <summary>Takes the next packet.</summary>
    /// <param name="packet">Its frame.</param>
    /// <param name="first">The first <see cref="Peek"/> bytes of its payload, or all.</param>
    public MySqlRole Next(MySqlPacket packet, ReadOnlySpan<byte> first)
    {
        bool more = _goesOn;
        _goesOn = packet.GoesOn;
        if (more) return MySqlRole.Content;
        switch (_phase)
        {
            case Phase.First:
                return First(first);
            case Phase.Columns:
                if (first is [MySqlError.Header, ..]) return Ends(MySqlRole.Error);
                if (--_columns > 0) return MySqlRole.Content;
                _phase = _deprecatesEof ? Phase.Rows : Phase.ColumnsEnd;
                return MySqlRole.LastColumn;
            case Phase.ColumnsEnd:
                if (first is [MySqlError.Header, ..]) return Ends(MySqlRole.Error);
                _phase = Phase.Rows;
                return first is [MySqlOk.EofHeader, ..] && packet.PayloadLength < Peek ? MySqlRole.ColumnsEof : MySqlRole.Malformed;
            case Phase.Rows:
                if (first is [MySqlError.Header, ..]) return Ends(MySqlRole.Error);

                // A row may begin with the same byte, for a first value of 16 MiB and more: then it is longer.
                return first is [MySqlOk.EofHeader, ..] && packet.PayloadLength < (_deprecatesEof ? MySqlPacket.MaxPayload : Peek) ? MySqlRole.RowsEnd : MySqlRole.Row;
            case Phase.Single:
                return Ends(first is [MySqlError.Header, ..] ? MySqlRole.Error : MySqlRole.Content);
            default:
                return MySqlRole.Malformed;
        }
    }

    /// <summary>A result has ended, or its columns have: the status tells what follows.</summary>
    /// <param name="role">What the packet was.</param>
    /// <param name="status">What it said.</param>
    public void Told(MySqlRole role, MySqlStatus status)
    {
        if (role == MySqlRole.ColumnsEof)
        {
            if ((status & MySqlStatus.CursorExists) != 0) _phase = Phase.Done;
            return;
        }

        _phase = (status & MySqlStatus.MoreResults) != 0 ? Phase.First : Phase.Done;
    }

    private MySqlRole First(ReadOnlySpan<byte> first)
    {
        switch (first)
        {
            case [MySqlOk.Header, ..]:
                return MySqlRole.Ok;
            case [MySqlError.Header, ..]:
                return Ends(MySqlRole.Error);
            case [0xFB, ..]:
                return MySqlRole.LocalFile;
            default:
                var reader = new MySqlReader(first);
                _columns = reader.Number();
                if (reader.Failed || _columns == 0 || _columns > ushort.MaxValue) return MySqlRole.Malformed;
                _phase = Phase.Columns;
                return MySqlRole.Content;
        }
    }

    private MySqlRole Ends(MySqlRole role)
    {
        _phase = Phase.Done;
        return role;
    }
}
