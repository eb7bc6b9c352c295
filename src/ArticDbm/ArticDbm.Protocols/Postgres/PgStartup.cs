using System.Buffers.Binary;
using System.Text;

namespace ArticDbm.Protocols.Postgres;

/// <summary>What the first packet of a connection is.</summary>
public enum StartupKind
{
    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>It is no PostgreSQL client, or one that means harm.</summary>
    Malformed,

    /// <summary>It asks for TLS.</summary>
    SslRequest,

    /// <summary>It asks for GSSAPI encryption.</summary>
    GssEncRequest,

    /// <summary>It asks to cancel what another connection does.</summary>
    Cancel,

    /// <summary>It begins a session.</summary>
    Startup,
}

/// <summary>The first packet of a connection: it has a length and no type.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Version">Of a start: the protocol, major in the upper half.</param>
public readonly record struct PgStartup(StartupKind Kind, int Length, int Version)
{
    /// <summary>PostgreSQL's own bound (MAX_STARTUP_PACKET_LENGTH).</summary>
    public const int MaxLength = 10_000;

    /// <summary>Protocol 3.0.</summary>
    public const int Version30 = 3 << 16;

    private const int SslCode = 80877103, GssCode = 80877104, CancelCode = 80877102;

    /// <summary>Looks for a first packet.</summary>
    /// <param name="data">What is here.</param>
    public static PgStartup Read(ReadOnlySpan<byte> data)
    {
        if (data.Length < 4) return new PgStartup(StartupKind.NeedMore, 0, 0);
        int length = BinaryPrimitives.ReadInt32BigEndian(data);
        if (length is < 8 or > MaxLength) return new PgStartup(StartupKind.Malformed, 0, 0);
        if (data.Length < length) return new PgStartup(StartupKind.NeedMore, length, 0);
        int code = BinaryPrimitives.ReadInt32BigEndian(data[4..]);
        StartupKind kind = code switch
        {
            SslCode when length == 8 => StartupKind.SslRequest,
            GssCode when length == 8 => StartupKind.GssEncRequest,

            // Process and key; from protocol 3.2 on the key may be longer.
            CancelCode when length is >= 16 and <= 268 => StartupKind.Cancel,
            _ when code >> 16 == 3 => StartupKind.Startup,
            _ => StartupKind.Malformed,
        };
        return new PgStartup(kind, length, code);
    }

    /// <summary>Reads the parameters of a start: pairs of strings, ended by an empty name.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <returns>The parameters; null when the packet is not well-formed.</returns>
    public static Dictionary<string, string>? Parameters(ReadOnlySpan<byte> packet)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        ReadOnlySpan<byte> rest = packet[8..];
        while (true)
        {
            int end = rest.IndexOf((byte)0);
            if (end < 0) return null;
            if (end == 0) return rest.Length == 1 ? parameters : null;
            string name = Encoding.UTF8.GetString(rest[..end]);
            rest = rest[(end + 1)..];
            end = rest.IndexOf((byte)0);
            if (end < 0) return null;
            parameters[name] = Encoding.UTF8.GetString(rest[..end]);
            rest = rest[(end + 1)..];
        }
    }
}
