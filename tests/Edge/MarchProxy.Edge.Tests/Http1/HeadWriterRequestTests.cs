using System.Net;
using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class HeadWriterRequestTests
{
    private static readonly ForwardedPolicy s_nothing = new(ForwardedHeaders.None, ReceivedForwarded.Trust);

    [Theory]
    [InlineData("GET /a?b HTTP/1.1", "GET /a?b HTTP/1.1")]
    [InlineData("\r\nGET /a?b HTTP/1.1", "GET /a?b HTTP/1.1")]
    [InlineData("GET /a HTTP/1.0", "GET /a HTTP/1.1")]
    [InlineData("X-Y http://a/b?c HTTP/1.1", "X-Y /b?c HTTP/1.1")]
    [InlineData("GET http://a HTTP/1.1", "GET / HTTP/1.1")]
    [InlineData("GET http://a?q HTTP/1.1", "GET /?q HTTP/1.1")]
    [InlineData("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1")]
    [InlineData("OPTIONS http://a HTTP/1.1", "OPTIONS * HTTP/1.1")]
    [InlineData("OPTIONS http://a?q HTTP/1.1", "OPTIONS /?q HTTP/1.1")]
    public void Request_line_becomes_origin_form(string received, string sent) =>
        Assert.Equal($"{sent}\r\nHost: a\r\n\r\n", Write($"{received}\r\nHost: a\r\n\r\n", Rewrite()));

    [Theory]
    [InlineData("/api", "", "/api", "/")]
    [InlineData("/api", "", "/api/", "/")]
    [InlineData("/api/", "", "/api/x?y", "/x?y")]
    [InlineData("/api", "", "/api?y", "/?y")]
    [InlineData("/api", "", "/apix", "/apix")]
    [InlineData("/api", "", "/other", "/other")]
    [InlineData("", "/v2", "/x", "/v2/x")]
    [InlineData("", "/v2/", "/", "/v2/")]
    [InlineData("/api", "/v2", "/api/x", "/v2/x")]
    [InlineData("/api", "/v2", "/api?q", "/v2/?q")]
    public void Prefix_is_stripped_and_added(string strip, string add, string path, string sent)
    {
        string text = Write($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", new RequestRewrite(s_nothing, HeaderChanges.None, strip, add));
        Assert.Equal($"GET {sent} HTTP/1.1\r\nHost: a\r\n\r\n", text);
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "", "Host: \r\n")]
    [InlineData("GET http://b:81/ HTTP/1.0\r\n\r\n", "", "Host: b:81\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "c:9", "Host: c:9\r\n")]
    public void Host_is_written_first_when_missing_or_replaced(string received, string host, string sent) =>
        Assert.Equal($"GET / HTTP/1.1\r\n{sent}\r\n", Write(received, new RequestRewrite(s_nothing, HeaderChanges.None, host: host)));

    [Fact]
    public void Fields_of_the_hop_are_removed_and_the_rest_stays_byte_for_byte()
    {
        string text = Write(
            "GET / HTTP/1.1\r\nHost: a\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nA:1 \r\nConnection: x-one, close\r\nX-ONE: 1\r\nb:\t2\r\n"
            + "Proxy-Authorization: Basic eDp5\r\nUpgrade: h2c\r\nTE: gzip\r\nTrailer: T\r\nC: caf\u00e9\r\n\r\n",
            Rewrite());
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nA:1 \r\nb:\t2\r\nTrailer: T\r\nC: caf\u00e9\r\n\r\n", text);
    }

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Expect: 100-continue")]
    [InlineData("Authorization: Basic eDp5")]
    public void Fields_that_frame_or_concern_the_origin_stay(string line) =>
        Assert.Equal($"POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n", Write($"POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n", Rewrite()));

    [Theory]
    [InlineData(true, "Upgrade: websocket\r\nConnection: Upgrade\r\n")]
    [InlineData(false, "")]
    public void Upgrade_passes_when_told(bool pass, string sent)
    {
        const string received = "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-One, Upgrade\r\nUpgrade: websocket\r\n\r\n";
        Assert.Equal($"GET / HTTP/1.1\r\nHost: a\r\n{sent}\r\n", Write(received, Rewrite(), pass: pass));
    }

    [Fact]
    public void Wish_for_trailers_is_passed_on_and_other_codings_are_not()
    {
        string text = Write("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n", Rewrite());
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n", text);
    }

    [Fact]
    public void Egress_tells_nothing_about_the_client()
    {
        string text = Write(
            "GET http://a/ HTTP/1.0\r\nHost: a\r\nVia: 1.0 x\r\nX-Forwarded-For: 10.1.1.1\r\nForwarded: for=10.1.1.1\r\nX-Forwarded-Host: in.house\r\n\r\n",
            new RequestRewrite(ForwardedPolicy.Egress, HeaderChanges.None));
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 x\r\nVia: 1.0 marchproxy\r\n\r\n", text);
    }

    [Fact]
    public void Ingress_tells_everything_once_and_believes_nothing()
    {
        string text = Write(
            "GET / HTTP/1.1\r\nHost: shop:8\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"
            + "X-Forwarded-For: 3.3.3.3\r\nForwarded: for=\"_x\"\r\nX: y\r\n\r\n",
            new RequestRewrite(ForwardedPolicy.Ingress, HeaderChanges.None));
        Assert.Equal(
            "GET / HTTP/1.1\r\nHost: shop:8\r\nX: y\r\nVia: 1.1 marchproxy\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9\r\n"
            + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop:8\r\nForwarded: for=\"_x\", for=10.0.0.9;host=\"shop:8\";proto=http\r\n\r\n",
            text);
    }

    [Fact]
    public void Trusted_peer_keeps_its_word_about_scheme_and_host()
    {
        var policy = new ForwardedPolicy(ForwardedHeaders.All, ReceivedForwarded.Trust);
        string text = Write(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\n\r\n",
            new RequestRewrite(policy, HeaderChanges.None),
            peer: "2001:db8::1");
        Assert.Equal(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer\r\nVia: 1.1 marchproxy\r\n"
            + "X-Forwarded-For: 2001:db8::1\r\nForwarded: for=\"[2001:db8::1]\";host=\"a\";proto=http\r\n\r\n",
            text);
    }

    [Fact]
    public void Discarded_addresses_start_a_list_of_ours()
    {
        var policy = new ForwardedPolicy(ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ReceivedForwarded.Discard);
        string text = Write("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n", new RequestRewrite(policy, HeaderChanges.None), secure: true);
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: https\r\n\r\n", text);
    }

    [Fact]
    public void Changes_replace_add_and_remove()
    {
        HeaderChanges changes = HeaderChanges.Compile(
        [
            new(HeaderAction.Set, "User-Agent", "me"),
            new(HeaderAction.Set, "X-New", "1"),
            new(HeaderAction.Add, "Accept", "b"),
            new(HeaderAction.Remove, "Cookie"),
            new(HeaderAction.Remove, "X-Gone"),
        ]);
        string text = Write(
            "GET / HTTP/1.1\r\nHost: a\r\nuser-agent: you\r\nx-new: 0\r\nAccept: a\r\nCOOKIE: c\r\nx-gone: g\r\nX-Stays: s\r\ncookie: d\r\n\r\n",
            new RequestRewrite(s_nothing, changes));
        Assert.Equal("GET / HTTP/1.1\r\nHost: a\r\nAccept: a\r\nX-Stays: s\r\nUser-Agent: me\r\nX-New: 1\r\nAccept: b\r\n\r\n", text);
    }

    [Theory]
    [InlineData("X Y", "v")]
    [InlineData("", "v")]
    [InlineData("X\u00e9", "v")]
    [InlineData("X", "v\r\nEvil: 1")]
    [InlineData("X", "\u00e9")]
    [InlineData("content-length", "5")]
    [InlineData("Host", "a")]
    [InlineData("Transfer-Encoding", "chunked")]
    public void Changes_that_would_break_a_head_do_not_compile(string name, string value) =>
        Assert.Throws<ArgumentException>(() => HeaderChanges.Compile([new(HeaderAction.Set, name, value)]));

    [Fact]
    public void Head_that_does_not_fit_writes_nothing()
    {
        Parsed<RequestHead> parsed = Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('y', 2000)}\r\n\r\n");
        var output = new OutBuffer(new byte[1024], 2048);
        Assert.False(HeadWriter.WriteRequest(output, parsed.Head, parsed.Bytes, Rewrite(), new RequestHop(null, false, false)));
        Assert.Equal(0, output.Length);
    }

    [Fact]
    public void What_is_written_for_any_accepted_request_is_accepted_again_and_means_the_same()
    {
        var samples = new Samples(7);
        var rewrite = new RequestRewrite(ForwardedPolicy.Ingress, HeaderChanges.Compile([new(HeaderAction.Set, "X-Two", "new")]));
        int accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = samples.Request();
            string text = Encoding.Latin1.GetString(bytes);
            Parsed<RequestHead> first = Parsed.Request(text);
            if (first.Status != ParseStatus.Ok || first.Head.Form == TargetForm.Authority || first.Head.Authority.IsEmpty) continue;
            accepted++;
            Parsed<RequestHead> second = Parsed.Request(Write(text, rewrite));
            Assert.Equal((text, "ok"), (text, second.Outcome));
            Assert.Equal(second.Bytes.Length, second.Consumed);
            Assert.Equal((first.Head.Body, first.Head.ContentLength), (second.Head.Body, second.Head.ContentLength));
            Assert.Equal(first.Text(first.Head.MethodName), second.Text(second.Head.MethodName));
            Assert.Equal(first.Text(first.Head.Host.Host), second.Text(second.Head.Host.Host));
            Assert.Equal(Kept(first), Kept(second));
        }

        Assert.InRange(accepted, 1000, 10_000);

        static List<string> Kept(Parsed<RequestHead> parsed) =>
        [
            .. parsed.Head.Fields.ToArray()
                .Where(f => !f.Nominated && (f.Id is KnownHeader.Unknown or KnownHeader.Cookie or KnownHeader.Accept or KnownHeader.UserAgent))
                .Select(f => $"{parsed.Text(f.Name)}: {parsed.Text(f.Value)}")
                .Where(line => !line.StartsWith("X-Two", StringComparison.Ordinal)),
        ];
    }

    private static RequestRewrite Rewrite() => new(s_nothing, HeaderChanges.None);

    private static string Write(string received, RequestRewrite rewrite, bool pass = false, bool secure = false, string peer = "10.0.0.9")
    {
        Parsed<RequestHead> parsed = Parsed.Request(received);
        Assert.Equal("ok", parsed.Outcome);
        var address = new PeerAddress();
        address.Set(IPAddress.Parse(peer));
        var output = new OutBuffer(new byte[64], 64 * 1024);
        Assert.True(HeadWriter.WriteRequest(output, parsed.Head, parsed.Bytes, rewrite, new RequestHop(address, secure, pass)));
        return Encoding.Latin1.GetString(output.Written);
    }
}
