using System.Data.Common;

namespace MarchProxy.Control.Storage;

/// <content>What accounts used of databases, by the hour.</content>
internal sealed partial class SqlStore
{
    private static readonly (string Name, string Column)[] s_usageKeys = [("hour", "hour"), ("tenant", "tenant"), ("account", "account"), ("database", "db")];

    public Task AddUsageAsync(IReadOnlyCollection<StoredUsage> usage, long oldestHour, CancellationToken cancellation = default) => TransactAsync(
        async (connection, transaction) =>
        {
            await using DbCommand command = Command(connection, transaction, """
                INSERT INTO database_usage (cluster, hour, account, tenant, db, connections, queries, denied, row_count, bytes_in, bytes_out)
                VALUES (@cluster, @hour, @account, @tenant, @db, @connections, @queries, @denied, @row_count, @bytes_in, @bytes_out)
                ON CONFLICT (cluster, hour, account, tenant, db) DO UPDATE SET
                  connections = database_usage.connections + excluded.connections, queries = database_usage.queries + excluded.queries, denied = database_usage.denied + excluded.denied,
                  row_count = database_usage.row_count + excluded.row_count, bytes_in = database_usage.bytes_in + excluded.bytes_in, bytes_out = database_usage.bytes_out + excluded.bytes_out
                """,
                [("cluster", ""), ("hour", 0L), ("account", ""), ("tenant", ""), ("db", ""), ("connections", 0L), ("queries", 0L), ("denied", 0L), ("row_count", 0L), ("bytes_in", 0L), ("bytes_out", 0L)]);

            // In one order, so that managers that share a database never wait for each other in a ring.
            foreach (StoredUsage u in usage.OrderBy(u => u.Account, StringComparer.Ordinal).ThenBy(u => u.Tenant, StringComparer.Ordinal).ThenBy(u => u.Database, StringComparer.Ordinal))
            {
                object[] values = [u.Cluster, u.Hour, u.Account, u.Tenant, u.Database, u.Connections, u.Queries, u.Denied, u.Rows, u.BytesIn, u.BytesOut];
                for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
                await command.ExecuteNonQueryAsync(cancellation);
            }

            await ExecuteAsync(connection, transaction, "DELETE FROM database_usage WHERE hour < @hour", cancellation, ("hour", oldestHour));
            return true;
        },
        cancellation);

    public async Task<IReadOnlyList<StoredUsage>> UsageAsync(string cluster, long from, long to, IReadOnlyCollection<string> by, CancellationToken cancellation = default)
    {
        string[] grouped = [.. s_usageKeys.Where(k => by.Contains(k.Name)).Select(k => k.Column)];
        string Key(string column, string nothing) => grouped.Contains(column) ? column : nothing;

        // A sum of whole numbers is a decimal in PostgreSQL.
        string sums = string.Join(", ", new[] { "connections", "queries", "denied", "row_count", "bytes_in", "bytes_out" }.Select(c => $"CAST(SUM({c}) AS BIGINT)"));
        return await ReadAsync(
            $"""
            SELECT {Key("hour", "CAST(0 AS BIGINT)")}, {Key("account", "''")}, {Key("tenant", "''")}, {Key("db", "''")}, {sums} FROM database_usage
            WHERE cluster = @cluster AND hour >= @low AND hour < @high {(grouped.Length > 0 ? $"GROUP BY {string.Join(", ", grouped)} ORDER BY {string.Join(", ", grouped)}" : "HAVING COUNT(*) > 0")}
            """,
            row => new StoredUsage(
                cluster, row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7), row.GetInt64(8), row.GetInt64(9)),
            cancellation, ("cluster", cluster), ("low", from), ("high", to));
    }
}
