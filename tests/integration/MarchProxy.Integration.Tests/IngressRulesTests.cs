using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>Ingress in front of several real nginx: conditions, redirects, limits, health, and what happens when one dies.</summary>
public sealed class IngressRulesTests : IAsyncLifetime
{
    private readonly List<NginxServer> _origins = [];
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        for (int i = 0; i < 3; i++) _origins.Add(await NginxServer.StartAsync());
        _proxy = await Proxy.StartAsync($$"""
            services:
              - { name: one, addresses: [127.0.0.1], ports: "{{Port(0)}}" }
              - { name: two, addresses: [127.0.0.1], ports: "{{Port(1)}}", health: { type: http, path: /, interval: 100ms, timeout: 1s, unhealthyThreshold: 2 } }
              - { name: sick, addresses: [127.0.0.1], ports: "{{Port(2)}}", health: { type: http, path: /cut, interval: 100ms } }
              - { name: many, addresses: [127.0.0.1, 127.0.0.2, 127.0.0.3], ports: "{{Port(0)}}", outlier: { failures: 2, maxEjectedPercent: 100 } }
            routes:
              - { name: plain, hosts: [a.test], backends: [one] }
              - { name: canary, hosts: [a.test], headers: { X-Canary: "1" }, backends: [two], addPrefix: /canary }
              - { name: beta, hosts: [a.test], query: { beta: { present: true } }, backends: [two], addPrefix: /beta }
              - { name: mobile, hosts: [a.test], headers: { User-Agent: { regex: "(?i)mobile" }, X-No: { present: false } }, backends: [two], addPrefix: /mobile }
              - { name: to-https, hosts: [old.test], redirect: { scheme: https, host: new.test } }
              - { name: moved, hosts: [old.test], paths: [/moved], redirect: { status: 301, path: /there } }
              - { name: limited, hosts: [limited.test], rateLimit: { requestsPerSecond: 1, burst: 3, key: "header:X-User" }, backends: [one] }
              - { name: pair, hosts: [pair.test], backends: [one, two] }
              - { name: healed, hosts: [healed.test], backends: [one, sick] }
              - { name: three, hosts: [three.test], backends: [many], balance: ring-hash, hashOn: "cookie:session" }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        foreach (NginxServer origin in _origins) await origin.DisposeAsync();
    }

    [Theory]
    [InlineData("", "path=/x ")]
    [InlineData("-H 'X-Canary: 1'", "path=/canary/x ")]
    [InlineData("-H 'X-Canary: 2'", "path=/x ")]
    [InlineData("-A 'Some Mobile'", "path=/mobile/x ")]
    [InlineData("-A 'Some Mobile' -H 'X-No: y'", "path=/x ")]
    public async Task The_route_with_the_most_conditions_that_hold_wins(string arguments, string told)
    {
        (_, string output) = await Child.RunAsync("/bin/sh", ["-c", $"curl -sS -i -m 10 -H 'Host: a.test' {arguments} http://{_proxy["web"]}/x"]);
        Assert.Contains(told, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_parameters_choose_a_route() => Assert.Contains("path=/beta/x?a=1&beta", await GetAsync("a.test", "/x?a=1&beta"), StringComparison.Ordinal);

    [Fact]
    public async Task Redirects_keep_what_they_do_not_change()
    {
        string answer = await GetAsync("old.test", "/a/b?c=d");
        Assert.StartsWith("HTTP/1.1 308 Permanent Redirect", answer, StringComparison.Ordinal);
        Assert.Contains("Location: https://new.test/a/b?c=d\r\n", answer.ReplaceLineEndings("\r\n"), StringComparison.Ordinal);
        answer = await GetAsync("old.test:81", "/moved/x");
        Assert.StartsWith("HTTP/1.1 301", answer, StringComparison.Ordinal);
        Assert.Contains("Location: http://old.test:81/there\r\n", answer.ReplaceLineEndings("\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_is_kept_for_each_key_and_told()
    {
        string ann = "";
        for (int i = 0; i < 6; i++) ann += await GetAsync("limited.test", "/", "-H", "X-User: ann");
        Assert.Contains("HTTP/1.1 200", ann, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 429", ann, StringComparison.Ordinal);
        Assert.Contains("RateLimit: \"route\";r=0;t=1", ann, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await GetAsync("limited.test", "/", "-H", "X-User: bob"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_whose_check_fails_gets_nothing()
    {
        await Wait.UntilAsync(() => _proxy.Output.Contains("an upstream address is out", StringComparison.Ordinal), () => _proxy.Output);
        for (int i = 0; i < 10; i++) Assert.StartsWith("HTTP/1.1 200", await GetAsync("healed.test", "/"), StringComparison.Ordinal);
        string metrics = (await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output;
        Assert.Contains($"marchproxy_upstream_up{{upstream=\"sick 127.0.0.1:{Port(2)}\"}} 0", metrics, StringComparison.Ordinal);
        Assert.Contains($"marchproxy_upstream_up{{upstream=\"one 127.0.0.1:{Port(0)}\"}} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_dies_costs_no_request_and_comes_back()
    {
        await Wait.UntilAsync(async () => (await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output.Contains($"two 127.0.0.1:{Port(1)}\"}} 1", StringComparison.Ordinal), () => _proxy.Output);
        string[] before = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => GetAsync("pair.test", "/")));
        Assert.All(before, a => Assert.StartsWith("HTTP/1.1 200", a, StringComparison.Ordinal));
        await _origins[1].DisposeAsync();
        for (int i = 0; i < 20; i++) Assert.StartsWith("HTTP/1.1 200", await GetAsync("pair.test", "/"), StringComparison.Ordinal);
        await Wait.UntilAsync(() => _proxy.Output.Contains("\"service\":\"two\"", StringComparison.Ordinal) && _proxy.Output.Contains("an upstream address is out", StringComparison.Ordinal), () => _proxy.Output);
        _origins[1] = await NginxServer.StartAsync(int.Parse(Port(1), CultureInfo.InvariantCulture));
        await Wait.UntilAsync(() => _proxy.Output.Contains("an upstream address is back", StringComparison.Ordinal), () => _proxy.Output);
    }

    [Fact]
    public async Task A_cookie_keeps_its_address_and_a_dead_address_passes_its_keys_on()
    {
        // Only 127.0.0.1 is listened on: the other two refuse, and a few failures set them aside.
        for (int i = 0; i < 20; i++)
        {
            string answer = await GetAsync("three.test", "/", "-H", $"Cookie: other=1; session=s{i % 5}");
            Assert.True(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), answer + _proxy.Output);
        }
    }

    private string Port(int origin) => _origins[origin].Port.ToString(CultureInfo.InvariantCulture);

    private async Task<string> GetAsync(string host, string path, params string[] arguments) =>
        (await Curl.RunAsync(["-m", "10", "-H", "Host: " + host, .. arguments, $"http://{_proxy["web"]}{path}"])).Output;
}
