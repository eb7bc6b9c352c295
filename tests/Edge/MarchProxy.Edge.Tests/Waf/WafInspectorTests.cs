using System.Collections.Immutable;
using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tests.Http1;
using MarchProxy.Edge.Waf;
using MarchProxy.Model.Resources;
using Rules = MarchProxy.Model.Resources.Waf;

namespace MarchProxy.Edge.Tests.Waf;

public sealed class WafInspectorTests
{
    private static readonly WafProfile s_usual = new(new Rules());

    [Theory]
    [InlineData("/")]
    [InlineData("/a/b.c/d..e/...f/.../.hidden/x.")]
    [InlineData("/a%20b/%E2%82%AC/%F0%9F%98%80")]
    [InlineData("/group%2Fproject")]
    [InlineData("/100%25")]
    [InlineData("/100%25/x")]
    [InlineData("/a%2520b")]
    [InlineData("/matrix;x=1/y")]
    [InlineData("/a;..b")]
    [InlineData("/a?x=../../etc/passwd&y=%00")]
    public void Honest_paths_pass(string target) => Assert.Null(Inspect(s_usual, target).First);

    [Theory]
    [InlineData("/../etc/passwd")]
    [InlineData("/a/..")]
    [InlineData("/a/./b")]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/a/.%2E/b")]
    [InlineData("/a/%252e%252e/b")]
    [InlineData("/a/%2e%252e%2fb")]
    [InlineData("/a/..%2fb")]
    [InlineData("/a/..%252fb")]
    [InlineData("/a%2f..%2fb")]
    [InlineData("/a/..;/b")]
    [InlineData("/a/..;x=1/b")]
    [InlineData("/a/%2e%2e%3b/b")]
    [InlineData("/a\\..\\b")]
    [InlineData("/a%5cb")]
    [InlineData("/a%255cb")]
    [InlineData("/a%5C..%5Cb")]
    public void Every_spelling_of_a_climb_is_found(string target) => Assert.True(Inspect(s_usual, target).Has(WafRule.PathTraversal), target);

    [Theory]
    [InlineData("/a%00.png")]
    [InlineData("/a%2500")]
    [InlineData("/a%0d%0aSet-Cookie:x")]
    [InlineData("/a%7f")]
    [InlineData("/a%")]
    [InlineData("/a%2")]
    [InlineData("/a%zz")]
    [InlineData("/a%u002e")]
    [InlineData("/a%25252e")]
    [InlineData("/a%c0%ae%c0%ae/b")]
    [InlineData("/a%c0%af")]
    [InlineData("/a%e0%80%af")]
    [InlineData("/a%f0%80%80%af")]
    [InlineData("/a%ed%a0%80")]
    [InlineData("/a%f4%90%80%80")]
    [InlineData("/a%ff")]
    [InlineData("/a%e2%82")]
    [InlineData("/a%e2/b")]
    [InlineData("/a%80")]
    public void Bytes_spelled_to_deceive_are_found(string target) => Assert.True(Inspect(s_usual, target).Has(WafRule.PathEncoding), target);

    [Theory]
    [InlineData(null, "Accept: */*", "X-Custom: \u00c3\u00a9", "Cookie: a=b", "Authorization: Bearer x")]
    [InlineData("header-anomaly", "X_Forwarded_For: 1.2.3.4")]
    [InlineData("header-anomaly", "X-Original-URL: /admin")]
    [InlineData("header-anomaly", "x-rewrite-url: /admin")]
    [InlineData("header-anomaly", "Authorization: a", "authorization: b")]
    [InlineData("header-anomaly", "Content-Type: a/b", "Content-Type: c/d")]
    [InlineData("header-anomaly", "X-Latin: \u00e9")]
    [InlineData("method", "X-HTTP-Method-Override: DELETE")]
    [InlineData(null, "X-HTTP-Method-Override: GET")]
    public void Odd_fields_are_found(string? rule, params string[] lines)
    {
        var profile = new WafProfile(new Rules { Methods = ["GET"] });
        Parsed<RequestHead> request = Parsed.Fields(lines);
        WafRule? found = WafInspector.Inspect(profile, request.Head, request.Bytes).First;
        Assert.Equal(rule, found is { } one ? Rules.NameOf(one) : null);
    }

