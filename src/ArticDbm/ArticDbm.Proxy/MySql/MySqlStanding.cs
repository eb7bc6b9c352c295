using System.Globalization;
using ArticDbm.Proxy.Health;

namespace ArticDbm.Proxy.MySql;

/// <summary>Asks a MySQL or MariaDB server whether it takes writes, how far it is behind, and, of a Galera node, whether it is in step with the cluster.</summary>
internal static class MySqlStanding
{
    /// <summary>Where Seconds_Behind_Master (or _Source) stands in SHOW REPLICA STATUS, of either product and every version.</summary>
    private const int SecondsBehind = 32;

    /// <summary>A Galera node that is synced.</summary>
    private const string Synced = "4";

    public static async ValueTask<ServerStanding?> AskAsync(MySqlServer server, long deadline)
    {
        var conversation = new MySqlConversation(server, deadline);
        (string? fault, List<string?[]> rows) = await conversation.AskAsync("SELECT @@global.read_only");
        if (fault is not null || rows is not [[{ } readOnly], ..]) return null;
        bool galera = (await conversation.AskAsync("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")).Rows is [[_, "ON"], ..];
        bool serves = !galera || (await conversation.AskAsync("SHOW GLOBAL STATUS LIKE 'wsrep_local_state'")).Rows is [[_, Synced], ..];
        bool primary = readOnly is "0" or "OFF";
        if (primary) return new ServerStanding(true, TimeSpan.Zero, serves);

        // Without the privilege for it (REPLICATION CLIENT, SLAVE MONITOR), nobody knows how far behind it is.
        (fault, rows) = await conversation.AskAsync("SHOW REPLICA STATUS");
        if (fault is not null) (_, rows) = await conversation.AskAsync("SHOW SLAVE STATUS");
        if (server.Connection.IsClosed) return null;
        TimeSpan? lag = rows is [{ Length: > SecondsBehind } row, ..] && double.TryParse(row[SecondsBehind], NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9)) : null;
        return new ServerStanding(false, lag, serves);
    }
}
