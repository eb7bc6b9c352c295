using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tests.Http1;

namespace MarchProxy.Edge.Tests.Caching;

public sealed class PreconditionsTests
{
    private const string Stored = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Mon, 07 Nov 1994 08:49:37 GMT\r\n\r\n";

    [Theory]
    [InlineData(true, "If-None-Match: \"a\"")]
    [InlineData(true, "If-None-Match: W/\"a\"")]
    [InlineData(true, "If-None-Match: \"x\", \"a\"")]
    [InlineData(true, "If-None-Match: \"x\",\"y\"\r\nIf-None-Match: \"a\"")]
    [InlineData(true, "If-None-Match: *")]
    [InlineData(false, "If-None-Match: \"b\"")]
    [InlineData(false, "If-None-Match: a")]
    [InlineData(false, "If-None-Match: \"b\"\r\nIf-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT")]
    [InlineData(true, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData(false, "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT")]
    [InlineData(false, "If-Modified-Since: yesterday")]
    [InlineData(false, "X-None: said")]
    public void A_client_that_has_it_is_told_so(bool has, string fields)
    {
        Parsed<RequestHead> request = Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        Parsed<ResponseHead> stored = Parsed.Response(Stored);
        Assert.Equal(has, Preconditions.NotModified(request.Head, request.Bytes, stored.Head, stored.Bytes, 0));
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=0-99", 0, 10)]
    [InlineData("bytes=3-", 3, 7)]
    [InlineData("bytes=-4", 6, 4)]
    [InlineData("bytes=-40", 0, 10)]
    [InlineData("Bytes=2-5", 2, 4)]
    public void One_range_is_read(string value, long start, long count)
    {
        Assert.True(Preconditions.TryRange(Encoding.ASCII.GetBytes(value), 10, out long from, out long many, out bool not));
        Assert.Equal((start, count, false), (from, many, not));
    }

    [Theory]
    [InlineData("bytes=10-")]
    [InlineData("bytes=11-12")]
    [InlineData("bytes=-0")]
    public void A_range_behind_the_end_cannot_be_served(string value) =>
        Assert.True(Preconditions.TryRange(Encoding.ASCII.GetBytes(value), 10, out _, out _, out bool not) && not);

    [Theory]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("bytes=5-3")]
    [InlineData("bytes=-")]
    [InlineData("items=0-1")]
    [InlineData("bytes=a-b")]
    public void What_is_no_single_range_is_passed_over(string value) => Assert.False(Preconditions.TryRange(Encoding.ASCII.GetBytes(value), 10, out _, out _, out _));

    [Theory]
    [InlineData(true, "If-Range: \"a\"")]
    [InlineData(true, "If-Range: Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData(false, "If-Range: W/\"a\"")]
    [InlineData(false, "If-Range: \"b\"")]
    [InlineData(false, "If-Range: Sun, 06 Nov 1994 08:49:38 GMT")]
    public void A_range_of_what_has_changed_is_the_whole(bool range, string fields)
    {
        Parsed<RequestHead> request = Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n{fields}\r\n\r\n");
        Parsed<ResponseHead> stored = Parsed.Response(Stored);
        Assert.Equal(range, Preconditions.TryRange(request.Head, request.Bytes, stored.Head, stored.Bytes, 10, out _, out _, out _));
    }

    [Fact]
    public void A_confirmation_renews_what_it_names_and_leaves_the_content_alone()
    {
        Parsed<ResponseHead> stored = Parsed.Response("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nX-A: 2\r\nX-B: 3\r\nCache-Control: max-age=5\r\nContent-Length: 9\r\n\r\n");
        Parsed<ResponseHead> told = Parsed.Response("HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\nContent-Length: 0\r\nx-a: 4\r\nCache-Control: max-age=50\r\nConnection: X-Hop\r\nX-Hop: 1\r\nSet-Cookie: s=1\r\n\r\n");
        string renewed = Encoding.ASCII.GetString(StoredHead.Renew(stored.Head, stored.Bytes, told.Head, told.Bytes));
        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-B: 3\r\nContent-Length: 9\r\nx-a: 4\r\nCache-Control: max-age=50\r\n\r\n", renewed);
    }
}
