namespace ArticDbm.Security.Analysis;

public sealed class TSqlTablesTests
{
    [Theory]
    [InlineData("SELECT TOP 5 * FROM [dbo].[My Orders] WITH (NOLOCK) JOIN users u ON 1 = 1", "dbo.My Orders: select; users: select")]
    [InlineData("SELECT * FROM orders (NOLOCK)", "orders: select")]
    [InlineData("SELECT 1 SELECT * FROM t EXEC xp_cmdshell 'dir'", "t: select; +call+admin")]
    [InlineData("UPDATE o SET x = 1 FROM orders o JOIN users u ON o.u = u.id", "orders: select+update; users: select")]
    [InlineData("DELETE o FROM orders o", "orders: select+delete")]
    [InlineData("INSERT INTO t EXEC p", "t: insert; +call")]
    [InlineData("SELECT * INTO #tmp FROM master..sysobjects", "#tmp: ddl; sysobjects: select")]
    [InlineData("EXEC('select 1')", "+call+admin")]
    [InlineData("EXEC sp_executesql @q", "+call+admin")]
    [InlineData("EXECUTE AS USER = 'sa'", "+admin")]
    [InlineData("DECLARE @x int; SELECT @x = id FROM t", "t: select")]
    [InlineData("IF EXISTS (SELECT 1 FROM t) DROP TABLE u", "t: select; u: ddl")]
    [InlineData("SELECT * FROM t CROSS APPLY (SELECT * FROM u) x OUTER APPLY f(t.id) y", "t: select; u: select")]
    [InlineData("MERGE t AS a USING s AS b ON a.id = b.id WHEN NOT MATCHED THEN INSERT (x) VALUES (b.x) OUTPUT inserted.id;", "s: select; t: select+insert")]
    public void Tables_and_actions(string sql, string uses) => Assert.Equal(uses, Shown.Uses(sql, SqlDialect.TSql));
}
