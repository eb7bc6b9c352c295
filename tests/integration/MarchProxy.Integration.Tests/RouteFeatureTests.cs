using System.Globalization;
using System.Text.RegularExpressions;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>Caching, compression, rules, affinity and copies by real clients over HTTP/1.1 and HTTP/2, in front of real nginx.</summary>
public sealed class RouteFeatureTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private NginxServer _origin = null!, _shadow = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _origin = await NginxServer.StartAsync();
        _shadow = await NginxServer.StartAsync();
        string port = _origin.Port.ToString(CultureInfo.InvariantCulture);
        _proxy = await Proxy.StartAsync($$"""
            services:
              - { name: origin, addresses: [127.0.0.1], ports: "{{port}}" }
              - { name: other, addresses: [127.0.0.1], ports: "{{_shadow.Port}}" }
              - { name: shadow, addresses: [127.0.0.1], ports: "{{_shadow.Port}}" }
            routes:
              - { name: cached, hosts: [cache.test], backends: [origin], cache: {}, compression: { encodings: [br, gzip, zstd] } }
              - { name: packed, hosts: [pack.test], backends: [origin], compression: { encodings: [br, gzip, zstd] } }
              - { name: guarded, hosts: [guard.test], backends: [origin], waf: { methods: [GET, POST], maxBody: 1k, contentTypes: [application/json] } }
              - { name: sticky, hosts: [stick.test], backends: [origin, other], affinity: { cookie: stick, secret: a-secret-of-many-characters } }
              - { name: copied, hosts: [copy.test], backends: [origin], mirror: { service: shadow } }
            listeners:
              - { name: web, port: 0, purpose: ingress }
              - { name: common, port: 0, purpose: ingress, accessLog: { format: combined } }
              - { name: quiet, port: 0, purpose: ingress, accessLog: { sample: 0 } }
            """, null, "--access-log", _folder["access.log"], "--access-log-format", "mine $request_method $uri?$args $status cache=$upstream_cache_status rule=$rule waf=$waf");
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _origin.DisposeAsync();
        await _shadow.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task A_stored_response_is_served_until_it_is_purged(string http)
    {
        string path = "/fresh/" + http.Length;
        string first = await GetAsync("cache.test", path, http), second = await GetAsync("cache.test", path, http);
        Assert.Contains("cache-status: marchproxy; fwd=uri-miss; fwd-status=200; stored", first, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("cache-status: marchproxy; hit; ttl=", second, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("age: ", second, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(Id(first), Id(second));
        Assert.StartsWith("HTTP/1.1 405", (await Curl.RunAsync("-X", "POST", $"http://{_proxy.Admin}/cache")).Output, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", (await Curl.RunAsync("-X", "DELETE", $"http://{_proxy.Admin}/cache")).Output, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", (await Curl.RunAsync("-X", "DELETE", $"http://{_proxy.Admin}/cache?host=")).Output, StringComparison.Ordinal);
        Assert.Contains("hots is not known", (await Curl.RunAsync("-X", "DELETE", $"http://{_proxy.Admin}/cache?hots=a")).Output, StringComparison.Ordinal);
        Assert.Contains("{\"purged\":1}", (await Curl.RunAsync("-X", "DELETE", $"http://{_proxy.Admin}/cache?host=cache.test&path={path}")).Output, StringComparison.Ordinal);
        Assert.NotEqual(Id(first), Id(await GetAsync("cache.test", path, http)));
        Assert.Contains("\"objects\":", (await Curl.RunAsync($"http://{_proxy.Admin}/cache")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_stored_over_one_http_serves_the_other()
    {
        Assert.Equal(Id(await GetAsync("cache.test", "/fresh/both", "--http1.1")), Id(await GetAsync("cache.test", "/fresh/both", "--http2-prior-knowledge")));
        string etag = Regex.Match(await GetAsync("cache.test", "/text.html", "--http1.1", "-o", "/dev/null", "-D", "-"), "ETag: (\\S+)").Groups[1].Value;
        Assert.Contains(" 304", await GetAsync("cache.test", "/text.html", "--http2-prior-knowledge", "-H", "If-None-Match: " + etag), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--http1.1", "br")]
    [InlineData("--http1.1", "gzip")]
    [InlineData("--http1.1", "zstd")]
    [InlineData("--http2-prior-knowledge", "br")]
    [InlineData("--http2-prior-knowledge", "gzip")]
    [InlineData("--http2-prior-knowledge", "zstd")]
    public async Task A_client_reads_what_was_compressed_for_it(string http, string coding)
    {
        string head = await GetAsync("pack.test", "/text.html", http, "-H", "Accept-Encoding: " + coding, "-o", "/dev/null", "-D", "-", "-w", "size=%{size_download}");
        Assert.Contains("content-encoding: " + coding, head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("vary: accept-encoding", head, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(int.Parse(Regex.Match(head, "size=([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture), 100, NginxServer.Page.Length / 4);
        string file = _folder[$"{http}-{coding}"];
        await Child.RunAsync("curl", ["-sS", "-m", "20", http, "--compressed", "-H", "Accept-Encoding: " + coding, "-H", "Host: pack.test", "-o", file, $"http://{_proxy["web"]}/text.html"]);
        Assert.Equal(NginxServer.Page, await File.ReadAllTextAsync(file));
        await Child.RunAsync("curl", ["-sS", "-m", "20", http, "-H", "Host: pack.test", "-o", file, $"http://{_proxy["web"]}/text.html"]);
        Assert.Equal(NginxServer.Page, await File.ReadAllTextAsync(file));
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task Rules_hold_for_every_http(string http)
    {
        Assert.Contains("waf-path-traversal", await GetAsync("guard.test", "/a/..%2f..%2fetc/passwd", http, "--path-as-is"), StringComparison.Ordinal);
        Assert.Contains("waf-method", await GetAsync("guard.test", "/", http, "-X", "DELETE"), StringComparison.Ordinal);
        Assert.Contains("waf-content-type", await GetAsync("guard.test", "/", http, "-d", "a=b"), StringComparison.Ordinal);
        string long2k = new('x', 2000);
        Assert.Contains("waf-body-size", await GetAsync("guard.test", "/upload", http, "-H", "Content-Type: application/json", "-d", long2k), StringComparison.Ordinal);
        Assert.Contains("waf-body-size", await GetAsync("guard.test", "/upload", http, "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "-d", long2k), StringComparison.Ordinal);
        Assert.Matches("^HTTP/[0-9.]+ 200", await GetAsync("guard.test", "/upload", http, "-H", "Content-Type: application/json", "-d", "{}"));
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task A_client_that_keeps_cookies_stays_where_it_was(string http)
    {
        string jar = _folder["jar" + http];
        await GetAsync("stick.test", "/", http, "-c", jar);
        string kept = await File.ReadAllTextAsync(jar);
        Assert.Contains("#HttpOnly_stick.test", kept.Replace(_proxy["web"].Split(':')[0], "stick.test", StringComparison.Ordinal), StringComparison.Ordinal);
        for (int i = 0; i < 4; i++) Assert.DoesNotContain("set-cookie", await GetAsync("stick.test", "/", http, "-b", jar), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("--http1.1")]
    [InlineData("--http2-prior-knowledge")]
    public async Task Copies_reach_the_mirror(string http)
    {
        for (int i = 0; i < 3; i++) Assert.Matches("^HTTP/[0-9.]+ 200", await GetAsync("copy.test", "/upload", http, "-d", "hello"));
        await Wait.UntilAsync(async () => Regex.IsMatch((await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output, "kind=\"mirror\",code=\"200\"} [1-9]"), () => _proxy.Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--h1")]
    public async Task A_crowd_costs_one_fetch_and_gets_every_answer(string http)
    {
        string path = "/fresh/crowd" + http.Length;
        string before = await MissesAsync();
        (_, string output) = await Child.RunAsync("/bin/sh", ["-c", $"h2load {http} -n 2000 -c 20 {(http.Length == 0 ? "-m 10" : "")} -H ':authority: cache.test' http://{_proxy["web"]}{path}"]);
        Assert.Contains("2000 succeeded, 0 failed, 0 errored", output, StringComparison.Ordinal);
        Assert.Contains("2000 2xx", output, StringComparison.Ordinal);
        Assert.Equal(int.Parse(before, CultureInfo.InvariantCulture) + 1, int.Parse(await MissesAsync(), CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Lines_are_written_as_each_listener_wants_them()
    {
        await GetAsync("cache.test", "/fresh/log?a=b", "--http1.1");
        await Curl.RunAsync("-H", "Host: cache.test", "-A", "agent \"quoted\"", "-e", "http://from.test/", $"http://{_proxy["common"]}/fresh/log?a=b");
        await Curl.RunAsync("-H", "Host: cache.test", $"http://{_proxy["quiet"]}/fresh/log?quiet");
        await Curl.RunAsync("-H", "Host: nowhere.test", $"http://{_proxy["quiet"]}/denied");
        string lines = "";
        await Wait.UntilAsync(() => new[] { "/denied", "mine GET /fresh/log", "127.0.0.1 - -" }.All((lines = File.ReadAllText(_folder["access.log"])).Contains), () => lines);
        Assert.Contains("mine GET /fresh/log?a=b 200 cache=miss rule=cached waf=-\n", lines, StringComparison.Ordinal);
        Assert.Matches("""127\.0\.0\.1 - - \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} \+0000\] "GET /fresh/log\?a=b HTTP/1\.1" 200 [0-9]+ "http://from\.test/" "agent \\x22quoted\\x22"\n""", lines);
        Assert.Contains("mine GET /denied?- 404", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("quiet", lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_format_that_is_none_is_refused_with_what_there_is()
    {
        (string program, string[] arguments) = Proxy.Command("run", "edge", "--file", _proxy.File, "--access-log-format", "$statsu");
        (int code, string output) = await Child.RunAsync(program, arguments);
        Assert.NotEqual(0, code);
        Assert.Contains("did you mean $status?", output, StringComparison.Ordinal);
    }

    private async Task<string> MissesAsync() => Regex.Match((await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output, "cache_requests_total\\{result=\"miss\"\\} ([0-9]+)") is { Success: true } found ? found.Groups[1].Value : "0";

    private static string Id(string answer) => Regex.Match(answer, "id=([0-9a-f]{32})") is { Success: true } found ? found.Value : throw new InvalidOperationException(answer);

    private async Task<string> GetAsync(string host, string path, params string[] arguments) =>
        (await Curl.RunAsync(["-m", "10", "-H", "Host: " + host, .. arguments, $"http://{_proxy["web"]}{path}"])).Output;
}
