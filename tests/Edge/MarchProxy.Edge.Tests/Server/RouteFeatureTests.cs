using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>What routes do beside passing on, through the whole edge.</summary>
public sealed class RouteFeatureTests
{
    private const string Listeners = "listeners:\n  - { name: web, port: 0, purpose: ingress }\n";

    [Fact]
    public async Task A_response_is_compressed_and_says_so()
    {
        string content = string.Concat(Enumerable.Repeat("the quick brown fox ", 500));
        using ScriptedOrigin origin = ScriptedOrigin.Always($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"v\"\r\nAccept-Ranges: bytes\r\nContent-Length: {content.Length}\r\n\r\n{content}", close: false);
        await using EdgeRig rig = await StartAsync(origin, "compression: { encodings: [gzip] }");
        string answer = await GetAsync(rig, "Accept-Encoding: gzip");
        string head = Head(answer);
        Assert.Contains("Content-Encoding: gzip\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Vary: Accept-Encoding\r\n", head, StringComparison.Ordinal);
        Assert.Contains("ETag: W/\"v\"\r\n", head, StringComparison.Ordinal);
        Assert.Contains("Transfer-Encoding: chunked\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Content-Length", head, StringComparison.Ordinal);
        Assert.DoesNotContain("bytes", head, StringComparison.Ordinal);
        Assert.Equal(content, Gunzip(Dechunk(Body(answer))));
        string plain = await GetAsync(rig);
        Assert.DoesNotContain("Content-Encoding", plain, StringComparison.Ordinal);
        Assert.Contains("Vary: Accept-Encoding\r\n", plain, StringComparison.Ordinal);
        Assert.Contains("ETag: \"v\"\r\n", plain, StringComparison.Ordinal);
        Assert.EndsWith(content, plain, StringComparison.Ordinal);
        Assert.Contains("marchproxy_compressed_responses_total{coding=\"gzip\"} 1", rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_reaches_the_client_before_the_next_is_there()
    {
        var next = new TaskCompletionSource();
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            await ScriptedOrigin.ReadHeadAsync(stream);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n"u8.ToArray());
            await next.Task;
            await stream.WriteAsync("7\r\nsecond\n\r\n0\r\n\r\n"u8.ToArray());
        });
        await using EdgeRig rig = await StartAsync(origin, "compression: { encodings: [gzip] }");
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{rig.Web}/");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress));
        Assert.Equal("first", await reader.ReadLineAsync());
        next.SetResult();
        Assert.Equal("second", await reader.ReadLineAsync());
        Assert.Null(await reader.ReadLineAsync());
    }

