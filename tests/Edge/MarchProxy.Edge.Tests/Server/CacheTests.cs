using System.Globalization;
using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>The cache in front of an origin that counts what it is asked. Times are the wall clock's, so that nothing here depends on less than a minute or more than an instant.</summary>
public sealed class CacheTests
{
    private int _asked;
    private string _lastHead = "";

    [Fact]
    public async Task What_is_fresh_is_served_without_asking_with_its_age_and_status()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=60"));
        await using EdgeRig rig = await StartAsync(origin);
        string first = await GetAsync(rig), second = await GetAsync(rig);
        Assert.Contains("Cache-Status: marchproxy; fwd=uri-miss; fwd-status=200; stored\r\n", first, StringComparison.Ordinal);
        Assert.DoesNotContain("Age:", first, StringComparison.Ordinal);
        Assert.Contains("Cache-Status: marchproxy; hit; ttl=", second, StringComparison.Ordinal);
        Assert.Contains("\r\nAge: 0\r\n", second, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nbody 1", second, StringComparison.Ordinal);
        Assert.Equal(1, _asked);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Any(l => l.Contains("\"cache\":\"hit\"", StringComparison.Ordinal)));
        Assert.Contains("marchproxy_cache_requests_total{result=\"hit\"} 1", rig.Metrics(), StringComparison.Ordinal);
        Assert.DoesNotContain("body", await GetAsync(rig, method: "HEAD"), StringComparison.Ordinal);
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task What_must_not_be_kept_is_asked_for_each_time()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: no-store"));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        Assert.Contains("fwd=uri-miss; fwd-status=200\r\n", await GetAsync(rig), StringComparison.Ordinal);
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_client_that_has_it_gets_304_and_one_that_wants_a_part_gets_it()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=60", "ETag: \"v1\""));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        string has = await GetAsync(rig, "If-None-Match: \"v1\"");
        Assert.StartsWith("HTTP/1.1 304 ", has, StringComparison.Ordinal);
        Assert.Contains("ETag: \"v1\"", has, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", has, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await GetAsync(rig, "If-None-Match: \"v2\""), StringComparison.Ordinal);
        string part = await GetAsync(rig, "Range: bytes=2-3");
        Assert.StartsWith("HTTP/1.1 206 ", part, StringComparison.Ordinal);
        Assert.Contains("Content-Range: bytes 2-3/6\r\nContent-Length: 2\r\n".Split("\r\n")[0], part, StringComparison.Ordinal);
        Assert.Contains("Content-Length: 2\r\n", part, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\ndy", part, StringComparison.Ordinal);
        string beyond = await GetAsync(rig, "Range: bytes=9-");
        Assert.StartsWith("HTTP/1.1 416 ", beyond, StringComparison.Ordinal);
        Assert.Contains("Content-Range: bytes */6\r\n", beyond, StringComparison.Ordinal);
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task A_stale_response_is_confirmed_by_its_validators_and_renewed()
    {
        using ScriptedOrigin origin = Origin(head => head.Contains("If-None-Match: \"v1\"", StringComparison.Ordinal)
            ? "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\nX-New: yes\r\n\r\n"
            : Answer("Cache-Control: max-age=0", "ETag: \"v1\""));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        string confirmed = await GetAsync(rig);
        Assert.Contains("fwd=stale; fwd-status=304", confirmed, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", confirmed, StringComparison.Ordinal);
        Assert.Contains("X-New: yes", confirmed, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nbody 1", confirmed, StringComparison.Ordinal);
        Assert.Contains("; hit; ttl=", await GetAsync(rig), StringComparison.Ordinal);
        Assert.Equal(2, _asked);

        // A client's own conditions are judged by us, not sent on.
        Assert.Contains("; hit", await GetAsync(rig, "If-None-Match: \"v1\""), StringComparison.Ordinal);
        await GetAsync(rig, "Cache-Control: no-cache", "If-None-Match: \"mine\"");
        Assert.Contains("If-None-Match: \"v1\"", _lastHead, StringComparison.Ordinal);
        Assert.DoesNotContain("mine", _lastHead, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variants_are_kept_apart()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=60", "Vary: Accept-Language"));
        await using EdgeRig rig = await StartAsync(origin);
        Assert.EndsWith("body 1", await GetAsync(rig, "Accept-Language: de"), StringComparison.Ordinal);
        Assert.EndsWith("body 2", await GetAsync(rig, "Accept-Language: en"), StringComparison.Ordinal);
        Assert.EndsWith("body 1", await GetAsync(rig, "Accept-Language: de"), StringComparison.Ordinal);
        Assert.EndsWith("body 2", await GetAsync(rig, "Accept-Language: en"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_who_ask_at_once_cost_one_request()
    {
        var gate = new TaskCompletionSource();
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
            {
                Interlocked.Increment(ref _asked);
                await gate.Task;
                await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer("Cache-Control: max-age=60")));
            }
        });
        await using EdgeRig rig = await StartAsync(origin);
        Task<string>[] all = [.. Enumerable.Range(0, 50).Select(_ => GetAsync(rig))];
        await MarchProxy.Tests.Eventually.HoldsAsync(() => Volatile.Read(ref _asked) == 1);
        gate.SetResult();
        Assert.All(await Task.WhenAll(all), a => Assert.EndsWith("body 1", a, StringComparison.Ordinal));
        Assert.Equal(1, _asked);
    }

    [Fact]
    public async Task What_turns_out_not_to_be_kept_holds_nobody_up()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: private"));
        await using EdgeRig rig = await StartAsync(origin);
        string[] all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => GetAsync(rig)));
        Assert.Equal(20, _asked);
        Assert.Equal(20, all.Select(a => a[^7..]).Distinct().Count());
    }

    [Fact]
    public async Task A_stale_response_is_served_while_a_new_one_is_fetched()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=" + (_asked == 1 ? "0" : "60") + ", stale-while-revalidate=60"));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        string stale = await GetAsync(rig);
        Assert.EndsWith("body 1", stale, StringComparison.Ordinal);
        Assert.Contains("; hit; ttl=-", stale.Replace("ttl=0", "ttl=-0", StringComparison.Ordinal), StringComparison.Ordinal);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => Volatile.Read(ref _asked) == 2);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => GetAsync(rig).GetAwaiter().GetResult().EndsWith("body 2", StringComparison.Ordinal));
        Assert.Equal(2, _asked);
        Assert.Contains("kind=\"refresh\",code=\"200\"} 1", rig.Metrics(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("")]
    public async Task An_error_is_covered_by_what_is_kept_where_that_is_allowed(string failure)
    {
        using ScriptedOrigin origin = Origin(_ => _asked == 1 ? Answer("Cache-Control: max-age=0, stale-if-error=60") : failure);
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        string covered = await GetAsync(rig);
        Assert.StartsWith("HTTP/1.1 200 ", covered, StringComparison.Ordinal);
        Assert.EndsWith("body 1", covered, StringComparison.Ordinal);
        Assert.Contains("Cache-Status: marchproxy; fwd=stale", covered, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_origin_that_is_gone_is_covered_too()
    {
        ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=0, stale-if-error=60", "Connection: close"), close: true);
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        origin.Dispose();
        Assert.EndsWith("body 1", await GetAsync(rig), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unsafe_method_that_succeeds_throws_out_what_it_changed()
    {
        using ScriptedOrigin origin = Origin(head => head.StartsWith("POST", StringComparison.Ordinal)
            ? "HTTP/1.1 201 Created\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
            : head.StartsWith("DELETE", StringComparison.Ordinal) ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" : Answer("Cache-Control: max-age=60"));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        await GetAsync(rig, path: "/other");
        await GetAsync(rig, path: "/third");
        await GetAsync(rig, method: "DELETE");
        Assert.EndsWith("body 1", await GetAsync(rig), StringComparison.Ordinal);
        await GetAsync(rig, method: "POST");
        Assert.Contains("uri-miss", await GetAsync(rig), StringComparison.Ordinal);
        Assert.Contains("uri-miss", await GetAsync(rig, path: "/other"), StringComparison.Ordinal);
        Assert.Contains("; hit", await GetAsync(rig, path: "/third"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_if_cached_asks_nobody()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=60"));
        await using EdgeRig rig = await StartAsync(origin);
        Assert.StartsWith("HTTP/1.1 504 ", await GetAsync(rig, "Cache-Control: only-if-cached"), StringComparison.Ordinal);
        Assert.Equal(0, _asked);
        await GetAsync(rig);
        Assert.StartsWith("HTTP/1.1 200 ", await GetAsync(rig, "Cache-Control: only-if-cached"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", "abcdefg")]
    [InlineData("Content-Length: 0\r\n\r\n", "")]
    public async Task Content_is_kept_whatever_its_framing(string rest, string content)
    {
        using ScriptedOrigin origin = Origin(_ => "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n" + rest);
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        string hit = await GetAsync(rig);
        Assert.Contains("; hit", hit, StringComparison.Ordinal);
        Assert.Contains($"Content-Length: {content.Length}\r\n", hit, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + content, hit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_cut_is_not_kept()
    {
        using ScriptedOrigin origin = Origin(_ => "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nshort", close: true);
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        await GetAsync(rig);
        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_purge_takes_it_out()
    {
        using ScriptedOrigin origin = Origin(_ => Answer("Cache-Control: max-age=60"));
        await using EdgeRig rig = await StartAsync(origin);
        await GetAsync(rig);
        Assert.Equal(0, rig.Server.PurgeCache("other", "", "", false));
        Assert.Equal(1, rig.Server.PurgeCache("all", "A.test", "/", true));
        Assert.EndsWith("body 2", await GetAsync(rig), StringComparison.Ordinal);
    }

    private ScriptedOrigin Origin(Func<string, string> answer, bool close = false) => new(async (stream, _) =>
    {
        while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
        {
            Interlocked.Increment(ref _asked);
            _lastHead = head;
            string text = answer(head);
            if (text.Length == 0) return;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head.StartsWith("HEAD", StringComparison.Ordinal) ? text[..(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)] : text));
            if (close) return;
        }
    });

    private string Answer(params string[] lines)
    {
        string body = string.Create(CultureInfo.InvariantCulture, $"body {_asked}");
        return $"HTTP/1.1 200 OK\r\n{string.Concat(lines.Select(l => l + "\r\n"))}Content-Length: {body.Length}\r\n\r\n{body}";
    }

    private static Task<EdgeRig> StartAsync(ScriptedOrigin origin) => EdgeRig.StartAsync($$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin.Port}}" }
        routes:
          - { name: all, backends: [origin], cache: {} }
        listeners:
          - { name: web, port: 0, purpose: ingress }
        """);

    private static Task<string> GetAsync(EdgeRig rig, params string[] fields) => GetAsync(rig, "GET", "/", fields);

    private static Task<string> GetAsync(EdgeRig rig, string method = "GET", string path = "/", params string[] fields) =>
        EdgeRig.AskAsync(rig.Web, $"{method} {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{(method == "POST" ? "Content-Length: 0\r\n" : "")}{string.Concat(fields.Select(f => f + "\r\n"))}\r\n");
}
