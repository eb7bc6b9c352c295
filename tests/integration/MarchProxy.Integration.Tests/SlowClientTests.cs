using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>Slow clients as slowhttptest sends them: by hundreds they hold what they have for as long as they may, and others are served all the while.</summary>
public sealed class SlowClientTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync(
            $$"""
            services:
              - { name: origin, addresses: [127.0.0.1], ports: "{{_nginx.Port}}" }
            routes:
              - { name: all, backends: [origin] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
              - { name: shared, port: 0, purpose: ingress, maxConnectionsPerAddress: 100 }
            """,
            null, "--request-head-timeout", "2s", "--body-stall-timeout", "2s");
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("-H", "-i", "1", "-t", "GET", "/")]
    [InlineData("-B", "-i", "5", "-s", "8192", "-t", "POST", "/upload")]
    [InlineData("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3", "/big")]
    public async Task The_service_stays_available(params string[] mode)
    {
        // Those that read slowly are fewer: the origin is on this machine too, and what it has sent would take all memory that the kernel has for TCP.
        string path = mode[^1], clients = mode[0] == "-X" ? "100" : "400";
        await using Child attack = Child.Start("slowhttptest", ["-c", clients, "-r", "200", "-l", "7", "-p", "3", .. mode[..^1], "-u", $"http://{_proxy["web"]}{path}"]);
        int served = 0;
        while (!attack.HasExited)
        {
            (int code, string answer) = await Child.RunAsync("curl", ["-sS", "-i", "-m", "5", $"http://{_proxy["web"]}/x"]);
            Assert.True(code == 0 && answer.Contains("HTTP/1.1 200", StringComparison.Ordinal), answer + attack.Output);
            served++;
        }

        await attack.WaitAsync();
        Assert.True(served >= 5, attack.Output);
        Assert.Contains("slow", attack.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("service available:\u001b[0;31m   NO", attack.Output, StringComparison.Ordinal);
        await Wait.UntilAsync(async () => (await MetricsAsync()).Contains("marchproxy_active_connections 0\n", StringComparison.Ordinal), () => _proxy.Output);
        Assert.Contains("marchproxy_buffers_rented 0\n", await MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_address_cannot_have_the_listener_to_itself()
    {
        await using Child attack = Child.Start("slowhttptest", ["-c", "400", "-r", "400", "-l", "5", "-p", "1", "-H", "-i", "1", "-u", $"http://{_proxy["shared"]}/"]);
        await Wait.UntilAsync(async () => (await MetricsAsync()).Contains("marchproxy_shed_total{what=\"connections-of-one-address\"}", StringComparison.Ordinal), () => attack.Output + _proxy.Output);
        Assert.Contains("\"overload\":[\"connections-of-one-address\"]", (await Curl.RunAsync($"http://{_proxy.Admin}/readyz")).Output, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", (await Curl.RunAsync("--interface", "127.0.0.9", $"http://{_proxy["shared"]}/")).Output, StringComparison.Ordinal);
    }

    private async Task<string> MetricsAsync() => (await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output.Replace("\r", "", StringComparison.Ordinal);
}