    [Fact]
    public async Task What_is_kept_is_compressed_for_who_takes_it()
    {
        string content = new('a', 5000);
        int asked = 0;
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
            {
                asked++;
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Type: text/css\r\nContent-Length: 5000\r\n\r\n{content}"));
            }
        });
        await using EdgeRig rig = await StartAsync(origin, "cache: {}, compression: { encodings: [gzip] }");
        Assert.EndsWith(content, await GetAsync(rig), StringComparison.Ordinal);
        string hit = await GetAsync(rig, "Accept-Encoding: gzip");
        Assert.Contains("; hit", hit, StringComparison.Ordinal);
        Assert.Equal(content, Gunzip(Dechunk(Body(hit))));
        Assert.StartsWith("HTTP/1.1 206 ", await GetAsync(rig, "Accept-Encoding: gzip", "Range: bytes=0-9"), StringComparison.Ordinal);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Rules_refuse_or_only_tell()
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close: false);
        await using EdgeRig rig = await StartAsync(origin, "waf: { methods: [GET, POST], maxBody: 10, rules: { header-anomaly: monitor } }");
        string refused = await AskAsync(rig, "GET /a/%2e%2e/b HTTP/1.1");
        Assert.StartsWith("HTTP/1.1 403 ", refused, StringComparison.Ordinal);
        Assert.Contains("X-MarchProxy-Reason: waf-path-traversal\r\n", refused, StringComparison.Ordinal);
        string method = await AskAsync(rig, "DELETE / HTTP/1.1");
        Assert.StartsWith("HTTP/1.1 405 ", method, StringComparison.Ordinal);
        Assert.Contains("Allow: GET, POST\r\n", method, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(rig, "GET / HTTP/1.1", "X_Odd: 1"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => rig.Lines.Any(l => l.Contains("\"waf\":\"header-anomaly\"", StringComparison.Ordinal)));
        string metrics = rig.Metrics();
        Assert.Contains("marchproxy_waf_matches_total{rule=\"path-traversal\",action=\"blocked\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("marchproxy_waf_matches_total{rule=\"header-anomaly\",action=\"monitored\"} 1", metrics, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413 ", await AskAsync(rig, "POST / HTTP/1.1", "Content-Length: 11"), StringComparison.Ordinal);
        string chunked = await EdgeRig.AskAsync(rig.Web, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nghijkl\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", chunked, StringComparison.Ordinal);
        Assert.Contains("waf-body-size", chunked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_reaches_the_mirror_with_its_content_and_costs_the_client_nothing()
    {
        var copies = new ConcurrentQueue<string>();
        using var mirror = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
            {
                var content = new byte[head.Contains("Content-Length: 5", StringComparison.Ordinal) ? 5 : 0];
                await stream.ReadExactlyAsync(content);
                copies.Enqueue(head + Encoding.ASCII.GetString(content));

                // It answers with an error, and never ends.
                await stream.WriteAsync("HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\nx"u8.ToArray());
                await Task.Delay(Timeout.Infinite);
            }
        });
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
            {
                if (head.StartsWith("POST", StringComparison.Ordinal)) await stream.ReadExactlyAsync(new byte[head.Contains("Length: 5\r", StringComparison.Ordinal) ? 5 : 20]);
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
            }
        });
        await using EdgeRig rig = await EdgeRig.StartAsync($$"""
            services:
              - { name: origin, addresses: [127.0.0.1], ports: "{{origin.Port}}" }
              - { name: shadow, addresses: [127.0.0.1], ports: "{{mirror.Port}}" }
            routes:
              - { name: all, backends: [origin], mirror: { service: shadow, maxBody: 10 } }
            {{Listeners}}
            """);
        Assert.EndsWith("ok", await GetAsync(rig, "X-Token: t"), StringComparison.Ordinal);
        Assert.EndsWith("ok", await EdgeRig.AskAsync(rig.Web, "POST /p HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"), StringComparison.Ordinal);
        Assert.EndsWith("ok", await EdgeRig.AskAsync(rig.Web, "POST /long HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 20\r\n\r\n" + new string('x', 20)), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => copies.Count == 2, () => string.Join('\n', copies));
        Assert.Contains(copies, c => c.StartsWith("GET / HTTP/1.1\r\n", StringComparison.Ordinal) && c.Contains("X-Token: t\r\n", StringComparison.Ordinal) && c.Contains("X-Forwarded-For: 127.0.0.1\r\n", StringComparison.Ordinal));
        Assert.Contains(copies, c => c.StartsWith("POST /p HTTP/1.1\r\n", StringComparison.Ordinal) && c.EndsWith("hello", StringComparison.Ordinal));
        Assert.Contains("marchproxy_mirror_requests_total{result=\"sent\"} 2", rig.Metrics(), StringComparison.Ordinal);
        Assert.Contains("marchproxy_mirror_requests_total{result=\"dropped\"} 1", rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_stays_with_its_address_until_that_is_gone()
    {
        ScriptedOrigin[] origins = [Named("one"), Named("two")];
        string Yaml(int first) => $$"""
            services:
              - { name: one, addresses: [127.0.0.1], ports: "{{origins[0].Port}}", outlier: { failures: 1, maxEjectedPercent: 100 } }
              - { name: two, addresses: [127.0.0.1], ports: "{{origins[1].Port}}", outlier: { failures: 1, maxEjectedPercent: 100 } }
            routes:
              - { name: all, priority: {{first}}, backends: [one, two], affinity: { cookie: stick, ttl: 1h, secret: a-secret-of-many-characters } }
              - { name: field, paths: [/field], backends: [one, two], affinity: { header: X-Stick, secret: a-secret-of-many-characters } }
            {{Listeners}}
            """;
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml(100));
        string first = await GetAsync(rig);
        string cookie = first.Split("Set-Cookie: ")[1].Split("\r\n")[0];
        Assert.Matches("^stick=[A-Za-z0-9_-]{16}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax$", cookie);
        string mark = cookie.Split(';')[0], who = first[^3..];
        for (int i = 0; i < 10; i++)
        {
            string again = await GetAsync(rig, "Cookie: a=b; " + mark);
            Assert.EndsWith(who, again, StringComparison.Ordinal);
            Assert.DoesNotContain("Set-Cookie", again, StringComparison.Ordinal);
        }

        // A mark says the same under another configuration; one that nobody made is as none.
        await rig.ApplyAsync(Yaml(101));
        for (int i = 0; i < 4; i++) Assert.EndsWith(who, await GetAsync(rig, "Cookie: " + mark), StringComparison.Ordinal);
        Assert.Contains("Set-Cookie: stick=", await GetAsync(rig, "Cookie: stick=AAAAAAAAAAAAAAAA"), StringComparison.Ordinal);
        string told = await AskAsync(rig, "GET /field HTTP/1.1");
        string field = told.Split("X-Stick: ")[1].Split("\r\n")[0];
        for (int i = 0; i < 6; i++) Assert.EndsWith(told[^3..], await AskAsync(rig, "GET /field HTTP/1.1", "X-Stick: " + field), StringComparison.Ordinal);

        // Its address is gone: another takes over, and is the client's from then on.
        origins[who == "one" ? 0 : 1].Dispose();
        string moved = "";
        for (int i = 0; i < 3 && !moved.Contains("Set-Cookie", StringComparison.Ordinal); i++) moved = await GetAsync(rig, "Cookie: " + mark);
        Assert.EndsWith(who == "one" ? "two" : "one", moved, StringComparison.Ordinal);
        Assert.Contains("Set-Cookie: stick=", moved, StringComparison.Ordinal);
        foreach (ScriptedOrigin origin in origins) origin.Dispose();
    }

    [Fact]
    public async Task Limits_are_told_on_answers_that_pass()
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close: false);
        await using EdgeRig rig = await StartAsync(origin, "rateLimit: { requestsPerSecond: 1, burst: 5, key: authorization, headers: true }");
        string first = await GetAsync(rig, "Authorization: Bearer a");
        Assert.Contains("RateLimit-Policy: \"route\";q=1;w=1\r\n", first, StringComparison.Ordinal);
        Assert.Contains("RateLimit: \"route\";r=4;t=1\r\n", first, StringComparison.Ordinal);
        Assert.Contains(";r=3;t=2\r\n", await GetAsync(rig, "Authorization: Bearer a"), StringComparison.Ordinal);
        Assert.Contains(";r=4;t=1\r\n", await GetAsync(rig, "Authorization: Bearer b"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cookie_can_be_what_a_limit_counts()
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close: false);
        await using EdgeRig rig = await StartAsync(origin, "rateLimit: { requestsPerSecond: 1, burst: 1, key: \"cookie:u\" }");
        Assert.StartsWith("HTTP/1.1 200", await GetAsync(rig, "Cookie: x=1; u=ann"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 429", await GetAsync(rig, "Cookie: u=ann"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await GetAsync(rig, "Cookie: u=bob"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("path: /fixed", "/a/b?c=d", "/fixed?c=d")]
    [InlineData("regex: \"^/old/([0-9]+)$\", with: \"/new/item-$1\"", "/old/42?c=d", "/new/item-42?c=d")]
    [InlineData("regex: \"^/old/([0-9]+)$\", with: \"/new/item-$1\"", "/other", "/other")]
    [InlineData("regex: \"^/a\", with: \"b\"", "/a/a", "/b/a")]
    [InlineData("host: \"inner.test:81\"", "/x", "/x")]
    public async Task A_backend_is_asked_for_what_the_route_makes_of_it(string rewrite, string asked, string sent)
    {
        string head = "";
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            head = (await ScriptedOrigin.ReadHeadAsync(stream))!;
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
        });
        await using EdgeRig rig = await StartAsync(origin, $"rewrite: {{ {rewrite} }}");
        await AskAsync(rig, $"GET {asked} HTTP/1.1");
        Assert.StartsWith($"GET {sent} HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains(rewrite.StartsWith("host", StringComparison.Ordinal) ? "Host: inner.test:81\r\n" : "Host: a.test\r\n", head, StringComparison.Ordinal);
    }

    private static ScriptedOrigin Named(string name) => ScriptedOrigin.Always($"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{name}", close: true);

    private static Task<EdgeRig> StartAsync(ScriptedOrigin origin, string feature) => EdgeRig.StartAsync($$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin.Port}}" }
        routes:
          - { name: all, backends: [origin], {{feature}} }
        {{Listeners}}
        """);

    private static Task<string> GetAsync(EdgeRig rig, params string[] fields) => AskAsync(rig, "GET / HTTP/1.1", fields);

    private static Task<string> AskAsync(EdgeRig rig, string line, params string[] fields) =>
        EdgeRig.AskAsync(rig.Web, $"{line}\r\nHost: a.test\r\nConnection: close\r\n{string.Concat(fields.Select(f => f + "\r\n"))}\r\n");

    private static string Head(string answer) => answer[..(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 2)];

    private static string Body(string answer) => answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];

    private static byte[] Dechunk(string text)
    {
        var result = new MemoryStream();
        while (true)
        {
            int end = text.IndexOf("\r\n", StringComparison.Ordinal), size = Convert.ToInt32(text[..end], 16);
            if (size == 0) return result.ToArray();
            result.Write(Encoding.Latin1.GetBytes(text.Substring(end + 2, size)));
            text = text[(end + 4 + size)..];
        }
    }

    private static string Gunzip(byte[] bytes)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress));
        return reader.ReadToEnd();
    }
}
