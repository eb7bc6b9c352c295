using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class ResponseHeadTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK", "ok", 200, "OK")]
    [InlineData("HTTP/1.1 200 ", "ok", 200, "")]
    [InlineData("HTTP/1.1 200", "ok", 200, "")]
    [InlineData("HTTP/1.0 404 Not  Found", "ok", 404, "Not  Found")]
    [InlineData("HTTP/1.1 599 \u00e9", "ok", 599, "\u00e9")]
    [InlineData("HTTP/1.1 099 x", "status-line", 0, "")]
    [InlineData("HTTP/1.1 600 x", "status-line", 0, "")]
    [InlineData("HTTP/1.1 20 OK", "status-line", 0, "")]
    [InlineData("HTTP/1.1 2000 OK", "status-line", 0, "")]
    [InlineData("HTTP/1.1 2x0 OK", "status-line", 0, "")]
    [InlineData("HTTP/1.1  200 OK", "status-line", 0, "")]
    [InlineData("HTTP/1.1\t200 OK", "status-line", 0, "")]
    [InlineData("HTTP/2.0 200 OK", "http-version", 0, "")]
    [InlineData("http/1.1 200 OK", "status-line", 0, "")]
    [InlineData("ICY 200 OK", "status-line", 0, "")]
    [InlineData("", "status-line", 0, "")]
    [InlineData("HTTP/1.1 200 O\0K", "control-character", 0, "")]
    public void Status_line_is_judged(string line, string outcome, int status, string reason)
    {
        Parsed<ResponseHead> parsed = Parsed.Response(line + "\r\n\r\n");
        Assert.Equal((outcome, status, reason), (parsed.Outcome, parsed.Head.Status, parsed.Text(parsed.Head.Reason)));
    }

    [Theory]
    [InlineData("Get", "200", "Content-Length: 5", "Length", true)]
    [InlineData("Get", "200", "Content-Length: 0", "None", true)]
    [InlineData("Get", "200", "Transfer-Encoding: chunked", "Chunked", true)]
    [InlineData("Get", "200", "X: y", "UntilClose", false)]
    [InlineData("Get", "200", "Connection: close", "UntilClose", false)]
    [InlineData("Head", "200", "Content-Length: 5", "None", true)]
    [InlineData("Head", "200", "Transfer-Encoding: chunked", "None", true)]
    [InlineData("Head", "200", "X: y", "None", true)]
    [InlineData("Get", "304", "Content-Length: 5", "None", true)]
    [InlineData("Get", "304", "X: y", "None", true)]
    [InlineData("Get", "204", "X: y", "None", true)]
    [InlineData("Get", "204", "Content-Length: 0", "None", true)]
    [InlineData("Get", "204", "Content-Length: 5", "None", false)]
    [InlineData("Get", "204", "Transfer-Encoding: chunked", "None", false)]
    [InlineData("Get", "100", "X: y", "None", true)]
    [InlineData("Get", "101", "Upgrade: websocket", "None", true)]
    [InlineData("Connect", "200", "Content-Length: 5", "None", true)]
    [InlineData("Connect", "403", "Content-Length: 5", "Length", true)]
    [InlineData("Get", "200", "Connection: close\r\nContent-Length: 5", "Length", false)]
    public void End_of_content_depends_on_request_and_status(string method, string status, string fields, string body, bool keepAlive)
    {
        Parsed<ResponseHead> parsed = Parsed.Response($"HTTP/1.1 {status} x\r\n{fields}\r\n\r\n", Enum.Parse<RequestMethod>(method));
        Assert.Equal(("ok", body, keepAlive), (parsed.Outcome, parsed.Head.Body.ToString(), parsed.Head.KeepAlive));
    }

    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 5", "duplicate-content-length")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding: gzip, chunked", "transfer-coding")]
    [InlineData("Transfer-Encoding: gzip", "transfer-encoding")]
    [InlineData("Content-Length: 5x", "content-length")]
    public void Upstreams_are_held_to_the_same_rules(string fields, string outcome) =>
        Assert.Equal(outcome, Parsed.Response($"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").Outcome);

    [Fact]
    public void Host_and_expect_mean_nothing_in_a_response() =>
        Assert.Equal("ok", Parsed.Response("HTTP/1.1 200 OK\r\nHost: /\r\nHost: b\r\nExpect: x\r\n\r\n").Outcome);

    [Fact]
    public void No_empty_line_is_skipped_before_a_response() =>
        Assert.Equal("status-line", Parsed.Response("\r\nHTTP/1.1 200 OK\r\n\r\n").Outcome);

    [Theory]
    [InlineData(100, true)]
    [InlineData(103, true)]
    [InlineData(101, false)]
    [InlineData(200, false)]
    public void Interim_responses_are_told(int status, bool interim) =>
        Assert.Equal(interim, Parsed.Response($"HTTP/1.1 {status} x\r\n\r\n").Head.IsInterim);
}
