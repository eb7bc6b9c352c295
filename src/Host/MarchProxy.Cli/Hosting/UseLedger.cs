using ArticDbm.Proxy.Audit;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Cli.Hosting;

/// <summary>
/// What accounts used of databases, on its way to the manager: kept until a report that holds it was answered, so that a manager that is away loses none. Bounded by the pairs of
/// account and database that have been in use.
/// </summary>
internal sealed class UseLedger
{
    /// <summary>Pairs in one report, so that it stays far below what a manager takes.</summary>
    private const int MostInReport = 2_000;

    private readonly Dictionary<(string Account, string Tenant, string Database), DatabaseUsed> _waiting = [];
    private readonly List<(string Account, string Tenant, string Database)> _sent = [];

    /// <summary>Takes new counts in, and puts as many as fit into a report.</summary>
    public void Report(PlaneReport report, IReadOnlyList<DatabaseUsed> fresh)
    {
        foreach (DatabaseUsed used in fresh)
        {
            var key = (used.Account, used.Tenant, used.Database);
            _waiting[key] = _waiting.TryGetValue(key, out DatabaseUsed known) ? known.With(used) : used;
        }

        _sent.Clear();
        foreach (((string Account, string Tenant, string Database) key, DatabaseUsed used) in _waiting.Take(MostInReport))
        {
            _sent.Add(key);
            report.DatabaseUses.Add(new DatabaseUse
            {
                Account = used.Account,
                Tenant = used.Tenant,
                Database = used.Database,
                Connections = used.Connections,
                Queries = used.Queries,
                Denied = used.Denied,
                Rows = used.Rows,
                BytesIn = used.BytesIn,
                BytesOut = used.BytesOut,
            });
        }
    }

    /// <summary>The last report has arrived.</summary>
    public void Answered()
    {
        foreach (var key in _sent) _waiting.Remove(key);
        _sent.Clear();
    }
}