    [Theory]
    [InlineData("method", "DELETE /abcdef HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("uri-length", "GET /abcdefghijklmnopqrstuvwxyz?a HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("query-length", "GET /a?abcdefghijkl HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("header-count", "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n")]
    [InlineData("header-size", "GET / HTTP/1.1\r\nHost: a\r\nA: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n")]
    [InlineData("body-size", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 101\r\n\r\n")]
    [InlineData("content-type", "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: 10\r\n\r\n")]
    [InlineData("content-type", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")]
    [InlineData(null, "POST /abcdef?abc HTTP/1.1\r\nHost: a\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 100\r\n\r\n")]
    public void Bounds_and_lists_are_kept(string? rule, string text)
    {
        var profile = new WafProfile(new Rules { Methods = ["GET", "POST"], MaxUri = 20, MaxQuery = 10, MaxHeaders = 4, MaxHeaderBytes = 100, MaxBody = 100, ContentTypes = ["application/json"] });
        Parsed<RequestHead> request = Parsed.Request(text);
        Assert.Equal("ok", request.Outcome);
        WafRule? blocked = WafInspector.Inspect(profile, request.Head, request.Bytes).Blocked;
        Assert.Equal(rule, blocked is { } one ? Rules.NameOf(one) : null);
    }

    [Fact]
    public void Modes_hold_for_all_and_for_single_rules()
    {
        var monitor = new WafProfile(new Rules { Mode = WafMode.Monitor, Modes = ImmutableSortedDictionary<WafRule, WafMode>.Empty.Add(WafRule.PathEncoding, WafMode.Block) });
        WafVerdict climbs = Inspect(monitor, "/a/../b");
        Assert.Null(climbs.Blocked);
        Assert.Equal(WafRule.PathTraversal, climbs.First);
        Assert.Equal(WafRule.PathEncoding, Inspect(monitor, "/a/../%00").Blocked);
        var off = new WafProfile(new Rules { Mode = WafMode.Off, Modes = ImmutableSortedDictionary<WafRule, WafMode>.Empty.Add(WafRule.PathEncoding, WafMode.Block) });
        Assert.Null(Inspect(off, "/a/../%00").First);
        var some = new WafProfile(new Rules { Modes = ImmutableSortedDictionary<WafRule, WafMode>.Empty.Add(WafRule.PathTraversal, WafMode.Off) });
        Assert.Null(Inspect(some, "/a/../b").First);
    }

    [Fact]
    public void A_request_that_passes_costs_no_memory()
    {
        var profile = new WafProfile(new Rules { Methods = ["GET"], MaxUri = 2000, ContentTypes = ["application/json"] });
        Parsed<RequestHead> request = Parsed.Request("GET /a/b%20c?d=e HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: x\r\nX-Some: y\r\n\r\n");
        for (int i = 0; i < 100; i++) WafInspector.Inspect(profile, request.Head, request.Bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Assert.Null(WafInspector.Inspect(profile, request.Head, request.Bytes).First);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Against a decoder that is slow and plain: whatever the spelling, a path that a server would take for a climb is found.</summary>
    [Fact]
    public void No_spelling_gets_by_a_plain_decoder()
    {
        var random = new Random(11);
        string[] pieces = [".", "..", "/", "\\", "%2e", "%2E", "%2f", "%5c", "%252e", "%252f", "%255c", ";", "%3b", "a", "%", "%25", "2e", "%00", "%c0%ae", "%e2%82%ac", "\u00e9"];
        for (int i = 0; i < 100_000; i++)
        {
            var text = new StringBuilder("/");
            for (int n = random.Next(1, 8); n > 0; n--) text.Append(pieces[random.Next(pieces.Length)]);
            (bool climbs, bool deceives) = PathInspector.Inspect(Encoding.Latin1.GetBytes(text.ToString()));
            string once = Decode(text.ToString()), twice = Decode(once);
            if (Climbs(text.ToString()) || Climbs(once)) Assert.True(climbs || deceives, text.ToString());
            if (Climbs(twice)) Assert.True(climbs || deceives, $"{text}, decoded twice");
            if (once.Contains('\0', StringComparison.Ordinal)) Assert.True(deceives, text.ToString());
        }
    }

    private static bool Climbs(string path) => path.Contains('\\', StringComparison.Ordinal) || path.Split('/').Any(s => s.Split(';')[0] is "." or "..");

    private static string Decode(string text)
    {
        var result = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            bool escaped = text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]);
            result.Append(escaped ? (char)Convert.ToByte(text.Substring(i + 1, 2), 16) : text[i]);
            if (escaped) i += 2;
        }

        return result.ToString();
    }

    private static WafVerdict Inspect(WafProfile profile, string target)
    {
        byte[] bytes = Encoding.Latin1.GetBytes($"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        var head = new RequestHead();
        Assert.Equal(ParseStatus.Ok, HeadParser.ParseRequest(bytes, head, HeadLimits.Default, out _));
        return WafInspector.Inspect(profile, head, bytes);
    }
}
