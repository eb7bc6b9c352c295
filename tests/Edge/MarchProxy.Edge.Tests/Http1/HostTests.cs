using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class HostTests
{
    [Theory]
    [InlineData("a", "ok")]
    [InlineData("a.b-c_d.example", "ok")]
    [InlineData("10.0.0.1:8080", "ok")]
    [InlineData("[::1]", "ok")]
    [InlineData("[2001:db8::1]:443", "ok")]
    [InlineData("[::ffff:10.0.0.1]", "ok")]
    [InlineData("", "host")]
    [InlineData("a:", "host")]
    [InlineData("a:0", "host")]
    [InlineData("a:65536", "host")]
    [InlineData("a:99999", "host")]
    [InlineData("a:x", "host")]
    [InlineData("a:-1", "host")]
    [InlineData("a:080", "host")]
    [InlineData(":80", "host")]
    [InlineData("a b", "host")]
    [InlineData("a,b", "host")]
    [InlineData("a/b", "host")]
    [InlineData("a@b", "host")]
    [InlineData("a%62", "host")]
    [InlineData("a\u00e9", "host")]
    [InlineData("::1", "host")]
    [InlineData("[::1", "host")]
    [InlineData("[]", "host")]
    [InlineData("[::1]x", "host")]
    [InlineData("[fe80::1%25eth0]", "host")]
    [InlineData("[v1.x]", "host")]
    public void Host_field_is_judged(string host, string outcome) =>
        Assert.Equal(outcome, Parsed.Request($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").Outcome);

    [Theory]
    [InlineData("a.b:81", "a.b", 81, false)]
    [InlineData("a", "a", 0, false)]
    [InlineData("[::1]:65535", "::1", 65535, true)]
    public void Host_is_taken_apart(string host, string name, int port, bool ipv6)
    {
        Parsed<RequestHead> parsed = Parsed.Request($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        HostPort found = parsed.Head.Host;
        Assert.Equal((name, port, ipv6), (parsed.Text(found.Host), found.Port, found.IsIPv6));
        Assert.Equal(host, parsed.Text(parsed.Head.Authority));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "host-missing")]
    [InlineData("GET http://a/ HTTP/1.1\r\n\r\n", "host-missing")]
    [InlineData("CONNECT a:80 HTTP/1.1\r\n\r\n", "host-missing")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "ok")]
    [InlineData("GET http://a/ HTTP/1.0\r\n\r\n", "ok")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "duplicate-host")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", "duplicate-host")]
    [InlineData("GET / HTTP/1.0\r\nHost: a/\r\n\r\n", "host")]
    public void Host_is_there_once(string text, string outcome) => Assert.Equal(outcome, Parsed.Request(text).Outcome);

    [Theory]
    [InlineData("GET http://a/", "a", "ok")]
    [InlineData("GET http://a/", "A", "ok")]
    [InlineData("GET http://a/", "a:80", "ok")]
    [InlineData("GET http://a:80/", "a", "ok")]
    [InlineData("GET https://a/", "a:443", "ok")]
    [InlineData("GET https://a/", "a:80", "host-mismatch")]
    [InlineData("GET http://a:81/", "a", "host-mismatch")]
    [InlineData("GET http://a/", "b", "host-mismatch")]
    [InlineData("GET http://a/", "a.", "host-mismatch")]
    [InlineData("GET http://[::1]/", "[::1]:80", "ok")]
    [InlineData("CONNECT a:443", "a:443", "ok")]
    [InlineData("CONNECT a:443", "a", "ok")]
    [InlineData("CONNECT a:443", "a:80", "host-mismatch")]
    [InlineData("CONNECT a:443", "b:443", "host-mismatch")]
    [InlineData("CONNECT a:443", "", "host")]
    public void Host_and_target_agree(string line, string host, string outcome) =>
        Assert.Equal(outcome, Parsed.Request($"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n").Outcome);
}
