namespace ArticDbm.Security.Rules;

/// <summary>Each rule for and against: what it must find, and the ordinary statement nearest to it, which it must leave alone.</summary>
public sealed class RuleTests
{
    private const string Query = "SELECT id, name FROM products WHERE id = ";

    [Theory]
    [InlineData("tautology-or", "1 OR 1=1")]
    [InlineData("tautology-or", "1 OR 'a'='a'")]
    [InlineData("tautology-or", "1 OR NOT ('b' > 'c')")]
    [InlineData("tautology-or", "1 OR 2 BETWEEN 1 AND 3")]
    [InlineData("tautology-or", "1 OR TRUE")]
    [InlineData("tautology-and", "1 AND 6218=6218")]
    [InlineData("tautology-and", "1 AND 'x' LIKE 'x'")]
    [InlineData("tautology-column", "1 OR id = id")]
    [InlineData("tautology-having", "1 GROUP BY id HAVING 1=1")]
    [InlineData("comparison-chain", "1 = 2 = 3")]
    [InlineData("comparison-chain", "(6218=6218)*1")]
    [InlineData("odd-literal", "1 'x'")]
    [InlineData("constant-filler", "1 AND 1=1")]
    [InlineData("union-probe", "1 UNION SELECT NULL,NULL")]
    [InlineData("union-probe", "1 UNION ALL SELECT 1,2,name FROM users UNION ALL SELECT 1,2,3")]
    [InlineData("union-probe", "1 UNION ALL SELECT NULL,CONCAT(CONCAT('qqzjq','MGSw'),'qbqpq')")]
    [InlineData("union-probe", "1 UNION ALL SELECT 'a', (CHR(113)||CHR(120))||'x'-- vNRm")]
    [InlineData("union-probe", "1 UNION ALL SELECT 5, 'abc'-- vNRm")]
    [InlineData("union-constant-row", "1 UNION SELECT 0, 'All'")]
    [InlineData("union-server-facts", "1 UNION SELECT version(), current_user")]
    [InlineData("union-catalog", "1 UNION SELECT table_name, table_schema FROM information_schema.tables")]
    [InlineData("union-credentials", "1 UNION SELECT login, password FROM users")]
    [InlineData("stacked-destruction", "1; DROP TABLE users")]
    [InlineData("stacked-privileges", "1; ALTER ROLE bob SUPERUSER")]
    [InlineData("stacked-execution", "1; COPY t FROM PROGRAM 'id'")]
    [InlineData("stacked-write", "1; UPDATE users SET role = 'admin'")]
    [InlineData("stacked-statements", "1; SELECT 2")]
    [InlineData("comment-truncation", "1 -- ' AND active = 1")]
    [InlineData("comment-empty", "1 --")]
    [InlineData("comment-open", "1 /* x")]
    [InlineData("comment-as-blank", "1/**/OR/**/name/**/IS/**/NULL")]
    [InlineData("time-delay", "1 AND 1 = (SELECT 1 FROM pg_sleep(5))")]
    [InlineData("time-delay", "1; SELECT pg_sleep(5)")]
    [InlineData("heavy-query", "1 AND 7 = (SELECT count(*) FROM generate_series(1, 9000000))")]
    [InlineData("heavy-query", "1 AND 0 < (SELECT count(*) FROM a x, b y, c z)")]
    [InlineData("error-cast", "1 AND 1 = CAST((chr(113) || (SELECT name FROM users LIMIT 1)) AS int)")]
    [InlineData("error-cast", "1 AND 1 = CAST(version() AS int)")]
    [InlineData("error-cast", "1 AND 1 = ('~' || (SELECT name FROM users LIMIT 1))::int")]
    [InlineData("error-division", "1 AND 1 = (CASE WHEN (name = 'x') THEN 1/0 ELSE 1 END)")]
    [InlineData("blind-extraction", "1 AND ascii(substr((SELECT name FROM users LIMIT 1), 1, 1)) > 64")]
    [InlineData("blind-extraction", "1 AND length(current_database()) > 4")]
    [InlineData("blind-conditional", "1 AND (SELECT CASE WHEN (1=2) THEN 1 ELSE 2 END) = 1")]
    [InlineData("server-facts-condition", "1 AND current_user = 'postgres'")]
    [InlineData("file-read", "1 AND 0 < length(pg_read_file('/etc/passwd'))")]
    [InlineData("file-write", "1 AND 1 = lo_export(1, '/tmp/x')")]
    [InlineData("network-callout", "1 AND 1 = (SELECT 1 FROM dblink('host=evil', 'select 1') AS t(a int))")]
    [InlineData("text-execution", "1 AND query_to_xml('select 1', true, true, '') IS NULL")]
    [InlineData("program-execution", "1; SELECT sys_exec('id')")]
    [InlineData("encoded-text", "1 AND name = chr(97) || chr(100) || chr(109) || chr(105) || chr(110)")]
    [InlineData("catalog-probe", "1 AND (SELECT count(*) FROM pg_shadow) > 0")]
    [InlineData("literal-probe", "1 AND name = 'x'' OR ''1''=''1'")]
    [InlineData("shell-fragment", "1 AND name = 'x; cat /etc/hosts'")]
    [InlineData("default-object", "1 UNION SELECT a, b FROM master.t")]
    [InlineData("unreadable", "'x")]
    public void Finds_in_PostgreSQL(string rule, string payload) => Assert.Contains(rule, Shown.Hits(Query + payload).Split(' '));

