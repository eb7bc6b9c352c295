using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class HeaderLineTests
{
    [Theory]
    [InlineData("X: y", "ok")]
    [InlineData("X:", "ok")]
    [InlineData("X:y", "ok")]
    [InlineData("X: \t y \t ", "ok")]
    [InlineData("X: caf\u00e9", "ok")]
    [InlineData("X: a\tb", "ok")]
    [InlineData("!#$%&'*+-.^_`|~09azAZ: y", "ok")]
    [InlineData("An-Extremely-Long-Name-That-Spans-Several-Vectors-Of-Sixteen: y", "ok")]
    [InlineData("X : y", "space-before-colon")]
    [InlineData("X\t: y", "space-before-colon")]
    [InlineData(" X: y", "obs-fold")]
    [InlineData("\tfolded", "obs-fold")]
    [InlineData(" ", "obs-fold")]
    [InlineData(": y", "header-name")]
    [InlineData("X", "header-name")]
    [InlineData("X y: z", "header-name")]
    [InlineData("X(: y", "header-name")]
    [InlineData("X\"y: z", "header-name")]
    [InlineData("X\u00e9: y", "header-name")]
    [InlineData("X: a\0b", "control-character")]
    [InlineData("X: a\u000bb", "control-character")]
    [InlineData("X: a\u0001b", "control-character")]
    [InlineData("X: a\u007fb", "control-character")]
    [InlineData("X\0: a", "control-character")]
    [InlineData("X: a\rb", "bare-cr")]
    [InlineData("X: a\r", "bare-cr")]
    [InlineData("X: a\nb", "bare-lf")]
    [InlineData("X: a\nY: b", "bare-lf")]
    [InlineData("\n", "bare-lf")]
    public void Field_line_is_judged(string line, string outcome)
    {
        Assert.Equal(outcome, Parsed.Fields(line).Outcome);
        Assert.Equal(outcome, Parsed.Fields("Accept: */*", line, "Another: one").Outcome);
        Assert.Equal(outcome, Parsed.Response($"HTTP/1.1 200 OK\r\n{line}\r\n\r\n").Outcome);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\n")]
    public void Lines_that_end_in_lf_alone_are_refused(string text) => Assert.Equal("bare-lf", Parsed.Request(text).Outcome);

    [Fact]
    public void White_space_before_the_first_field_is_refused() =>
        Assert.Equal("obs-fold", Parsed.Request("GET / HTTP/1.1\r\n Host: a\r\n\r\n").Outcome);

    [Theory]
    [InlineData("X:y", "y")]
    [InlineData("X: y ", "y")]
    [InlineData("X: \t y z\t ", "y z")]
    [InlineData("X:", "")]
    [InlineData("X: \t ", "")]
    public void Value_is_trimmed(string line, string value)
    {
        Parsed<RequestHead> parsed = Parsed.Fields(line);
        HeaderField field = parsed.Head.Fields[1];
        Assert.Equal(("X", value), (parsed.Text(field.Name), parsed.Text(field.Value)));
    }

    [Fact]
    public void Table_grows_to_the_limit_of_fields_and_no_further()
    {
        string[] ninetyNine = [.. Enumerable.Range(0, 99).Select(i => $"X-{i}: {i}")];
        Parsed<RequestHead> parsed = Parsed.Fields(ninetyNine);
        Assert.Equal("ok", parsed.Outcome);
        Assert.Equal(100, parsed.Head.Count);
        Assert.Equal("98", parsed.Text(parsed.Head.Fields[99].Value));
        Assert.Equal("too-many-headers", Parsed.Fields([.. ninetyNine, "X: y"]).Outcome);
    }

    [Fact]
    public void Lookup_finds_the_first_line_of_a_name_in_any_case()
    {
        Parsed<RequestHead> parsed = Parsed.Fields("x-FORWARDED-for: 1", "X-Forwarded-For: 2", "USER-agent: curl");
        Assert.Equal("1", parsed.Value(KnownHeader.XForwardedFor));
        Assert.Equal("curl", parsed.Value(KnownHeader.UserAgent));
        Assert.False(parsed.Head.Has(KnownHeader.Cookie));
        Assert.Equal("(absent)", parsed.Value(KnownHeader.Cookie));
    }
}
