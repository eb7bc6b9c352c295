using System.Buffers.Binary;

namespace ArticDbm.Protocols.MySql;

/// <summary>
/// The parts of COM_STMT_EXECUTE (documentation): the statement, flags, how often, a bit for each parameter that is NULL, whether types follow, the types, the values.
/// </summary>
/// <param name="Statement">The statement's number.</param>
/// <param name="Flags">1 asks for a cursor.</param>
/// <param name="Nulls">Bytes of the NULL bits.</param>
/// <param name="TypesAt">Where types begin; 0 when none are sent.</param>
/// <param name="ValuesAt">Where values begin.</param>
public readonly record struct MySqlExecute(uint Statement, byte Flags, int Nulls, int TypesAt, int ValuesAt)
{
    /// <summary>Where the NULL bits begin: behind command, number, flags and count.</summary>
    public const int NullsAt = 10;

    /// <summary>Reads it.</summary>
    /// <param name="payload">The payload, its command byte included.</param>
    /// <param name="parameters">How many parameters the statement has.</param>
    /// <param name="execute">The parts.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, int parameters, out MySqlExecute execute)
    {
        execute = default;
        if (payload.Length < NullsAt) return false;
        uint statement = BinaryPrimitives.ReadUInt32LittleEndian(payload[1..]);
        byte flags = payload[5];
        if (parameters == 0)
        {
            execute = new MySqlExecute(statement, flags, 0, 0, payload.Length);
            return true;
        }

        int nulls = (parameters + 7) / 8, at = NullsAt + nulls;
        if (payload.Length <= at || payload[at] > 1) return false;
        bool typed = payload[at] == 1;
        int values = at + 1 + (typed ? 2 * parameters : 0);
        if (values > payload.Length) return false;
        execute = new MySqlExecute(statement, flags, nulls, typed ? at + 1 : 0, values);
        return true;
    }

    /// <summary>Writes it for another server: with that server's number, and always with types, since another client may have bound the statement there last.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="payload">What was read.</param>
    /// <param name="statement">The statement's number there.</param>
    /// <param name="types">Two bytes for each parameter.</param>
    public void Write(MySqlWriter writer, ReadOnlySpan<byte> payload, uint statement, ReadOnlySpan<byte> types)
    {
        writer.Begin(0).Byte(MySqlCommand.StmtExecute).UInt32(statement).Bytes(payload[5..NullsAt]);
        if (!types.IsEmpty) writer.Bytes(payload.Slice(NullsAt, Nulls)).Byte(1).Bytes(types).Bytes(payload[ValuesAt..]);
        writer.End();
    }
}

/// <summary>The first packet of the answer to COM_STMT_PREPARE.</summary>
/// <param name="Statement">The statement's number.</param>
/// <param name="Columns">Columns of its result.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Warnings">How many warnings.</param>
public readonly record struct MySqlPrepared(uint Statement, ushort Columns, ushort Parameters, ushort Warnings)
{
    /// <summary>Reads it.</summary>
    /// <param name="payload">The packet's payload.</param>
    /// <param name="prepared">What it says.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, out MySqlPrepared prepared)
    {
        var reader = new MySqlReader(payload);
        byte header = reader.Byte();
        uint statement = reader.UInt32();
        ushort columns = reader.UInt16(), parameters = reader.UInt16();
        reader.Byte();
        prepared = new MySqlPrepared(statement, columns, parameters, reader.IsEmpty ? (ushort)0 : reader.UInt16());
        return header == MySqlOk.Header && !reader.Failed;
    }

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(MySqlWriter writer) => writer.Begin(1).Byte(MySqlOk.Header).UInt32(Statement).UInt16(Columns).UInt16(Parameters).Byte(0).UInt16(Warnings).End();
}
