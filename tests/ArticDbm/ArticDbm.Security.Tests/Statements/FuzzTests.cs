using System.Text;

namespace ArticDbm.Security.Statements;

/// <summary>Any bytes give a report; blanks and comments change no meaning; a prefix never does more than the server would let it.</summary>
public sealed class FuzzTests
{
    private static readonly string[] s_statements =
    [
        "SELECT o.id, count(*) FROM orders o LEFT JOIN users u ON u.id = o.uid WHERE o.a IN (1, 2, 3) AND EXISTS (SELECT 1 FROM items i WHERE i.o = o.id) GROUP BY o.id HAVING count(*) > 1 ORDER BY 2 LIMIT 5",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5), d AS (DELETE FROM logs RETURNING id) INSERT INTO audit (a, b) SELECT n, 'x''y' FROM t, d ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *",
        "UPDATE stock SET n = n - 1, at = now() FROM moves m WHERE m.id = stock.id AND m.kind = E'a\\'b'",
        "MERGE INTO t USING (SELECT * FROM s) x ON t.id = x.id WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT VALUES (x.id)",
        "CREATE TABLE a (id int PRIMARY KEY, p int REFERENCES parents (id), CHECK (p > 0)) ; GRANT SELECT ON a TO bob; DROP TABLE IF EXISTS b, c CASCADE",
        "COPY (SELECT * FROM t WHERE a = $tag$ it's $tag$) TO STDOUT; SET LOCAL search_path TO x, \"Y\"; EXPLAIN (ANALYZE) SELECT 1 UNION SELECT 2",
        "SELECT 1 FROM t WHERE a = 1 OR 1=1 UNION SELECT NULL, version() -- '",
    ];

    [Fact]
    public void Random_bytes_give_a_report()
    {
        var random = new Random(20261124);
        byte[] bytes = new byte[400];
        byte[] likely = "'\"`$()[];,.-/*#=<>!|&@:\\?EeUuNn019 \n\0"u8.ToArray();
        for (int i = 0; i < 20_000; i++)
        {
            int length = random.Next(bytes.Length);
            for (int b = 0; b < length; b++) bytes[b] = random.Next(3) == 0 ? (byte)random.Next(256) : likely[random.Next(likely.Length)];
            foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>()) Sound(StatementReader.Read(dialect, bytes.AsSpan(0, length), (SqlQuoting)random.Next(8)));
        }
    }

    [Fact]
    public void Mutated_statements_give_a_report()
    {
        var random = new Random(5);
        string[] words = ["SELECT", "FROM", "(", ")", ",", ";", "UNION", "WITH x AS (", "'", "--", "/*", "*/", "INTO", "UPDATE", "DELETE", "USING", "ON", "TABLE", "CASE WHEN", "END", "AS", ".", "CREATE RULE", "DO", "BEGIN ATOMIC", "EXEC", "::int", "char(1,2,3,4)", "SET", "SHOW"];
        for (int i = 0; i < 20_000; i++)
        {
            List<string> parts = [.. s_statements[random.Next(s_statements.Length)].Split(' ')];
            for (int m = random.Next(6); m >= 0; m--)
            {
                int at = random.Next(parts.Count);
                if (random.Next(3) == 0) parts.RemoveAt(at);
                else if (random.Next(2) == 0) parts.Insert(at, words[random.Next(words.Length)]);
                else parts[at] = words[random.Next(words.Length)];
                if (parts.Count == 0) parts.Add(";");
            }

            byte[] bytes = Encoding.UTF8.GetBytes(string.Join(' ', parts));
            foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>()) Sound(StatementReader.Read(dialect, bytes));
        }
    }

    [Fact]
    public void Every_prefix_of_a_statement_gives_a_report()
    {
        foreach (byte[] bytes in s_statements.Select(Encoding.UTF8.GetBytes))
        {
            foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>())
            {
                for (int length = 0; length <= bytes.Length; length++) Sound(StatementReader.Read(dialect, bytes.AsSpan(0, length)));
            }
        }
    }

    [Fact]
    public void Blanks_and_comments_change_neither_tables_nor_actions_nor_shape()
    {
        var random = new Random(9);
        string[] gaps = [" ", "\n", "\t ", " /* x */ ", "/* ' */", " -- it's\n", "\r\n", " /* a /* b */ c */ "];
        foreach (string sql in s_statements[..^1])
        {
            StatementReport plain = Shown.Read(sql);
            for (int i = 0; i < 300; i++)
            {
                var varied = new StringBuilder();
                bool quoted = false;
                foreach (char c in sql)
                {
                    if (c is '\'' or '$') quoted = !quoted;
                    varied.Append(c == ' ' && !quoted && !sql.Contains("$tag$", StringComparison.Ordinal) ? gaps[random.Next(gaps.Length)] : c.ToString());
                }

                StatementReport other = Shown.Read(varied.ToString());
                Assert.Equal(Shown.Uses(plain), Shown.Uses(other));
                Assert.Equal((plain.Actions, plain.Traits, plain.StatementCount, plain.Fingerprint), (other.Actions, other.Traits, other.StatementCount, other.Fingerprint));
            }
        }
    }

    [Theory]
    [InlineData("(")]
    [InlineData("(SELECT ")]
    [InlineData("((a,")]
    [InlineData(" OR 1=1")]
    [InlineData(" CASE WHEN ASCII(SUBSTR((SELECT 1),1,1))")]
    [InlineData(" UNION SELECT 1")]
    [InlineData("'a'' OR 1=1--',")]
    [InlineData(",f(")]
    [InlineData(" WITH a AS (")]
    [InlineData(";DELETE a FROM a")]
    [InlineData("CREATE RULE DO (")]
    [InlineData("/*")]
    [InlineData("$a$")]
    [InlineData("UPDATE a,b SET a.x=1,")]
    public void Memory_is_bounded_whatever_the_text(string unit)
    {
        byte[] hostile = Encoding.UTF8.GetBytes("SELECT a FROM t WHERE b = 1 " + string.Concat(Enumerable.Repeat(unit, 512 * 1024 / unit.Length)));
        foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>())
        {
            StatementReader.Read(dialect, hostile);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Sound(StatementReader.Read(dialect, hostile));
            // Names that are read and dropped again count here too: no more than some times the text.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 24L * hostile.Length);
        }
    }

    /// <summary>What holds of every report.</summary>
    private static void Sound(StatementReport report)
    {
        Assert.True(report.Normalised.Length <= StatementReader.MaxNormalised);
        if (report.Has(StatementTraits.Unreadable)) Assert.Equal(StatementReader.EveryAction, report.GeneralActions);
        Assert.False(report.Has(StatementTraits.OnlyReads) && (report.Has(StatementTraits.Unreadable) || (report.Actions & ~MarchProxy.Model.Resources.DbActions.Select) != 0));
        foreach (TableUse table in report.Tables) Assert.Equal(table.Actions, table.Actions & report.Actions);
    }
}
