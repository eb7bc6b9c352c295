using System.Text;
using System.Text.RegularExpressions;

namespace ArticDbm.Security.Caching;

public sealed partial class StatementShapeTests
{
    [Theory]
    [InlineData("SELECT abalance FROM pgbench_accounts WHERE aid = 4711;", "SELECT abalance FROM pgbench_accounts WHERE aid = #;")]
    [InlineData("select a from t where t.b=5 and c2 >= 6 limit 7", "select a from t where t.b=# and c2 >= # limit 7")]
    [InlineData("UPDATE t SET a = 1, b = 2 WHERE id = 3", "UPDATE t SET a = #, b = # WHERE id = #")]
    [InlineData("SELECT a FROM t WHERE 5 = 5 AND b = 6", "SELECT a FROM t WHERE 5 = 5 AND b = #")]
    [InlineData("SELECT a FROM t WHERE b = 5 OR TRUE = 1", "SELECT a FROM t WHERE b = # OR TRUE = 1")]
    public void Numbers_that_names_are_compared_with_are_folded(string text, string shape) => Assert.Equal(shape, Fold(text));

    [Theory]
    [InlineData("SELECT a FROM t")]
    [InlineData("SELECT a FROM t WHERE b = 5 = 6")]
    [InlineData("SELECT a FROM t WHERE b = 5 - 5")]
    [InlineData("SELECT a FROM t WHERE b = 5.5")]
    [InlineData("SELECT a FROM t WHERE b = 5e3")]
    [InlineData("SELECT a FROM t WHERE b = 5 BETWEEN 1 AND 2")]
    [InlineData("SELECT a FROM t WHERE b = 9223372036854775807")]
    [InlineData("SELECT a FROM t WHERE b = 5 AND c = 'x'")]
    [InlineData("SELECT a FROM t WHERE b = 5 -- x")]
    [InlineData("SELECT a FROM t WHERE b = 5 /* x */")]
    [InlineData("SELECT a FROM t WHERE b = 5; DROP TABLE t")]
    [InlineData("SET autocommit = 0")]
    [InlineData("SET standard_conforming_strings = 0")]
    [InlineData("SELECT a FROM t WHERE b = 5 AND ü = 1")]
    [InlineData("SELECT a FROM t WHERE @x := 5")]
    public void Other_texts_are_left_as_they_are(string text) => Assert.Equal("", Fold(text));

    /// <summary>Whatever can be folded, and is kept by its shape, tells the same with any number in the place.</summary>
    [Fact]
    public void A_shape_tells_what_each_of_its_texts_tells()
    {
        var random = new Random(11);
        string[] numbers = ["0", "1", "2", "3", "10", "999", "6218", "1000000", "123456789012345678"];
        string[] conditions =
        [
            "a = 1", "b <> 2", "t.c >= 3", "a = 1 OR 1 = 1", "a = 1 AND 6218=6218", "a = 1 AND a = 1", "(a = 1)", "1 < a", "a = 1 OR a = a", "NOT a = 5", "a IN (1, 2) AND b = 3", "a = 1 OR b = 1 OR c = 1", "EXISTS (SELECT 1 FROM u WHERE u.x = 5)",
            "a = (SELECT max(b) FROM u WHERE c = 7)", "if(a = 1, 2, 3) = 4", "sleep(a = 5)", "a = 1 UNION SELECT NULL, NULL FROM u WHERE b = 2", "a BETWEEN 1 AND b = 3", "a = 5 LIMIT 3", "ascii(substr(a, 1, 1)) > 64", "x > 5 GROUP BY y HAVING count(*) > 3", "a = 1 HAVING 1 = 1",
        ];
        string[] heads = ["SELECT a, b FROM t WHERE ", "SELECT 1, 2 FROM t WHERE ", "UPDATE t SET x = 1, y = 2 WHERE ", "DELETE FROM t WHERE ", "WITH q AS (SELECT * FROM u WHERE a = 1) SELECT * FROM q WHERE ", "INSERT INTO t SELECT a FROM u WHERE "];
        int folded = 0;
        for (int round = 0; round < 4_000; round++)
        {
            string text = heads[random.Next(heads.Length)] + string.Join(random.Next(2) == 0 ? " AND " : " OR ", Enumerable.Range(0, random.Next(1, 4)).Select(_ => conditions[random.Next(conditions.Length)]));
            foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>())
            {
                string shape = Fold(text);
                StatementReport first = Shown.Read(text, dialect);
                if (shape.Length == 0 || !first.Hits.IsEmpty || first.Has(StatementTraits.Unreadable)) continue;
                folded++;
                string other = Mark().Replace(shape, _ => numbers[random.Next(numbers.Length)]);
                StatementReport second = Shown.Read(other, dialect);
                Assert.True(second.Hits.IsEmpty, $"{text} -> {other}: {second.Hits.FirstOrDefault().Rule?.Name}");
                Assert.Equal((first.Fingerprint, first.Normalised, first.Verb, first.Traits, first.Actions, first.StatementCount, Shown.Uses(first)), (second.Fingerprint, second.Normalised, second.Verb, second.Traits, second.Actions, second.StatementCount, Shown.Uses(second)));
            }
        }

        Assert.InRange(folded, 3_000, int.MaxValue);
    }

    [Fact]
    public void Texts_of_one_shape_are_read_once_and_found_without_allocation()
    {
        var cache = new StatementCache(SqlDialect.PostgreSql);
        byte[][] texts = [.. Enumerable.Range(0, 1_000).Select(i => Encoding.UTF8.GetBytes($"SELECT abalance FROM pgbench_accounts WHERE aid = {i};"))];
        foreach (byte[] text in texts) cache.Get(text);
        Assert.Equal((1, 999L, 1L), (cache.Count, cache.Hits, cache.Misses));
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] text in texts) cache.Get(text);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEmpty(cache.Get("SELECT abalance FROM pgbench_accounts WHERE aid = 5 OR 1=1;"u8).Hits);
    }

    private static string Fold(string text)
    {
        byte[] shape = new byte[StatementShape.MaxText];
        return Encoding.UTF8.GetString(shape, 0, StatementShape.Fold(Encoding.UTF8.GetBytes(text), shape)).Replace('\u0001', '#');
    }

    [GeneratedRegex("#", RegexOptions.None, 1000)]
    private static partial Regex Mark();
}
