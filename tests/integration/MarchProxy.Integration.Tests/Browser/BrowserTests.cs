using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Browser;

/// <summary>A browser on the way out through the forward proxy: what a mapping lets through is shown, the rest is refused with its reason.</summary>
public sealed class BrowserTests : IAsyncLifetime
{
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync(string.Create(CultureInfo.InvariantCulture, $$"""
            services:
              - { name: desk, addresses: [127.0.0.0/8], auth: { type: none } }
              - { name: news, addresses: [news.test], resolve: { news.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
            mappings:
              - { name: desk-news, sources: [desk], destinations: [news], protocols: [http, https, tcp], ports: "80,443", portMap: { "80": {{_nginx.Port}}, "443": {{_nginx.TlsPort}} } }
            listeners:
              - { name: forward, port: 0, purpose: forward-proxy }
            """));
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    [Theory]
    [InlineData("http://", "http://news.test/page", "host=news.test path=/page")]
    [InlineData("http://", "https://news.test/page", "host=news.test path=/page")]
    [InlineData("socks5://", "http://news.test/page", "host=news.test path=/page")]
    [InlineData("socks5://", "https://news.test/page", "host=news.test path=/page")]
    [InlineData("http://", "http://elsewhere.test/", "No mapping lets service desk reach elsewhere.test:80.")]
    [InlineData("http://", "https://elsewhere.test/", "ERR_TUNNEL_CONNECTION_FAILED")]
    [InlineData("socks5://", "http://elsewhere.test/", "ERR_SOCKS_CONNECTION_FAILED")]
    public async Task A_page_is_shown_or_refused(string scheme, string url, string shown)
    {
        using var profile = new TempFolder();
        (_, string output) = await Child.RunAsync(
            "chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--ignore-certificate-errors", $"--user-data-dir={profile.Path}", $"--proxy-server={scheme}{_proxy["forward"]}", "--dump-dom", url,
            ]);
        Assert.True(output.Contains(shown, StringComparison.Ordinal), output + _proxy.Output);
    }
}
