namespace ArticDbm.Protocols.MySql;

/// <summary>The packets that we write ourselves, to clients and to servers.</summary>
public static class MySqlMessages
{
    /// <summary>OK.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="status">The session's status.</param>
    public static void Ok(MySqlWriter writer, byte sequence, MySqlStatus status) =>
        writer.Begin(sequence).Byte(MySqlOk.Header).Byte(0).Byte(0).UInt16((ushort)status).UInt16(0).End();

    /// <summary>The end of columns or rows, to a client that takes EOF packets.</summary>
    public static void Eof(MySqlWriter writer, byte sequence, MySqlStatus status, ushort warnings) =>
        writer.Begin(sequence).Byte(MySqlOk.EofHeader).UInt16(warnings).UInt16((ushort)status).End();

    /// <summary>The end of rows, to a client that takes OK packets in their place.</summary>
    public static void EofAsOk(MySqlWriter writer, byte sequence, MySqlStatus status, ushort warnings) =>
        writer.Begin(sequence).Byte(MySqlOk.EofHeader).Byte(0).Byte(0).UInt16((ushort)status).UInt16(warnings).End();

    /// <summary>An error.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="sequence">Its number.</param>
    /// <param name="code">MySQL's number.</param>
    /// <param name="sqlState">Five characters.</param>
    /// <param name="message">A sentence.</param>
    public static void Error(MySqlWriter writer, byte sequence, ushort code, string sqlState, string message) =>
        writer.Begin(sequence).Byte(MySqlError.Header).UInt16(code).Byte((byte)'#').Text(sqlState).Text(message).End();

    /// <summary>The client is to log in another way (documentation, "Protocol::AuthSwitchRequest").</summary>
    public static void AuthSwitch(MySqlWriter writer, byte sequence, string plugin, ReadOnlySpan<byte> scramble) =>
        writer.Begin(sequence).Byte(MySqlOk.EofHeader).Zeroed(plugin).Bytes(scramble).Byte(0).End();

    /// <summary>More of a log-in (documentation, "Protocol::AuthMoreData").</summary>
    public static void AuthMore(MySqlWriter writer, byte sequence, ReadOnlySpan<byte> data) => writer.Begin(sequence).Byte(1).Bytes(data).End();

    /// <summary>A packet of bytes alone.</summary>
    public static void Raw(MySqlWriter writer, byte sequence, ReadOnlySpan<byte> data) => writer.Begin(sequence).Bytes(data).End();

    /// <summary>A text to run.</summary>
    public static void Query(MySqlWriter writer, string sql) => writer.Begin(0).Byte(MySqlCommand.Query).Text(sql).End();

    /// <summary>A command about a prepared statement, with nothing but its number.</summary>
    public static void Statement(MySqlWriter writer, byte command, uint statement) => writer.Begin(0).Byte(command).UInt32(statement).End();

    /// <summary>Whether several statements may be in one text.</summary>
    public static void SetOption(MySqlWriter writer, bool severalStatements) => writer.Begin(0).Byte(MySqlCommand.SetOption).UInt16(severalStatements ? (ushort)0 : (ushort)1).End();
}
