using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>The ways to log in that we speak.</summary>
public static class MySqlAuth
{
    /// <summary>SHA-1 with a challenge; what old clients and MariaDB speak.</summary>
    public const string Native = "mysql_native_password";

    /// <summary>SHA-256 with a challenge; MySQL's since 8.</summary>
    public const string CachingSha2 = "caching_sha2_password";

    /// <summary>MariaDB's by Ed25519.</summary>
    public const string Ed25519 = "client_ed25519";

    /// <summary>Bytes of a challenge.</summary>
    public const int ScrambleLength = 20;

    /// <summary>Bytes of an answer by caching_sha2_password.</summary>
    public const int Sha2Length = 32;
}

/// <summary>The first packet, the server's (documentation, "Protocol::HandshakeV10").</summary>
/// <param name="Version">What the server calls itself.</param>
/// <param name="ConnectionId">The connection's number.</param>
/// <param name="Scramble">The challenge.</param>
/// <param name="Capabilities">What the server can.</param>
/// <param name="Collation">Its default collation.</param>
/// <param name="Status">The session's status.</param>
/// <param name="Plugin">How it would have the client log in.</param>
public sealed record MySqlGreeting(string Version, uint ConnectionId, byte[] Scramble, MySqlCapabilities Capabilities, byte Collation, MySqlStatus Status, string Plugin)
{
    private const byte ProtocolVersion = 10;

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(MySqlWriter writer)
    {
        writer.Begin(0).Byte(ProtocolVersion).Zeroed(Version).UInt32(ConnectionId).Bytes(Scramble.AsSpan(0, 8)).Byte(0);
        writer.UInt16((ushort)Capabilities).Byte(Collation).UInt16((ushort)Status).UInt16((ushort)((uint)Capabilities >> 16));
        writer.Byte(MySqlAuth.ScrambleLength + 1).Zeros(10).Bytes(Scramble.AsSpan(8)).Byte(0).Zeroed(Plugin).End();
    }

    /// <summary>Reads it.</summary>
    /// <param name="payload">The packet's payload.</param>
    /// <returns>Null when it is none.</returns>
    public static MySqlGreeting? Read(ReadOnlySpan<byte> payload)
    {
        var reader = new MySqlReader(payload);
        if (reader.Byte() != ProtocolVersion) return null;
        string version = Encoding.UTF8.GetString(reader.Zeroed());
        uint id = reader.UInt32();
        byte[] first = reader.Take(8).ToArray();
        reader.Byte();
        uint capabilities = reader.UInt16();
        byte collation = reader.Byte();
        var status = (MySqlStatus)reader.UInt16();
        capabilities |= (uint)reader.UInt16() << 16;
        int length = reader.Byte();
        reader.Take(10);
        byte[] second = reader.Take(Math.Max(MySqlAuth.ScrambleLength - 8, Math.Min(length - 9, MySqlAuth.ScrambleLength - 8))).ToArray();
        if (reader.Failed) return null;
        if (reader.Rest is [0, ..]) reader.Byte();
        string plugin = ((MySqlCapabilities)capabilities).HasFlag(MySqlCapabilities.PluginAuth) ? Name(reader.Rest) : MySqlAuth.Native;
        return new MySqlGreeting(version, id, [.. first, .. second], (MySqlCapabilities)capabilities, collation, status, plugin);
    }

    internal static string Name(ReadOnlySpan<byte> text)
    {
        // Some old servers forget the zero behind the name.
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }
}

/// <summary>The client's answer to the greeting (documentation, "Protocol::HandshakeResponse41"), or to its request for TLS: the same without what follows the fixed part.</summary>
/// <param name="Capabilities">What the client can, of what the server offers.</param>
/// <param name="Collation">The collation of its texts.</param>
/// <param name="User">Who it is.</param>
/// <param name="Answer">To the challenge.</param>
/// <param name="Database">Where it wants to; empty for nowhere.</param>
/// <param name="Plugin">How it has made its answer; empty when it does not say.</param>
public sealed record MySqlLogin(MySqlCapabilities Capabilities, byte Collation, string User, byte[] Answer, string Database, string Plugin)
{
    /// <summary>Bytes of a request for TLS.</summary>
    public const int SslRequestLength = 32;

