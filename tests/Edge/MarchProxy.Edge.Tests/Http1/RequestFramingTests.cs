using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class RequestFramingTests
{
    [Theory]
    [InlineData("Content-Length: 0", "ok", "None", 0)]
    [InlineData("Content-Length: 5", "ok", "Length", 5)]
    [InlineData("Content-Length: 0005", "ok", "Length", 5)]
    [InlineData("Content-Length: 9223372036854775807", "ok", "Length", long.MaxValue)]
    [InlineData("Transfer-Encoding: chunked", "ok", "Chunked", -1)]
    [InlineData("transfer-encoding:\tCHUNKED ", "ok", "Chunked", -1)]
    [InlineData("Transfer-Encoding: , chunked,", "ok", "Chunked", -1)]
    [InlineData("X: y", "ok", "None", -1)]
    public void Body_is_found(string line, string outcome, string body, long length)
    {
        Parsed<RequestHead> parsed = Parsed.Fields(line);
        Assert.Equal((outcome, body, length), (parsed.Outcome, parsed.Head.Body.ToString(), parsed.Head.ContentLength));
    }

    [Theory]
    [InlineData("Content-Length: +5", "content-length")]
    [InlineData("Content-Length: -5", "content-length")]
    [InlineData("Content-Length: 0x5", "content-length")]
    [InlineData("Content-Length: 5, 5", "content-length")]
    [InlineData("Content-Length: 5 5", "content-length")]
    [InlineData("Content-Length: 5;", "content-length")]
    [InlineData("Content-Length: 5.0", "content-length")]
    [InlineData("Content-Length: \"5\"", "content-length")]
    [InlineData("Content-Length: \u00b2", "content-length")]
    [InlineData("Content-Length:", "content-length")]
    [InlineData("Content-Length: 9223372036854775808", "content-length")]
    [InlineData("Content-Length: 18446744073709551621", "content-length")]
    [InlineData("Content-Length: 00000000000000000005", "content-length")]
    [InlineData("Content-Length : 5", "space-before-colon")]
    public void Length_that_two_parsers_could_read_differently_is_refused(string line, string outcome) =>
        Assert.Equal(outcome, Parsed.Fields(line).Outcome);

    [Theory]
    [InlineData("Content-Length: 5", "Content-Length: 5", "duplicate-content-length")]
    [InlineData("Content-Length: 5", "content-length: 6", "duplicate-content-length")]
    [InlineData("Content-Length: 5", "Transfer-Encoding: chunked", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked", "Content-Length: 5", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked", "Content-Length: 0", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding: identity", "Content-Length: 5", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding:", "Content-Length: 5", "length-and-transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked", "Transfer-encoding: x", "transfer-encoding")]
    [InlineData("Transfer-Encoding: identity", "Transfer-Encoding: chunked", "transfer-coding")]
    [InlineData("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "transfer-coding")]
    public void Two_framings_are_refused(string first, string second, string outcome) =>
        Assert.Equal(outcome, Parsed.Fields(first, "X: between", second).Outcome);

    /// <summary>Spellings by which one parser of a pair was made to overlook the coding ("TE.TE", Kettle 2019 and after).</summary>
    [Theory]
    [InlineData("Transfer-Encoding : chunked", "space-before-colon")]
    [InlineData("Transfer-Encoding\t: chunked", "space-before-colon")]
    [InlineData(" Transfer-Encoding: chunked", "obs-fold")]
    [InlineData("Transfer-Encoding:\u000bchunked", "control-character")]
    [InlineData("Transfer-Encoding:\u000cchunked", "control-character")]
    [InlineData("Transfer-Encoding: chunked\0", "control-character")]
    [InlineData("Transfer-Encoding:\r chunked", "bare-cr")]
    [InlineData("Transfer-Encoding:\n chunked", "bare-lf")]
    [InlineData("Transfer-Encoding:\r\n chunked", "obs-fold")]
    [InlineData("X: y\nTransfer-Encoding: chunked", "bare-lf")]
    [InlineData("Transfer-Encoding: xchunked", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunkedx", "transfer-encoding")]
    [InlineData("Transfer-Encoding: x chunked", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked x", "transfer-encoding")]
    [InlineData("Transfer-Encoding: \"chunked\"", "transfer-encoding")]
    [InlineData("Transfer-Encoding: 'chunked'", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked;a=b", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked, identity", "transfer-encoding")]
    [InlineData("Transfer-Encoding: chunked, chunked", "transfer-encoding")]
    [InlineData("Transfer-Encoding: identity, chunked", "transfer-coding")]
    [InlineData("Transfer-Encoding: gzip, chunked", "transfer-coding")]
    [InlineData("Transfer-Encoding: gzip", "transfer-encoding")]
    [InlineData("Transfer-Encoding: identity", "transfer-encoding")]
    [InlineData("Transfer-Encoding: \u00ffchunked", "transfer-encoding")]
    [InlineData("Transfer-Encoding: ", "transfer-encoding")]
    [InlineData("Transfer-Encoding: ,", "transfer-encoding")]
    [InlineData("Transfer-Encoding", "header-name")]
    [InlineData("Transfer\u00adEncoding: chunked", "header-name")]
    public void Obfuscated_transfer_encoding_is_refused(string line, string outcome) =>
        Assert.Equal(outcome, Parsed.Fields(line).Outcome);

    [Fact]
    public void Look_alike_names_are_plain_fields()
    {
        Parsed<RequestHead> parsed = Parsed.Fields("Transfer_Encoding: chunked", "Content_Length: 5", "Transfer-Encodin: chunked");
        Assert.Equal(("ok", BodyKind.None), (parsed.Outcome, parsed.Head.Body));
        Assert.Equal(KnownHeader.Unknown, parsed.Head.Fields[1].Id);
    }

    [Fact]
    public void Http10_has_no_transfer_encoding() => Assert.Equal(
        "transfer-encoding-in-http10", Parsed.Request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").Outcome);

    [Theory]
    [InlineData("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5")]
    [InlineData("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked")]
    [InlineData("TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5")]
    public void Connect_and_trace_take_no_content(string head) =>
        Assert.Equal("unexpected-body", Parsed.Request(head + "\r\n\r\n").Outcome);

    [Theory]
    [InlineData("1.1", "", true)]
    [InlineData("1.1", "close", false)]
    [InlineData("1.1", "Keep-Alive", true)]
    [InlineData("1.1", "keep-alive, CLOSE", false)]
    [InlineData("1.0", "", false)]
    [InlineData("1.0", "Keep-Alive", true)]
    [InlineData("1.0", "x, keep-alive", true)]
    [InlineData("1.0", "keep-alive, close", false)]
    public void Persistence_follows_version_and_options(string version, string options, bool keepAlive)
    {
        string line = options.Length == 0 ? "" : $"Connection: {options}\r\n";
        Assert.Equal(keepAlive, Parsed.Request($"GET / HTTP/{version}\r\nHost: a\r\n{line}\r\n").Head.KeepAlive);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1", "Expect: 100-Continue", "ok", true)]
    [InlineData("GET / HTTP/1.0", "Expect: 100-continue", "ok", false)]
    [InlineData("GET / HTTP/1.1", "Expect: 200-ok", "expectation", false)]
    [InlineData("GET / HTTP/1.1", "Expect: 100-continue, x", "expectation", false)]
    public void Expectation_is_told(string line, string field, string outcome, bool expected)
    {
        Parsed<RequestHead> parsed = Parsed.Request($"{line}\r\nHost: a\r\n{field}\r\n\r\n");
        Assert.Equal((outcome, expected), (parsed.Outcome, parsed.Head.ExpectContinue));
    }

    [Theory]
    [InlineData("1.1", "Upgrade", "websocket", true)]
    [InlineData("1.1", "keep-alive, upgrade", "websocket", true)]
    [InlineData("1.1", "close", "websocket", false)]
    [InlineData("1.0", "upgrade", "websocket", false)]
    [InlineData("1.1", "upgrade", "", false)]
    public void Upgrade_needs_both_fields_and_http11(string version, string connection, string upgrade, bool wanted)
    {
        Parsed<RequestHead> parsed = Parsed.Request($"GET / HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\nUpgrade: {upgrade}\r\n\r\n");
        Assert.Equal((wanted, upgrade), (parsed.Head.UpgradeWanted, parsed.Text(parsed.Head.Upgrade)));
    }

    [Fact]
    public void Fields_named_by_connection_are_marked()
    {
        Parsed<RequestHead> parsed = Parsed.Fields("X-One: 1", "Connection: x-one, close", "x-two: 2", "X-ONE: 3", "Connection: X-Two", "X-Three: 4");
        string[] marked = [.. parsed.Head.Fields.ToArray().Where(f => f.Nominated).Select(f => parsed.Text(f.Name))];
        Assert.Equal(["X-One", "x-two", "X-ONE"], marked);
    }

    [Theory]
    [InlineData("Connection: Host")]
    [InlineData("Connection: close, content-length")]
    [InlineData("Connection: Transfer-Encoding")]
    [InlineData("Connection: a b")]
    [InlineData("Connection: \"close\"")]
    [InlineData("Connection: close;x")]
    public void Connection_names_no_framing_field_and_only_tokens(string line) =>
        Assert.Equal("connection-option", Parsed.Fields(line).Outcome);

    [Fact]
    public void Connection_options_are_bounded()
    {
        Assert.Equal("ok", Parsed.Fields("Connection: " + string.Join(',', Enumerable.Repeat("x", 32))).Outcome);
        Assert.Equal("connection-option", Parsed.Fields("Connection: " + string.Join(',', Enumerable.Repeat("x", 33))).Outcome);
    }

    [Fact]
    public void Reset_forgets_everything()
    {
        Parsed<RequestHead> parsed = Parsed.Request(
            "\r\nPOST http://a:8/ HTTP/1.1\r\nHost: a:8\r\nConnection: upgrade, x, close\r\nX: y\r\nUpgrade: z\r\nTE: trailers\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
        Assert.Equal("ok", parsed.Outcome);
        parsed.Head.Reset();
        byte[] next = "GET / HTTP/1.0\r\n\r\n"u8.ToArray();
        Assert.Equal(ParseStatus.Ok, HeadParser.ParseRequest(next, parsed.Head, HeadLimits.Default, out _));
        var fresh = new RequestHead();
        HeadParser.ParseRequest(next, fresh, HeadLimits.Default, out _);
        Assert.Equal(HeadDump.Of(fresh), HeadDump.Of(parsed.Head));
    }
}
