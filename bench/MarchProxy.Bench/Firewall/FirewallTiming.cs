using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using ArticDbm.Security;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace MarchProxy.Bench.Firewall;

/// <summary>Nanoseconds and bytes of one statement: known, new, and at its worst; medians of eleven rounds.</summary>
internal static class FirewallTiming
{
    private const int Rounds = 11;

    private const string Statement = "SELECT o.id, o.total, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open' AND o.created_at > '2026-01-02' AND c.region IN (1, 2, 3) ORDER BY o.created_at LIMIT 20";

    public static void Run()
    {
        byte[] text = Encoding.UTF8.GetBytes(Statement);
        (AccessRules rules, DbSecurity security) = Policy();
        var cache = new StatementCache(SqlDialect.PostgreSql, seed: 7);
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        Measure($"known statement, {text.Length} bytes: looked up and judged", 100_000, () =>
        {
            if (!Judge.Decide(cache.Get(text), rules, security, now).IsAllowed) throw new BenchException("the statement was refused");
        });
        foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>()) Measure($"new statement, {text.Length} bytes, {dialect}: read", 5_000, () => StatementReader.Read(dialect, text));
        byte[] load = Encoding.UTF8.GetBytes("INSERT INTO t (a, b, c) VALUES " + string.Join(", ", Enumerable.Repeat("(1, 'some text', NULL)", 40_000)));
        Measure($"load of 40,000 rows, {load.Length / 1024} KB: read", 5, () => StatementReader.Read(SqlDialect.PostgreSql, load));
        foreach ((string name, string unit) in new[] { ("parentheses", "("), ("ORs", " OR 1=1"), ("CASEs", " CASE WHEN ASCII(SUBSTR((SELECT 1),1,1))"), ("UNIONs", " UNION SELECT 1"), ("quotes", "''"), ("comments", "/*"), ("literals", "'a'' OR 1=1--',") })
        {
            byte[] hostile = Encoding.UTF8.GetBytes("SELECT a FROM t WHERE b = 1 " + string.Concat(Enumerable.Repeat(unit, 1024 * 1024 / unit.Length)));
            Measure($"1 MB of {name}: read", 1, () => StatementReader.Read(SqlDialect.MySql, hostile));
        }
    }

    private static (AccessRules Rules, DbSecurity Security) Policy()
    {
        var database = new Database { Name = "shop", Servers = [new DbServer { Host = "127.0.0.1" }] };
        var set = new ResourceSet
        {
            Databases = [database],
            Accounts = [new DbAccount { Name = "app" }],
            Grants = [new Grant { Name = "app-shop", Account = "app", Database = "shop", Tables = ["orders", "customers"], Actions = DbActions.Select | DbActions.Insert }],
            SecurityPolicies = [new SecurityPolicy { Name = "standard", Databases = ["shop"], Detection = new Dictionary<string, DetectionMode> { ["default"] = DetectionMode.Block }.ToImmutableSortedDictionary(), BlockedObjects = ["pg_catalog.pg_authid"] }],
        };
        var access = new DbAccess(set);
        return (access.Rules("app", "shop"), access.Security("shop"));
    }

    private static void Measure(string what, int times, Action once)
    {
        for (int i = 0; i < Math.Min(times, 2_000); i++) once();
        double[] nanoseconds = new double[Rounds];
        long bytes = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long allocated = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
            for (int i = 0; i < times; i++) once();
            nanoseconds[round] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / times;
            bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / times;
        }

        Array.Sort(nanoseconds);
        double median = nanoseconds[Rounds / 2];
        string time = median < 10_000 ? $"{median,10:F0} ns" : $"{median / 1e6,10:F3} ms";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-72} {time} {bytes,12} B"));
    }
}
