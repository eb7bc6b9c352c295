using ArticDbm.Proxy.Audit;
using ArticDbm.Security;

namespace ArticDbm.Proxy.Tests.Audit;

public sealed class TopStatementsTests
{
    private readonly TopStatements _top = new();

    [Fact]
    public void Statements_of_one_shape_are_counted_together()
    {
        TopStatement? last = null;
        foreach ((string text, string decision, string? state) in new[] { ("SELECT a FROM t WHERE b = 1", "allow", null), ("SELECT a FROM t WHERE b = 2", "allow", "22012"), ("SELECT a FROM t WHERE b = 'x'", "deny", "42501"), ("SELECT c FROM t", "allow", null) })
        {
            last = _top.Count(Record("shop", text, decision, state), last);
        }

        TopStatement one = _top.Copy().First(s => s.Calls == 3);
        Assert.Equal(("shop", "select a from t where b = ?", 1L, 1L, 6L, 30L, 10L), (one.Database, one.Text, one.Denied, one.Errors, one.Rows, one.TotalTicks, one.MaxTicks));
        Assert.Equal(2, _top.Copy().Length);
    }

    [Fact]
    public void It_never_holds_more_than_its_bound_and_keeps_what_costs_most()
    {
        TopStatement? dear = _top.Count(Record("shop", "SELECT dear FROM t", "allow", null, ticks: 1_000_000), null);
        for (int i = 0; i < 3 * TopStatements.Most; i++) _top.Count(Record("shop", $"SELECT c{i} FROM t", "allow", null), null);
        Assert.InRange(_top.Copy().Length, 1, TopStatements.Most);
        Assert.Contains(_top.Copy(), s => s.Fingerprint == dear!.Fingerprint);
    }

    [Fact]
    public void After_a_new_beginning_nobody_counts_into_what_is_gone()
    {
        TopStatement? held = _top.Count(Record("shop", "SELECT 1", "allow", null), null);
        _top.Clear();
        Assert.NotSame(held, _top.Count(Record("shop", "SELECT 1", "allow", null), held));
        Assert.Equal(1, Assert.Single(_top.Copy()).Calls);
    }

    private static StatementRecord Record(string database, string text, string decision, string? state, long ticks = 10)
    {
        var record = new StatementRecord { Database = database, Decision = decision, SqlState = state, Rows = 2, Started = 5, Ended = 5 + ticks };
        record.Of(StatementReader.Read(SqlDialect.PostgreSql, System.Text.Encoding.UTF8.GetBytes(text), SqlQuoting.Usual));
        return record;
    }
}
