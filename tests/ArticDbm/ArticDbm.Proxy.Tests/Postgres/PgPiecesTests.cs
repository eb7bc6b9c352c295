using System.Text;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Postgres;
using ArticDbm.Security;

namespace ArticDbm.Proxy.Tests.Postgres;

public sealed class PgPiecesTests
{
    [Theory]
    [InlineData("-c a=1 -c b.c=x", "a=1;b.c=x")]
    [InlineData("--search-path=x -cy=2", "search_path=x;y=2")]
    [InlineData("-c a=one\\ two", "a=one two")]
    [InlineData("", "")]
    public void Options_are_read_as_the_server_reads_them(string text, string read)
    {
        var into = new WantedSettings();
        Assert.Null(PgSettings.ParseOptions(text, into));
        Assert.Equal(read, string.Join(';', into.Values.Select(o => $"{o.Key}={o.Value}")));
    }

    [Theory]
    [InlineData("-c")]
    [InlineData("-c =1")]
    [InlineData("-c a;drop=1")]
    [InlineData("-F")]
    [InlineData("word")]
    public void Options_that_are_no_settings_are_refused(string text) => Assert.NotNull(PgSettings.ParseOptions(text, new WantedSettings()));

    [Theory]
    [InlineData("SET TimeZone TO 'x'", "TimeZone")]
    [InlineData("  set session datestyle = iso", "DateStyle")]
    [InlineData("SET TIME ZONE 'x'", "TimeZone")]
    [InlineData("SET NAMES 'utf8'", "client_encoding")]
    [InlineData("SET search_path TO a", null)]
    [InlineData("SET LOCAL TimeZone TO 'x'", null)]
    [InlineData("SELECT 1", null)]
    public void A_setting_that_servers_tell_of_is_known_by_its_statement(string sql, string? name) => Assert.Equal(name, PgSettings.ReportedName(Encoding.ASCII.GetBytes(sql)));

    [Theory]
    [InlineData("DISCARD ALL", "DISCARD ALL")]
    [InlineData("discard all ; ", "DISCARD ALL")]
    [InlineData("SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP", "SET;RESET;CLOSE CURSOR ALL;UNLISTEN;SELECT 1;DISCARD SEQUENCES;DISCARD TEMP")]
    [InlineData("RESET ALL; SELECT 1", null)]
    [InlineData("SET SESSION AUTHORIZATION bob", null)]
    [InlineData("RESET TimeZone", null)]
    [InlineData("SELECT 1", null)]
    public void Resets_are_told_from_everything_else(string sql, string? tags) =>
        Assert.Equal(tags, PgResets.Find(StatementReader.Read(SqlDialect.PostgreSql, Encoding.ASCII.GetBytes(sql))) is { } found ? string.Join(';', found) : null);

    [Fact]
    public void Expectations_keep_their_order_and_count_what_is_still_to_be_ready()
    {
        var expected = new Expectations();
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 40; i++) expected.Add(new Expectation(i % 4 == 0 ? ExpectKind.Sync : ExpectKind.Execute, null, null, i));
            Assert.Equal((40, 10), (expected.Count, expected.Ready));
            for (int i = 0; i < 40; i++) Assert.Equal(i, expected.Take().Started);
            Assert.Equal((0, 0), (expected.Count, expected.Ready));
        }
    }

    [Fact]
    public void A_sync_before_the_end_of_copy_data_is_not_answered()
    {
        var expected = new Expectations();
        foreach (ExpectKind kind in new[] { ExpectKind.Execute, ExpectKind.Sync, ExpectKind.CopyEnd, ExpectKind.Sync }) expected.Add(new Expectation(kind, null, null, 0));
        expected.ForgetSyncsBeforeCopyEnd();
        Assert.Equal(1, expected.Ready);
        Assert.Equal([ExpectKind.Execute, ExpectKind.CopyEnd, ExpectKind.Sync], Enumerable.Range(0, 3).Select(_ => expected.Take().Kind));
    }

    [Fact]
    public void The_same_text_with_the_same_types_is_one_statement()
    {
        var all = new PreparedStatements();
        StatementReport report = StatementReader.Read(SqlDialect.PostgreSql, "SELECT 1"u8);
        PreparedStatement one = all.Get("SELECT 1\0\0\0"u8, report);
        Assert.Same(one, all.Get("SELECT 1\0\0\0"u8, report));
        PreparedStatement other = all.Get("SELECT 1\0\0\u0001\0\0\0\u0017"u8, report);
        Assert.NotSame(one, other);
        Assert.NotEqual(one.Name, other.Name);
        for (int i = 0; i < 11_000; i++) all.Get(Encoding.ASCII.GetBytes($"SELECT {i}\0\0\0"), report);
        Assert.NotSame(one, all.Get("SELECT 1\0\0\0x"u8, report));
    }

    [Fact]
    public void An_answer_to_a_reset_is_whole_messages()
    {
        var reply = new PgWriter();
        PgResets.Answer(reply, ["RESET", "SELECT 1"]);
        ReadOnlySpan<byte> rest = reply.Written.Span;
        string types = "";
        while (PgFrame.TryRead(rest, out PgFrame frame) == FrameStatus.Ok)
        {
            types += (char)frame.Type;
            rest = rest[frame.Length..];
        }

        Assert.Equal(("CTDC", 0), (types, rest.Length));
    }
}