    [Theory]
    [InlineData("string-arithmetic", "'' - ''")]
    [InlineData("comparison-chain", "'x' = ''")]
    [InlineData("tautology-or", "1 || 1")]
    [InlineData("tautology-or", "1 OR 'a' SOUNDS LIKE 'a'")]
    [InlineData("error-text", "1 AND extractvalue(1, concat(0x7e, version()))")]
    [InlineData("error-text", "1 AND gtid_subset(concat('a', (SELECT password FROM users LIMIT 1)), 1)")]
    [InlineData("error-duplicate-key", "1 AND (SELECT 1 FROM (SELECT count(*), floor(rand(0)*2) x FROM t GROUP BY x) y)")]
    [InlineData("error-overflow", "1 AND exp(~(SELECT * FROM (SELECT user()) x))")]
    [InlineData("procedure-analyse", "1 PROCEDURE ANALYSE()")]
    [InlineData("blind-conditional", "1 AND if(1=2, 1, 2)")]
    [InlineData("blind-conditional", "1 AND elt(6218=6218, 6218)")]
    [InlineData("blind-pattern", "1 RLIKE (SELECT 1)")]
    [InlineData("time-delay", "1 AND sleep(5)")]
    [InlineData("time-delay", "1 OR benchmark(5000000, md5('x'))")]
    [InlineData("file-read", "1 UNION SELECT load_file('/etc/passwd')")]
    [InlineData("file-write", "1 UNION SELECT '<?php eval($_GET[1]); ?>' INTO OUTFILE '/var/www/x.php'")]
    [InlineData("hex-text", "1 AND name = 0x61646d696e69737472")]
    [InlineData("versioned-comment", "1 /*!50000UNION*/ /*!50000SELECT*/ 1")]
    [InlineData("ambiguous-comment", "1 /*!99999 OR 1=1 */")]
    [InlineData("comment-empty", "1 #")]
    [InlineData("comment-truncation", "1 # ' AND active = 1")]
    [InlineData("server-facts-condition", "1 AND @@version LIKE '8%'")]
    public void Finds_in_MySQL(string rule, string payload) => Assert.Contains(rule, Shown.Hits(Query + payload, SqlDialect.MySql).Split(' '));

    [Theory]
    [InlineData("time-delay", "SELECT 1 FROM t WHERE a = 1 WAITFOR DELAY '0:0:5' --")]
    [InlineData("program-execution", "SELECT 1 FROM t WHERE a = 1; EXEC master..xp_cmdshell 'dir' --")]
    [InlineData("stacked-execution", "SELECT 1 FROM t WHERE a = 1; EXEC sp_who --")]
    [InlineData("error-cast", "SELECT 1 FROM t WHERE a = 1 AND 1 = CONVERT(int, @@version)")]
    [InlineData("encoded-text", "SELECT 1 FROM t WHERE a = CHAR(97)+CHAR(98)+CHAR(99)+CHAR(100)")]
    public void Finds_in_TSql(string rule, string sql) => Assert.Contains(rule, Shown.Hits(sql, SqlDialect.TSql).Split(' '));

