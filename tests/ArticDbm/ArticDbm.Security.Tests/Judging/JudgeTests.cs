using System.Collections.Immutable;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace ArticDbm.Security.Judging;

public sealed class JudgeTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData("SELECT * FROM orders", "allowed")]
    [InlineData("SELECT 1", "allowed")]
    [InlineData("BEGIN", "allowed")]
    [InlineData("INSERT INTO orders VALUES (1)", "not-granted: insert on orders is not granted; add a grant that names the table and insert")]
    [InlineData("SELECT * FROM orders, secrets", "not-granted: select on secrets is not granted; add a grant that names the table and select")]
    [InlineData("CALL p()", "not-granted: call is not granted; add a grant with call")]
    [InlineData("DROP TABLE tmp_1", "allowed")]
    [InlineData("DROP SCHEMA x CASCADE", "not-granted: ddl on x.* is not granted; add a grant that names the table and ddl")]
    [InlineData("DELETE FROM old", "not-granted: delete on old is not granted; add a grant that names the table and delete")]
    [InlineData("SELECT * FROM pg_class", "allowed")]
    [InlineData("SELECT * FROM pg_stats", "not-granted: select on pg_stats is not granted; add a grant that names the table and select")]
    [InlineData("UPDATE pg_class SET relname = 'x'", "not-granted: update on pg_class is not granted; add a grant that names the table and update")]
    [InlineData("SELECT * FROM pg_authid", "blocked-object: pg_authid is a blocked object; it takes a grant with admin on it")]
    [InlineData("SELECT 'x", "unreadable: the statement could not be read soundly (an open quote, an odd parenthesis, a strange byte), so that it takes every action on every table")]
    public void By_grants_and_blocked_objects(string sql, string expected) => Assert.Equal(expected, Decide(sql, ("default", DetectionMode.Off)));

    [Fact]
    public void An_attack_is_called_one_though_a_grant_would_have_refused_it_too()
    {
        const string sql = "SELECT * FROM secrets WHERE a = 1 OR 1=1";
        Assert.StartsWith("injection: rule tautology-or found a constant condition behind OR, which makes a filter true for every row, at byte 34; if it is yours, allow fingerprint ", Decide(sql, ("default", DetectionMode.Block)), StringComparison.Ordinal);
        Assert.StartsWith("not-granted", Decide(sql, ("default", DetectionMode.Monitor)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "default=block", "injection", true)]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "default=monitor", "allowed", true)]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "default=off", "allowed", false)]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "", "allowed", false)]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "default=block tautology=monitor", "allowed", true)]
    [InlineData("SELECT * FROM orders WHERE a = 1 OR 1=1", "default=block tautology=monitor tautology-or=block", "injection", true)]
    [InlineData("SELECT * FROM orders WHERE a = 1 AND 1=1", "default=block", "allowed", true)]
    [InlineData("SELECT * FROM orders WHERE a = 1 AND 1=1", "default=block constant-filler=block", "injection", true)]
    [InlineData("DROP TABLE tmp_1", "default=block", "allowed", false)]
    [InlineData("DROP TABLE tmp_1", "default=block ddl=block", "forbidden", true)]
    [InlineData("DROP TABLE tmp_1", "schema-destruction=monitor", "allowed", true)]
    public void By_the_modes_of_the_policy(string sql, string policy, string code, bool monitored)
    {
        Verdict verdict = Verdict(sql, [.. policy.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => (p.Split('=')[0], Enum.Parse<DetectionMode>(p.Split('=')[1], ignoreCase: true)))], []);
        Assert.Equal(code, verdict.Code);
        Assert.Equal(monitored, verdict.Monitored != 0);
        Assert.Equal(monitored, verdict.IsMonitored(0));
    }

    [Fact]
    public void An_exception_by_shape_lifts_the_rules_and_nothing_else()
    {
        StatementReport report = Shown.Read("SELECT * FROM orders WHERE a = 77 OR 1=1");
        Verdict verdict = Verdict("SELECT  *  from ORDERS where a = 5 or 2=2 -- x", [("default", DetectionMode.Block)], [report.FingerprintText]);
        Assert.True(verdict.IsAllowed);
        Assert.NotEqual(0UL, verdict.Monitored);
        report = Shown.Read("SELECT * FROM secrets WHERE a = 77 OR 1=1");
        Assert.Equal("not-granted", Verdict("SELECT * FROM secrets WHERE a = 5 OR 1=1", [("default", DetectionMode.Block)], [report.FingerprintText]).Code);
    }

    [Fact]
    public void A_grant_that_ended_grants_nothing()
    {
        Assert.Equal("not-granted", Judge.Decide(Shown.Read("SELECT * FROM orders"), Access([], []).Rules("app", "shop"), DbSecurity.None, s_now.AddYears(2)).Code);
        Assert.Equal("not-granted", Judge.Decide(Shown.Read("SELECT * FROM pg_class"), Access([], []).Rules("app", "shop"), DbSecurity.None, s_now.AddYears(2)).Code);
    }

    [Fact]
    public void A_verdict_of_what_was_read_costs_no_allocation()
    {
        StatementReport[] reports = [Shown.Read("SELECT * FROM orders"), Shown.Read("SELECT * FROM secrets"), Shown.Read("SELECT * FROM orders WHERE a = 1 OR 1=1")];
        DbAccess access = Access([("default", DetectionMode.Block)], []);
        AccessRules rules = access.Rules("app", "shop");
        DbSecurity security = access.Security("shop");
        int allowed = 0;
        long before = 0;
        for (int i = 0; i < 2_000; i++)
        {
            if (i == 1_000) before = GC.GetAllocatedBytesForCurrentThread();
            if (Judge.Decide(reports[i % 3], rules, security, s_now).IsAllowed) allowed++;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(667, allowed);
    }

    private static string Decide(string sql, params (string, DetectionMode)[] modes)
    {
        Verdict verdict = Verdict(sql, modes, []);
        return verdict.IsAllowed ? "allowed" : $"{verdict.Code}: {verdict.Explain(Shown.Read(sql))}";
    }

    private static Verdict Verdict(string sql, (string, DetectionMode)[] modes, string[] allowed)
    {
        DbAccess access = Access(modes, allowed);
        return Judge.Decide(Shown.Read(sql), access.Rules("app", "shop"), access.Security("shop"), s_now);
    }

    private static DbAccess Access((string Name, DetectionMode Mode)[] modes, string[] allowed)
    {
        var set = new ResourceSet
        {
            Databases = [new Database { Name = "shop", Servers = [new DbServer { Host = "127.0.0.1", Port = 5432 }], Credential = new DbCredential { User = "u" } }],
            Accounts = [new DbAccount { Name = "app", Password = "a long password" }],
            Grants =
            [
                new Grant { Name = "read", Account = "app", Database = "shop", Tables = ["orders"], Actions = DbActions.Select, Until = s_now.AddYears(1) },
                new Grant { Name = "scratch", Account = "app", Database = "shop", Tables = ["tmp_*"], Actions = DbActions.Ddl, Until = s_now.AddYears(1) },
                new Grant { Name = "over", Account = "app", Database = "shop", Tables = ["old"], Actions = DbActions.Delete, Until = s_now.AddDays(-1) },
            ],
            SecurityPolicies = [new SecurityPolicy { Name = "standard", Databases = ["shop"], Detection = modes.ToImmutableSortedDictionary(m => m.Name, m => m.Mode), BlockedObjects = ["pg_catalog.pg_authid"], AllowedFingerprints = [.. allowed] }],
        };
        return SnapshotCompiler.Compile(set).Snapshot!.Databases;
    }
}
