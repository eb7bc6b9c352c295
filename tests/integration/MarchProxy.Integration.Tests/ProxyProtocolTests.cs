using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>The PROXY protocol towards a real nginx, and from a real curl.</summary>
public sealed class ProxyProtocolTests : IAsyncLifetime
{
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync($$"""
            services:
              - { name: told, addresses: [127.0.0.1], ports: "{{_nginx.ProxyPort}}", proxyProtocol: true, allowAddresses: [127.0.0.0/8] }
              - { name: lan, addresses: [127.0.0.0/8] }
            mappings:
              - { name: direct, sources: [lan], destinations: [told], protocols: [tcp] }
            routes:
              - { name: all, backends: [told] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
              - { name: behind, port: 0, purpose: ingress, proxyProtocol: true }
              - { name: direct, port: 0, purpose: dedicated, service: told }
            """);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    [Theory]
    [InlineData("web", "--interface", "127.0.0.9")]
    [InlineData("web", "--interface", "127.0.0.9", "--http2-prior-knowledge")]
    [InlineData("direct", "--interface", "127.0.0.9")]
    [InlineData("behind", "--interface", "127.0.0.9", "--haproxy-protocol")]
    public async Task The_upstream_learns_who_the_client_is(string listener, params string[] arguments)
    {
        // Each connection is its own client's: a second client is not told of as the first.
        foreach (string address in new[] { "127.0.0.9", "127.0.0.8" })
        {
            string[] asked = [.. arguments.Select(a => a == "127.0.0.9" ? address : a)];
            string output = (await Curl.RunAsync([.. asked, $"http://{_proxy[listener]}/x"])).Output;
            Assert.True(output.Contains($"told={address} path=/x", StringComparison.Ordinal), output + _proxy.Output);
        }
    }

    [Fact]
    public async Task A_connection_without_the_header_is_refused()
    {
        Assert.Contains("curl: (", (await Curl.RunAsync($"http://{_proxy["behind"]}/")).Output, StringComparison.Ordinal);
        await Wait.UntilAsync(() => _proxy.Output.Contains("proxy-header-missing", StringComparison.Ordinal), () => _proxy.Output);
    }
}
