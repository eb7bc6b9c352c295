using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class RequestLineTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1", "ok")]
    [InlineData("get / HTTP/1.1", "ok")]
    [InlineData("M-SEARCH /a?b=c&d HTTP/1.1", "ok")]
    [InlineData("OPTIONS * HTTP/1.1", "ok")]
    [InlineData("GET http://a HTTP/1.1", "ok")]
    [InlineData("GET HTTP://A/x HTTP/1.1", "ok")]
    [InlineData("GET http://a:80?q HTTP/1.1", "ok")]
    [InlineData("GET  / HTTP/1.1", "request-target")]
    [InlineData("GET /  HTTP/1.1", "request-line")]
    [InlineData("GET / HTTP/1.1 ", "request-line")]
    [InlineData(" GET / HTTP/1.1", "method")]
    [InlineData("GET\t/ HTTP/1.1", "method")]
    [InlineData("GE(T / HTTP/1.1", "method")]
    [InlineData("G\u00c9T / HTTP/1.1", "method")]
    [InlineData("GET", "request-line")]
    [InlineData("GET /", "request-line")]
    [InlineData("GET * HTTP/1.1", "method")]
    [InlineData("GET /a b HTTP/1.1", "request-line")]
    [InlineData("GET /a#b HTTP/1.1", "request-target")]
    [InlineData("GET /\u00e9 HTTP/1.1", "request-target")]
    [InlineData("GET /\tx HTTP/1.1", "request-target")]
    [InlineData("GET /\u007f HTTP/1.1", "control-character")]
    [InlineData("GET /\0 HTTP/1.1", "control-character")]
    [InlineData("GET a HTTP/1.1", "request-target")]
    [InlineData("GET a:80 HTTP/1.1", "request-target")]
    [InlineData("GET ftp://a/ HTTP/1.1", "target-scheme")]
    [InlineData("GET http:///x HTTP/1.1", "request-target")]
    [InlineData("GET http://u:p@a/ HTTP/1.1", "target-userinfo")]
    [InlineData("GET http://a%2e/ HTTP/1.1", "request-target")]
    [InlineData("GET http://a:/ HTTP/1.1", "request-target")]
    [InlineData("GET http://a\\@b/ HTTP/1.1", "target-userinfo")]
    [InlineData("GET / HTTP/2.0", "http-version")]
    [InlineData("GET / HTTP/1.2", "http-version")]
    [InlineData("GET / HTTP/0.9", "http-version")]
    [InlineData("GET / http/1.1", "request-line")]
    [InlineData("GET / HTTP/1.10", "request-line")]
    [InlineData("GET / HTTP/11", "request-line")]
    [InlineData("GET / HTTP/1,1", "request-line")]
    [InlineData("CONNECT a HTTP/1.1", "request-target")]
    [InlineData("CONNECT /a HTTP/1.1", "request-target")]
    [InlineData("CONNECT a:0 HTTP/1.1", "request-target")]
    [InlineData("CONNECT a:65536 HTTP/1.1", "request-target")]
    [InlineData("CONNECT a:080 HTTP/1.1", "request-target")]
    [InlineData("CONNECT http://a:80 HTTP/1.1", "request-target")]
    [InlineData("CONNECT a:80 HTTP/1.1", "ok")]
    [InlineData("PRI * HTTP/2.0", "http2-preface")]
    [InlineData("\u0016\u0003\u0001\u0002", "tls-on-plain-port")]
    public void Request_line_is_judged(string line, string outcome) =>
        Assert.Equal(outcome, Parsed.Request($"{line}\r\nHost: a\r\n\r\n").Outcome);

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("PATCH")]
    public void Known_methods_are_told(string method)
    {
        Parsed<RequestHead> parsed = Parsed.Request($"{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(method, parsed.Head.Method.ToString().ToUpperInvariant());
        Assert.Equal(method, parsed.Text(parsed.Head.MethodName));
    }

    [Fact]
    public void Method_names_are_case_sensitive() =>
        Assert.Equal(RequestMethod.Other, Parsed.Request("get / HTTP/1.1\r\nHost: a\r\n\r\n").Head.Method);

    [Theory]
    [InlineData("GET /a/b?c HTTP/1.1", "Origin", "a:8", "/a/b?c", "None")]
    [InlineData("GET http://a:8/b?c HTTP/1.1", "Absolute", "a:8", "/b?c", "Http")]
    [InlineData("GET https://A:8 HTTP/1.1", "Absolute", "A:8", "", "Https")]
    [InlineData("GET http://a:8?q=/ HTTP/1.1", "Absolute", "a:8", "?q=/", "Http")]
    [InlineData("CONNECT a:8 HTTP/1.1", "Authority", "a:8", "", "None")]
    [InlineData("OPTIONS * HTTP/1.1", "Asterisk", "a:8", "*", "None")]
    public void Target_is_taken_apart(string line, string form, string authority, string path, string scheme)
    {
        Parsed<RequestHead> parsed = Parsed.Request($"{line}\r\nHost: a:8\r\n\r\n");
        Assert.Equal("ok", parsed.Outcome);
        Assert.Equal(
            (form, authority, path, scheme),
            (parsed.Head.Form.ToString(), parsed.Text(parsed.Head.Authority), parsed.Text(parsed.Head.Path), parsed.Head.Scheme.ToString()));
    }

    [Fact]
    public void One_empty_line_before_the_request_is_forgiven()
    {
        Parsed<RequestHead> parsed = Parsed.Request("\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\nrest");
        Assert.Equal("ok", parsed.Outcome);
        Assert.Equal("/x", parsed.Text(parsed.Head.Path));
        Assert.Equal(2, parsed.Head.Start);
        Assert.Equal(parsed.Bytes.Length - 4, parsed.Consumed);
    }

    [Fact]
    public void Two_empty_lines_are_not() =>
        Assert.Equal("request-line", Parsed.Request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").Outcome);
}
