using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class LimitTests
{
    private static readonly HeadLimits s_small = new() { MaxHeadBytes = 200, MaxRequestLine = 40, MaxHeaderLine = 60, MaxHeaders = 5 };

    [Theory]
    [InlineData(26, "ok")]
    [InlineData(27, "request-line-too-long")]
    public void Request_line_is_bounded(int pathLength, string outcome) =>
        Assert.Equal(outcome, Parsed.Request($"GET /{new string('x', pathLength)} HTTP/1.1\r\nHost: a\r\n\r\n", s_small).Outcome);

    [Theory]
    [InlineData(57, "ok")]
    [InlineData(58, "header-line-too-long")]
    public void Field_line_is_bounded(int valueLength, string outcome) =>
        Assert.Equal(outcome, Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('y', valueLength)}\r\n\r\n", s_small).Outcome);

    [Theory]
    [InlineData(200, "ok")]
    [InlineData(201, "head-too-large")]
    public void Head_is_bounded(int total, string outcome)
    {
        string start = "GET / HTTP/1.1\r\nHost: a\r\n" + Parsed.Join(Enumerable.Repeat("X: " + new string('y', 50), 3));
        int rest = total - start.Length - 2;
        Assert.InRange(rest, 0, 40);
        string text = start + "\r\n";
        if (rest > 0) text = $"{start[..^2]}{new string('z', rest)}\r\n\r\n";
        HeadLimits limits = s_small with { MaxHeaderLine = 100 };
        Assert.Equal((total, outcome), (text.Length, Parsed.Request(text, limits).Outcome));
    }

    [Fact]
    public void Unfinished_line_is_refused_as_soon_as_it_cannot_fit()
    {
        Assert.Equal("need-more", Parsed.Request(new string('x', 40), s_small).Outcome);
        Assert.Equal("request-line-too-long", Parsed.Request(new string('x', 41), s_small).Outcome);
        string line = "GET / HTTP/1.1\r\n";
        Assert.Equal("need-more", Parsed.Request(line + new string('x', 60), s_small).Outcome);
        Assert.Equal("header-line-too-long", Parsed.Request(line + new string('x', 61), s_small).Outcome);
    }

    [Fact]
    public void Defaults_are_those_stated()
    {
        HeadLimits limits = HeadLimits.Default;
        Assert.Equal((32768, 8192, 16384, 100), (limits.MaxHeadBytes, limits.MaxRequestLine, limits.MaxHeaderLine, limits.MaxHeaders));
    }
}
