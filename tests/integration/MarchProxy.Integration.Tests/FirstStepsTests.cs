using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>What a newcomer does first, with a real curl and a real nginx.</summary>
public sealed class FirstStepsTests : IAsyncLifetime
{
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync(Proxy.FirstSteps(_nginx.Port));
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    [Fact]
    public async Task A_mapping_lets_its_source_through()
    {
        (int code, string answer) = await Curl.RunAsync([.. Curl.Through(_proxy), "http://orders.test/list?x=1"]);
        Assert.Equal(0, code);
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("host=orders.test path=/list?x=1 via=1.1 marchproxy xff= proto= auth= ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_no_mapping_allows_is_refused_with_its_reason()
    {
        (_, string answer) = await Curl.RunAsync([.. Curl.Through(_proxy), "http://elsewhere.test/"]);
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains("X-MarchProxy-Reason: no-mapping", answer, StringComparison.Ordinal);
        Assert.Contains("Proxy-Status: marchproxy; error=http_request_denied", answer, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"no-mapping\"", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wrong")]
    [InlineData("")]
    public async Task A_wrong_token_is_refused(string token)
    {
        (_, string answer) = await Curl.RunAsync([.. Curl.Through(_proxy, token), "http://orders.test/"]);
        Assert.StartsWith("HTTP/1.1 407", answer, StringComparison.Ordinal);
        Assert.Contains("Proxy-Authenticate: Basic", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_opens_a_tunnel_where_a_mapping_allows_it()
    {
        (int code, string answer) = await Curl.RunAsync([.. Curl.Through(_proxy), "-p", $"http://orders.test:{_nginx.Port}/in"]);
        Assert.Equal(0, code);
        Assert.Contains("path=/in via= ", answer, StringComparison.Ordinal);
        (code, answer) = await Curl.RunAsync([.. Curl.Through(_proxy), "-p", "http://elsewhere.test:443/"]);
        Assert.NotEqual(0, code);
        Assert.Contains("403", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[::1]/")]
    public async Task Addresses_in_any_spelling_are_refused(string url)
    {
        (_, string answer) = await Curl.RunAsync([.. Curl.Through(_proxy), "-g", url]);
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ingress_goes_by_host()
    {
        (_, string answer) = await Curl.RunAsync("-H", "Host: shop.test", $"http://{_proxy["web"]}/cart");
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("host=shop.test path=/cart via=1.1 marchproxy xff=127.0.0.1 proto=http", answer, StringComparison.Ordinal);
        (_, answer) = await Curl.RunAsync("-H", "Host: other.test", $"http://{_proxy["web"]}/");
        Assert.StartsWith("HTTP/1.1 404", answer, StringComparison.Ordinal);
        Assert.Contains("no-route", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_pass_both_ways_whole()
    {
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder["up"], NginxServer.Bytes(5 << 20));
        string web = _proxy["web"];
        (_, string answer) = await Curl.RunAsync("-H", "Host: shop.test", "-H", "Expect:", "--data-binary", "@" + folder["up"], $"http://{web}/upload");
        Assert.Contains($"length={5 << 20}", answer, StringComparison.Ordinal);
        (_, answer) = await Curl.RunAsync("-H", "Host: shop.test", "-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + folder["up"], $"http://{web}/upload");
        Assert.Contains($"length={5 << 20}", answer, StringComparison.Ordinal);
        (int code, _) = await Child.RunAsync("curl", ["-sS", "-m", "30", "-o", folder["down"], "-H", "Host: shop.test", $"http://{web}/big"]);
        Assert.Equal(0, code);
        Assert.Equal(NginxServer.Bytes(8 << 20), await File.ReadAllBytesAsync(folder["down"]));
    }

    [Fact]
    public async Task An_upstream_that_closes_silently_is_a_502_with_its_reason()
    {
        (_, string answer) = await Curl.RunAsync("-H", "Host: shop.test", $"http://{_proxy["web"]}/cut");
        Assert.StartsWith("HTTP/1.1 502", answer, StringComparison.Ordinal);
        Assert.Contains("error=http_response_incomplete", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_readiness_and_metrics_are_there()
    {
        await Curl.RunAsync("-H", "Host: shop.test", $"http://{_proxy["web"]}/");
        (_, string health) = await Curl.RunAsync($"http://{_proxy.Admin}/healthz");
        Assert.Contains("\"version\":\"v", health, StringComparison.Ordinal);
        (_, string ready) = await Curl.RunAsync($"http://{_proxy.Admin}/readyz");
        Assert.StartsWith("HTTP/1.1 200", ready, StringComparison.Ordinal);
        (_, string metrics) = await Curl.RunAsync($"http://{_proxy.Admin}/metrics");
        Assert.Contains("marchproxy_requests_total{listener=\"web\",kind=\"http\",code=\"200\"} 1", metrics, StringComparison.Ordinal);
    }
}