    /// <summary>The longest log-in taken: names are short, and attributes at most 64 KiB, as MySQL's own bound.</summary>
    public const int MaxLength = 72 << 10;

    private const uint MaxPacket = 1 << 30;

    /// <summary>What a client can, at the front of its first packet.</summary>
    /// <param name="payload">The packet's payload.</param>
    public static MySqlCapabilities CapabilitiesOf(ReadOnlySpan<byte> payload) => (MySqlCapabilities)new MySqlReader(payload).UInt32();

    /// <summary>Reads it.</summary>
    /// <param name="payload">The packet's payload.</param>
    /// <returns>Null when it is none, or one of the protocol before 4.1.</returns>
    public static MySqlLogin? Read(ReadOnlySpan<byte> payload)
    {
        var reader = new MySqlReader(payload);
        var capabilities = (MySqlCapabilities)reader.UInt32();
        if (!capabilities.HasFlag(MySqlCapabilities.Protocol41)) return null;
        reader.UInt32();
        byte collation = reader.Byte();
        reader.Take(23);
        string user = Encoding.UTF8.GetString(reader.Zeroed());
        byte[] answer = capabilities.HasFlag(MySqlCapabilities.PluginAuthLenEnc) ? reader.Counted().ToArray()
            : capabilities.HasFlag(MySqlCapabilities.SecureConnection) ? reader.Take(reader.Byte()).ToArray()
            : reader.Zeroed().ToArray();
        string database = capabilities.HasFlag(MySqlCapabilities.ConnectWithDb) && !reader.IsEmpty ? Encoding.UTF8.GetString(reader.Zeroed()) : "";
        string plugin = capabilities.HasFlag(MySqlCapabilities.PluginAuth) ? MySqlGreeting.Name(reader.Rest) : "";
        return reader.Failed ? null : new MySqlLogin(capabilities, collation, user, answer, database, plugin);
    }

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="sequence">The packet's number: 1, or 2 under TLS.</param>
    public void Write(MySqlWriter writer, byte sequence)
    {
        Fixed(writer, sequence);
        writer.Zeroed(User);
        if (Capabilities.HasFlag(MySqlCapabilities.PluginAuthLenEnc)) writer.Counted(Answer);
        else writer.Byte((byte)Answer.Length).Bytes(Answer);
        if (Capabilities.HasFlag(MySqlCapabilities.ConnectWithDb)) writer.Zeroed(Database);
        if (Capabilities.HasFlag(MySqlCapabilities.PluginAuth)) writer.Zeroed(Plugin);
        if (Capabilities.HasFlag(MySqlCapabilities.ConnectAttributes)) writer.Counted(Attributes());
        writer.End();
    }

    /// <summary>Writes a request for TLS.</summary>
    /// <param name="writer">Where to.</param>
    public void WriteSslRequest(MySqlWriter writer)
    {
        Fixed(writer, 1);
        writer.End();
    }

    private void Fixed(MySqlWriter writer, byte sequence) => writer.Begin(sequence).UInt32((uint)Capabilities).UInt32(MaxPacket).Byte(Collation).Zeros(23);

    private static byte[] Attributes() => [12, .. "program_name"u8, 10, .. "marchproxy"u8];
}

/// <summary>A log-in anew (documentation, "COM_CHANGE_USER").</summary>
/// <param name="User">Who.</param>
/// <param name="Database">Where to; empty for nowhere.</param>
/// <param name="Collation">The collation of its texts; 0 when it does not say.</param>
public sealed record MySqlChangeUser(string User, string Database, byte Collation)
{
    /// <summary>Reads it.</summary>
    /// <param name="payload">The payload, its command byte included.</param>
    /// <returns>Null when it is none.</returns>
    public static MySqlChangeUser? Read(ReadOnlySpan<byte> payload)
    {
        var reader = new MySqlReader(payload);
        reader.Byte();
        string user = Encoding.UTF8.GetString(reader.Zeroed());
        reader.Take(reader.Byte());
        string database = Encoding.UTF8.GetString(reader.Zeroed());
        byte collation = reader.Rest.Length >= 2 ? (byte)reader.UInt16() : (byte)0;
        return reader.Failed ? null : new MySqlChangeUser(user, database, collation);
    }
}
