using MarchProxy.Telemetry.Metrics;

namespace ArticDbm.Proxy.Audit;

/// <summary>What one account used of one database since it was last asked.</summary>
/// <param name="Account">The account.</param>
/// <param name="Tenant">Whom its use is counted for.</param>
/// <param name="Database">The database.</param>
/// <param name="Connections">Log-ins.</param>
/// <param name="Queries">Statements answered or refused.</param>
/// <param name="Denied">Of these, refused by us.</param>
/// <param name="Rows">Rows returned or changed.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes to clients.</param>
public readonly record struct DatabaseUsed(string Account, string Tenant, string Database, long Connections, long Queries, long Denied, long Rows, long BytesIn, long BytesOut)
{
    /// <summary>Both together.</summary>
    /// <param name="other">Of the same account and database.</param>
    public DatabaseUsed With(DatabaseUsed other) => this with
    {
        Connections = Connections + other.Connections,
        Queries = Queries + other.Queries,
        Denied = Denied + other.Denied,
        Rows = Rows + other.Rows,
        BytesIn = BytesIn + other.BytesIn,
        BytesOut = BytesOut + other.BytesOut,
    };
}

/// <summary>The counting of one account's use of one database on one loop: for metrics, and for whoever sends the bill.</summary>
internal sealed class UseCounts(DbMetricFamilies families, int shard, string account, string tenant, string database)
{
    private readonly CounterCell _connections = families.AccountConnections.Cell(shard, account, tenant, database);
    private readonly CounterCell _queries = families.AccountQueries.Cell(shard, account, tenant, database);
    private readonly CounterCell _rows = families.AccountRows.Cell(shard, account, tenant, database);
    private readonly CounterCell _in = families.AccountBytes.Cell(shard, account, tenant, database, "in"), _out = families.AccountBytes.Cell(shard, account, tenant, database, "out");
    private long _connected, _queried, _denied, _rowed, _received, _sent;

    public void Connected()
    {
        _connections.Inc();
        _connected++;
    }

    public void Finished(StatementRecord record)
    {
        _queries.Inc();
        _queried++;
        if (record.Rows > 0)
        {
            _rows.Add(record.Rows);
            _rowed += record.Rows;
        }

        if (record.Decision == "deny") _denied++;
    }

    public void Moved(long received, long sent)
    {
        _in.Add(received);
        _out.Add(sent);
        _received += received;
        _sent += sent;
    }

    /// <summary>What was used since the last call; null when nothing was.</summary>
    public DatabaseUsed? Take()
    {
        if ((_connected | _queried | _received | _sent) == 0) return null;
        var taken = new DatabaseUsed(account, tenant, database, _connected, _queried, _denied, _rowed, _received, _sent);
        _connected = _queried = _denied = _rowed = _received = _sent = 0;
        return taken;
    }
}