    [Theory]
    [InlineData("privilege-change", "GRANT SELECT ON t TO bob")]
    [InlineData("privilege-change", "CREATE USER bob")]
    [InlineData("role-switch", "SET ROLE bob")]
    [InlineData("delete-all", "DELETE FROM t")]
    [InlineData("delete-all", "DELETE FROM t WHERE 1 = 1")]
    [InlineData("update-all", "UPDATE t SET a = (SELECT 1 WHERE false)")]
    [InlineData("schema-destruction", "DROP TABLE t")]
    [InlineData("schema-destruction", "TRUNCATE t")]
    [InlineData("schema-change", "ALTER TABLE t ADD c int")]
    [InlineData("dynamic-sql", "DO $$ BEGIN END $$")]
    [InlineData("file-access", "COPY t FROM '/tmp/x'")]
    [InlineData("file-access", "SELECT pg_read_file('x')")]
    [InlineData("copy-program", "COPY t FROM PROGRAM 'id'")]
    [InlineData("remote-access", "SELECT dblink_connect('x')")]
    [InlineData("text-function", "SELECT table_to_xml('t', true, true, '')")]
    [InlineData("catalog-read", "SELECT relname FROM pg_class")]
    [InlineData("catalog-credentials", "SELECT rolname FROM pg_authid")]
    [InlineData("delay-call", "SELECT pg_sleep(1)")]
    [InlineData("quoting-change", "SET standard_conforming_strings = off")]
    [InlineData("stored-probe", "INSERT INTO t VALUES ('x'' OR 1=1 -- ')")]
    [InlineData("stacked-script", "SELECT set_config('a.b', '1', true); INSERT INTO t VALUES (1)")]
    public void Names_what_ordinary_statements_do(string rule, string sql)
    {
        StatementReport report = Shown.Read(sql);
        Assert.Contains(report.Hits, h => h.Rule.Name == rule);
        Assert.DoesNotContain(report.Hits, h => h.Rule.Grade == RuleGrade.Attack);
    }

    [Fact]
    public void Finds_bytes_that_have_no_place_in_a_text()
    {
        Assert.Contains("nul-byte", Shown.Hits("SELECT 1\0 FROM t"), StringComparison.Ordinal);
        StatementReport broken = StatementReader.Read(SqlDialect.MySql, [.. "SELECT 1 FROM t WHERE a = '"u8, 0xBF, .. "\\' OR 1'"u8]);
        Assert.DoesNotContain(broken.Hits, h => h.Rule.Name == "broken-character");
        broken = StatementReader.Read(SqlDialect.MySql, [.. "SELECT 1 FROM t WHERE a = '"u8, 0xD5, .. "\\' OR 1'"u8]);
        Assert.Contains(broken.Hits, h => h.Rule.Name == "broken-character");
        Assert.Contains("too-large", Shown.Hits("SELECT " + string.Concat(Enumerable.Repeat("(SELECT ", 300)) + "1" + new string(')', 300)), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_rule_is_found_by_some_test()
    {
        HashSet<string> tested = [.. typeof(RuleTests).GetMethods().Concat(typeof(Redis.RedisRuleTests).GetMethods()).SelectMany(m => m.GetCustomAttributesData()).Where(a => a.AttributeType == typeof(InlineDataAttribute))
            .Select(a => ((IReadOnlyList<System.Reflection.CustomAttributeTypedArgument>)a.ConstructorArguments[0].Value!)[0].Value as string ?? "")];
        tested.UnionWith(["nul-byte", "broken-character", "too-large"]);
        Assert.Equal("", string.Join(' ', FirewallRules.All.Select(r => r.Name).Where(n => !tested.Contains(n))));
        Assert.True(FirewallRules.All.Length is >= 40 and <= 128, "a hit list keeps a bit for each rule");
        Assert.Equal(FirewallRules.All.Length, FirewallRules.All.Select(r => r.Name).Distinct().Count());
    }

    [Fact]
    public void Policies_may_name_each_rule_and_category_and_nothing_else() =>
        Assert.Equal(FirewallRules.All.SelectMany(r => new[] { r.Name, r.Category }).Append("default").Distinct().Order(StringComparer.Ordinal), MarchProxy.Model.Databases.DetectionKeys.All.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_rule_is_in_the_documentation()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MarchProxy.slnx"))) folder = Path.GetDirectoryName(folder)!;
        string text = File.ReadAllText(Path.Combine(folder, "docs/SQL-FIREWALL.md"));
        foreach (FirewallRule rule in FirewallRules.All) Assert.Contains($"| `{rule.Name}` | {rule.Category} | {rule.Grade.ToString().ToLowerInvariant()} |", text, StringComparison.Ordinal);
    }
}
