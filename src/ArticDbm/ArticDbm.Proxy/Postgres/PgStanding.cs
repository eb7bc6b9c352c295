using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ArticDbm.Proxy.Health;

namespace ArticDbm.Proxy.Postgres;

/// <summary>Asks a PostgreSQL server whether it is in recovery, and how far behind.</summary>
internal static class PgStanding
{
    /// <summary>
    /// A standby that streams and has replayed all that it received is not behind, however long nothing was written. One that does not stream (there is no WAL receiver) is behind by what it last replayed.
    /// </summary>
    private const string Question = """
        SELECT pg_is_in_recovery(), CASE
          WHEN NOT pg_is_in_recovery() THEN 0
          WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
          ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
        """;

    public static async ValueTask<ServerStanding?> AskAsync(PgServer server, long deadline) => (await new PgConversation(server, deadline).AskAsync(Question)).Row is { } row ? Read(row) : null;

    /// <summary>A DataRow of the two columns.</summary>
    internal static ServerStanding? Read(ReadOnlySpan<byte> row)
    {
        if (row.Length < 2 || BinaryPrimitives.ReadInt16BigEndian(row) != 2) return null;
        row = row[2..];
        if (!TryField(ref row, out string? recovering) || !TryField(ref row, out string? lag) || recovering is null) return null;
        double? seconds = double.TryParse(lag, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? Math.Clamp(value, 0, TimeSpan.FromDays(3650).TotalSeconds) : null;
        return new ServerStanding(recovering == "f", seconds is { } known ? TimeSpan.FromSeconds(known) : null);
    }

    private static bool TryField(ref ReadOnlySpan<byte> row, out string? text)
    {
        text = null;
        if (row.Length < 4) return false;
        int length = BinaryPrimitives.ReadInt32BigEndian(row);
        row = row[4..];
        if (length < 0) return true;
        if (length > row.Length) return false;
        text = Encoding.UTF8.GetString(row[..length]);
        row = row[length..];
        return true;
    }
}
