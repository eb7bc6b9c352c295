using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>An OK packet, or an EOF packet, which tells less (documentation, "OK_Packet", "EOF_Packet").</summary>
/// <param name="AffectedRows">Rows changed.</param>
/// <param name="LastInsertId">The last number that AUTO_INCREMENT gave.</param>
/// <param name="Status">The session's status.</param>
/// <param name="Warnings">How many warnings.</param>
/// <param name="InfoStart">Where, in the payload, words about the result begin.</param>
/// <param name="InfoEnd">Where what is not about the session's state ends.</param>
/// <param name="StateStart">Where the changes of the session's state begin; 0 when there are none.</param>
public readonly record struct MySqlOk(ulong AffectedRows, ulong LastInsertId, MySqlStatus Status, ushort Warnings, int InfoStart, int InfoEnd, int StateStart)
{
    /// <summary>The first byte of an OK packet.</summary>
    public const byte Header = 0x00;

    /// <summary>The first byte of an EOF packet, and of an OK packet in its place.</summary>
    public const byte EofHeader = 0xFE;

    /// <summary>Reads an OK packet, whichever its first byte.</summary>
    /// <param name="payload">The packet's payload.</param>
    /// <param name="tracks">Whether session tracking was agreed on.</param>
    /// <param name="ok">What it says.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, bool tracks, out MySqlOk ok)
    {
        var reader = new MySqlReader(payload);
        reader.Byte();
        ulong rows = reader.Number(), id = reader.Number();
        var status = (MySqlStatus)reader.UInt16();
        ushort warnings = reader.UInt16();
        int infoStart = payload.Length - reader.Rest.Length, infoEnd = payload.Length, state = 0;
        if (tracks && !reader.IsEmpty)
        {
            reader.Counted();
            infoEnd = payload.Length - reader.Rest.Length;
            if (status.HasFlag(MySqlStatus.SessionStateChanged) && !reader.IsEmpty)
            {
                int length = reader.Counted().Length;
                state = payload.Length - reader.Rest.Length - length;
            }
        }

        ok = new MySqlOk(rows, id, status, warnings, infoStart, infoEnd, state);
        return !reader.Failed;
    }

    /// <summary>Reads an EOF packet.</summary>
    /// <param name="payload">The packet's payload.</param>
    /// <param name="ok">What it says.</param>
    public static bool TryReadEof(ReadOnlySpan<byte> payload, out MySqlOk ok)
    {
        var reader = new MySqlReader(payload);
        reader.Byte();
        ushort warnings = reader.UInt16();
        ok = new MySqlOk(0, 0, (MySqlStatus)reader.UInt16(), warnings, payload.Length, payload.Length, 0);
        return !reader.Failed;
    }
}

/// <summary>An ERR packet.</summary>
/// <param name="Code">Its number.</param>
/// <param name="SqlState">Its SQLSTATE.</param>
/// <param name="Message">Its words.</param>
public readonly record struct MySqlError(ushort Code, string SqlState, string Message)
{
    /// <summary>The first byte.</summary>
    public const byte Header = 0xFF;

    /// <summary>Reads it.</summary>
    /// <param name="payload">The packet's payload.</param>
    public static MySqlError Read(ReadOnlySpan<byte> payload)
    {
        var reader = new MySqlReader(payload);
        reader.Byte();
        ushort code = reader.UInt16();
        string state = "HY000";
        if (reader.Rest is [(byte)'#', ..] && reader.Rest.Length >= 6) state = Encoding.ASCII.GetString(reader.Take(6)[1..]);
        return new MySqlError(code, state, Encoding.UTF8.GetString(reader.Rest));
    }
}

/// <summary>What a change of the session's state is about.</summary>
public enum MySqlStateChange : byte
{
    /// <summary>A system variable.</summary>
    SystemVariable = 0,

    /// <summary>The default database.</summary>
    Schema = 1,

    /// <summary>Something that is not named.</summary>
    Other = 2,
}

/// <summary>Goes through the changes of the session's state that an OK packet tells of (documentation, "SERVER_SESSION_STATE_CHANGED").</summary>
public ref struct MySqlStateChanges
{
    private MySqlReader _entries;
    private MySqlReader _variables;

    /// <summary>Begins at the first.</summary>
    /// <param name="state">The part of the packet from <see cref="MySqlOk.StateStart"/> on.</param>
    public MySqlStateChanges(ReadOnlySpan<byte> state)
    {
        _entries = new MySqlReader(state);
        _variables = new MySqlReader(default);
    }

    /// <summary>What the present one is about.</summary>
    public MySqlStateChange Kind { get; private set; }

    /// <summary>The variable's name; of the default database, nothing.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Goes to the next.</summary>
    public bool Next()
    {
        while (_variables.IsEmpty || _variables.Failed)
        {
            if (_entries.IsEmpty) return false;
            byte type = _entries.Byte();
            ReadOnlySpan<byte> data = _entries.Counted();
            if (_entries.Failed) return false;
            if (type == (byte)MySqlStateChange.SystemVariable)
            {
                _variables = new MySqlReader(data);
                continue;
            }

            Kind = type == (byte)MySqlStateChange.Schema ? MySqlStateChange.Schema : MySqlStateChange.Other;
            Name = default;
            var value = new MySqlReader(data);
            Value = value.Counted();
            return true;
        }

        Kind = MySqlStateChange.SystemVariable;
        Name = _variables.Counted();
        Value = _variables.Counted();
        return !_variables.Failed;
    }
}
