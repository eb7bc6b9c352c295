using System.Data.Common;

namespace MarchProxy.Control.Storage;

/// <content>What the planes' egress policies said to whom, by the hour.</content>
internal sealed partial class SqlStore
{
    private const string FlowColumns = "cluster, hour, flow, allowed, denied, reported, mapping, reason, last_seen";

    public Task AddFlowsAsync(IReadOnlyCollection<StoredFlow> flows, DateTimeOffset keepSince, CancellationToken cancellation = default) => TransactAsync(
        async (connection, transaction) =>
        {
            await using DbCommand command = Command(connection, transaction, $"""
                INSERT INTO flows ({FlowColumns}) VALUES (@cluster, @hour, @flow, @allowed, @denied, @reported, @mapping, @reason, @last_seen)
                ON CONFLICT (cluster, hour, flow) DO UPDATE SET
                  allowed = flows.allowed + excluded.allowed, denied = flows.denied + excluded.denied, reported = flows.reported + excluded.reported,
                  mapping = CASE WHEN excluded.last_seen >= flows.last_seen THEN excluded.mapping ELSE flows.mapping END,
                  reason = CASE WHEN excluded.last_seen >= flows.last_seen THEN excluded.reason ELSE flows.reason END,
                  last_seen = CASE WHEN excluded.last_seen >= flows.last_seen THEN excluded.last_seen ELSE flows.last_seen END
                """, [("cluster", ""), ("hour", 0L), ("flow", ""), ("allowed", 0L), ("denied", 0L), ("reported", 0L), ("mapping", ""), ("reason", ""), ("last_seen", 0L)]);

            // In one order, so that managers that share a database never wait for each other in a ring.
            foreach (StoredFlow f in flows.OrderBy(f => f.Cluster, StringComparer.Ordinal).ThenBy(f => f.Hour).ThenBy(f => f.Flow, StringComparer.Ordinal))
            {
                object[] values = [f.Cluster, f.Hour, f.Flow, f.Allowed, f.Denied, f.Reported, f.Mapping, f.Reason, Micros(f.LastSeen)];
                for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
                await command.ExecuteNonQueryAsync(cancellation);
            }

            await ExecuteAsync(connection, transaction, "DELETE FROM flows WHERE hour < @hour", cancellation, ("hour", StoredFlow.HourOf(keepSince)));
            return true;
        },
        cancellation);

    public async Task<IReadOnlyList<StoredFlow>> FlowsAsync(string cluster, DateTimeOffset since, CancellationToken cancellation = default) => await ReadAsync(
        $"SELECT {FlowColumns} FROM flows WHERE cluster = @cluster AND hour >= @hour AND last_seen >= @last_seen ORDER BY last_seen",
        row => new StoredFlow(
            row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetString(6), row.GetString(7), Time(row, 8)),
        cancellation, ("cluster", cluster), ("hour", StoredFlow.HourOf(since)), ("last_seen", since));
}
