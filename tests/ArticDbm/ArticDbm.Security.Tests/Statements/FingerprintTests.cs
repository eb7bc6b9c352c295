namespace ArticDbm.Security.Statements;

public sealed class FingerprintTests
{
    [Theory]
    [InlineData("SELECT  *\nFROM T -- x\n WHERE a = -5 AND b='x'", "select * from t where a = ? and b = ?")]
    [InlineData("select * from t where a in (1, 2,3) and b = $1", "select * from t where a in (?) and b = ?")]
    [InlineData("INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', NULL)", "insert into t values (?, ?, null)")]
    [InlineData("INSERT INTO t VALUES (1, now()), (2, now())", "insert into t values (?, now())")]
    [InlineData("SELECT ARRAY[1, 2, 3]", "select array [?]")]
    [InlineData("SELECT f(1, 2), a - 5, (3)", "select f(?, ?), a - ?, (?)")]
    [InlineData("SELECT \"A\".b FROM \"A\"", "select \"A\".b from \"A\"")]
    [InlineData("SELECT E'a\\'b', $$x$$, U&'\\0061', B'1'", "select ?, ?, ?, ?")]
    public void Folds_data_and_keeps_shape(string sql, string normalised) => Assert.Equal(normalised, Shown.Read(sql).Normalised);

    [Theory]
    [InlineData("SELECT * FROM t WHERE a IN (1)", "SELECT * FROM t WHERE a IN (1, -2, '3')", true)]
    [InlineData("INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (3, 4), (5, 6), (7, 8)", true)]
    [InlineData("SELECT * FROM t WHERE a = 1", "select * from T where A = 'x'", true)]
    [InlineData("SELECT * FROM t WHERE a = 1", "SELECT * FROM t WHERE a = 1 OR 1 = 1", false)]
    [InlineData("SELECT * FROM t WHERE a = 1", "SELECT * FROM u WHERE a = 1", false)]
    [InlineData("INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (1, 2), (3, f(4))", false)]
    [InlineData("SELECT f(1)", "SELECT f(1, 2)", false)]
    public void Is_the_same_for_one_shape(string one, string other, bool same) => Assert.Equal(same, Shown.Read(one).Fingerprint == Shown.Read(other).Fingerprint);

    [Fact]
    public void Is_bounded_and_written_as_16_digits()
    {
        StatementReport report = Shown.Read("SELECT " + string.Join(", ", Enumerable.Range(0, 2_000).Select(i => "column_" + i)));
        Assert.Equal(StatementReader.MaxNormalised, report.Normalised.Length);
        Assert.Matches("^[0-9a-f]{16}$", report.FingerprintText);
    }

    [Fact]
    public void A_load_of_many_rows_has_the_shape_of_one()
    {
        StatementReport few = Shown.Read("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')"), many = Shown.Read("INSERT INTO t (a, b) VALUES " + string.Join(", ", Enumerable.Range(0, 100_000).Select(i => $"({i}, 'y')")));
        Assert.Equal(few.Fingerprint, many.Fingerprint);
        Assert.Equal("t: insert", Shown.Uses(many));
    }
}
