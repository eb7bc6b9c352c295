namespace ArticDbm.Security.Rules;

/// <summary>What mappers, drivers, dashboards and people send, and no rule may refuse by itself.</summary>
public sealed class OrdinaryStatementTests
{
    [Theory]
    [InlineData("SELECT * FROM users WHERE 1=1 AND name = 'x'")]
    [InlineData("SELECT \"users\".* FROM \"users\" WHERE \"users\".\"active\" = TRUE AND 1=0")]
    [InlineData("SELECT z.id FROM z WHERE (z.id NOT IN (NULL) OR (1 = 1))")]
    [InlineData("SELECT z.id FROM z WHERE z.id IN (NULL) AND (1 != 1)")]
    [InlineData("SELECT z.id FROM z WHERE z.id IN (SELECT CAST(NULL AS INTEGER) WHERE 1!=1)")]
    [InlineData("SELECT * FROM p WHERE ('' = '' OR name LIKE '%%') AND (0 = 0 OR category = 0)")]
    [InlineData("SELECT * FROM p WHERE ('abc' IS NULL OR name = 'abc')")]
    [InlineData("SELECT * FROM p WHERE price BETWEEN 1 AND 2 AND qty > 3")]
    [InlineData("SELECT * FROM p WHERE a = 1 AND (b = 2 OR c = 3)")]
    [InlineData("SELECT a, b FROM t WHERE x = 1 UNION ALL SELECT a, b FROM u WHERE y = 2")]
    [InlineData("SELECT 0 AS id, 'All' AS name UNION ALL SELECT id, name FROM t WHERE a = 1")]
    [InlineData("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t")]
    [InlineData("SELECT id /* traceparent='00-ab-01' */ FROM t WHERE a = 1")]
    [InlineData("SELECT id -- the key\nFROM t -- don't cache\nWHERE a = 1")]
    [InlineData("SELECT id FROM t WHERE a = 1 -- by key")]
    [InlineData("SELECT id FROM t WHERE name = 'O''Brien' OR name = 'union select'")]
    [InlineData("SELECT id FROM t WHERE note = 'drop table; -- is in the manual'")]
    [InlineData("INSERT INTO notes (body) VALUES ('SELECT * FROM users WHERE 1=1 OR 2=2')")]
    [InlineData("SELECT CASE WHEN a = 1 THEN 'x' ELSE 'y' END FROM t ORDER BY CASE WHEN b IS NULL THEN 1 ELSE 0 END")]
    [InlineData("SELECT lower(left(name, 1)), ascii(substr(name, 1, 1)) FROM t GROUP BY 1, 2")]
    [InlineData("SELECT * FROM t WHERE length(name) > 3 AND substr(name, 1, 1) = 'a'")]
    [InlineData("SELECT * FROM t WHERE id = (SELECT max(id) FROM t WHERE a = 5)")]
    [InlineData("SELECT * FROM t WHERE 5 < (SELECT count(*) FROM u WHERE u.t = t.id)")]
    [InlineData("SELECT id, name FROM t WHERE a = 1 UNION ALL SELECT NULL, 'None'")]
    [InlineData("SELECT id, name FROM t WHERE a = 1 -- ours\nUNION ALL SELECT 0, 'All'\n-- and that is it")]
    [InlineData("SELECT version()")]
    [InlineData("SELECT current_user, current_database()")]
    [InlineData("SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND pg_table_is_visible(c.oid)")]
    [InlineData("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' AND table_schema = current_schema()")]
    [InlineData("BEGIN; INSERT INTO t VALUES (1); DROP TABLE u; COMMIT")]
    [InlineData("SELECT chr(13) || chr(10)")]
    [InlineData("SELECT count(*) FROM a, b, c WHERE a.x = b.x AND b.y = c.y")]
    [InlineData("SELECT a FROM t GROUP BY a HAVING count(*) > 1")]
    [InlineData("UPDATE t SET a = a + 1, b = 'x' WHERE id = 5 AND version = 3")]
    [InlineData("SELECT id::int, (a || b)::numeric FROM t WHERE (x + 1)::int = 5")]
    [InlineData("CREATE RULE r AS ON INSERT TO t DO INSTEAD (DELETE FROM u; INSERT INTO v VALUES (1))")]
    public void Of_PostgreSQL(string sql) => Assert.DoesNotContain(Shown.Read(sql).Hits, h => h.Rule.Grade == RuleGrade.Attack);

    [Theory]
    [InlineData("SELECT /*!40001 SQL_NO_CACHE */ * FROM t WHERE a = 1")]
    [InlineData("/*!50001 CREATE VIEW v AS SELECT 1 AS a FROM t WHERE b = 1 OR c = 2 */")]
    [InlineData("/*!40101 SET NAMES utf8mb4 */")]
    [InlineData("SELECT * FROM t WHERE id = 0x89504E470D0A1A0A89504E470D0A1A0A")]
    [InlineData("SELECT IF(a = 1, 'x', 'y'), IFNULL(b, 0) FROM t WHERE IF(c > 1, d, e) = 2")]
    [InlineData("SELECT CONCAT(first, ' ', last) FROM users WHERE name REGEXP '^a'")]
    [InlineData("INSERT INTO `t` (`a`) VALUES (1); SELECT `id` FROM `t` WHERE ROW_COUNT() = 1 AND `id` = LAST_INSERT_ID(); INSERT INTO `t` (`a`) VALUES (2)")]
    [InlineData("SELECT SLEEP(1)")]
    [InlineData("SELECT * FROM t WHERE created > NOW() - INTERVAL 1 DAY AND name = 'a' 'b'")]
    [InlineData("SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()")]
    [InlineData("SELECT ExtractValue(doc, '/a/b') FROM t WHERE id = 1")]
    [InlineData("CREATE PROCEDURE p() BEGIN SELECT 1; DROP TABLE t; IF 1 THEN SELECT 2; END IF; END")]
    public void Of_MySQL(string sql) => Assert.DoesNotContain(Shown.Read(sql, SqlDialect.MySql).Hits, h => h.Rule.Grade == RuleGrade.Attack);

    [Fact]
    public void The_body_of_a_routine_is_no_further_statement()
    {
        Assert.Equal(1, Shown.Read("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END").StatementCount);
        Assert.Equal(2, Shown.Read("CREATE PROCEDURE p() BEGIN SELECT 1; END; DROP TABLE t", SqlDialect.MySql).StatementCount);
    }
}
