using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Databases;

public sealed class DbAccessTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);
    private readonly DbAccess _access = Secrets.Compile(Secrets.Example("databases.yaml")).Databases;

    [Fact]
    public void The_example_means_what_it_says()
    {
        Database shop = _access.FindDatabase("shop")!;
        Assert.Equal((DbEngine.PostgreSql, "bench", 20, DbPoolMode.Transaction), (shop.Engine, shop.ServerDatabase, shop.Pool.Size, shop.Pool.Mode));
        DbAccount app = _access.FindAccount("app")!;
        Assert.Null(app.Password);
        Assert.True(DbPassword.Matches(app.Verifiers!, "app-secret"));
        Assert.False(DbPassword.Matches(app.Verifiers!, "app-secreT"));
        Assert.False(DbPassword.Matches(app.Verifiers!, ""));
        AccessRules analyst = _access.Rules("analyst", "shop");
        Assert.True(analyst.Allows(DbActions.Select, "", "pgbench_accounts", s_now));
        Assert.True(analyst.Allows(DbActions.Select, "public", "PGBENCH_tellers", s_now));
        Assert.False(analyst.Allows(DbActions.Select, "", "users", s_now));
        Assert.False(analyst.Allows(DbActions.Select | DbActions.Update, "", "pgbench_accounts", s_now));
        Assert.False(analyst.Allows(DbActions.Select, "", "pgbench_accounts", new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        Assert.True(_access.Rules("app", "shop").Allows(DbActions.Select | DbActions.Ddl, "any", "thing", s_now));
        Assert.False(_access.Rules("app", "shop").Allows(DbActions.Admin, s_now));
        Assert.False(_access.Rules("analyst", "crm").Any(s_now));
        DbSecurity security = _access.Security("shop");
        Assert.Equal(DetectionMode.Block, security.Mode("injection", "tautology"));
        Assert.Equal(DetectionMode.Off, security.Mode("ddl", "drop", DetectionMode.Off));
        Assert.True(security.Blocks("pg_catalog", "pg_authid"));
        Assert.True(security.Blocks("", "PG_AUTHID"));
        Assert.False(security.Blocks("mine", "pg_authid"));
    }

    [Theory]
    [InlineData("*", "", "t", true)]
    [InlineData("t", "", "T", true)]
    [InlineData("t", "s", "t", true)]
    [InlineData("s.t", "", "t", false)]
    [InlineData("s.*", "s", "anything", true)]
    [InlineData("s*.a*z", "sales", "abcz", true)]
    [InlineData("s*.a*z", "sales", "abc", false)]
    [InlineData("a*b*c", "", "aXbXbc", true)]
    [InlineData("", "", "t", false)]
    public void Patterns(string pattern, string schema, string table, bool fits) => Assert.Equal(fits, TablePattern.Matches(pattern, schema, table));

    [Fact]
    public void A_pattern_of_stars_is_answered_at_once() => Assert.False(TablePattern.Glob(new string('*', 200) + "b", new string('a', 20_000)));

    // RFC 7677 section 3, the example exchange: what its password is checked against.
    [Fact]
    public void A_verifier_of_the_rfc_is_known_again()
    {
        var verifiers = new DbVerifiers("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", "", "");
        Assert.True(DbPassword.Matches(verifiers, "pencil"));
        Assert.False(DbPassword.Matches(verifiers, "pencils"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA")]
    [InlineData("SCRAM-SHA-256$4096:!$AAAA:AAAA")]
    [InlineData("md5abc")]
    public void What_is_no_verifier_is_told_so(string text) => Assert.False(DbPassword.TryParseScram(text, out _));
}
