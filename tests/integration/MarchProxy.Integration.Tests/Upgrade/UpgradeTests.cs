using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Upgrade;

/// <summary>An edge replaced by a new process while real clients use it: nothing is dropped, and a new process that fails changes nothing.</summary>
public sealed class UpgradeTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private NginxServer _nginx = null!;

    public async Task InitializeAsync() => _nginx = await NginxServer.StartAsync();

    public async Task DisposeAsync()
    {
        await _nginx.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Three_upgrades_under_wrk_with_a_download_a_tunnel_and_a_udp_flow_drop_nothing()
    {
        using var echo = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        Task echoing = EchoAsync(echo);
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("edge.yaml", Resources(((IPEndPoint)echo.Client.LocalEndPoint!).Port)), "--access-log", _folder["access.log"]]);
        string web = edge["web"], udp = edge["echo"], forward = edge["forward"], admin = edge.Admin;
        await using Child wrk = Child.Start("wrk", ["--timeout", "20s", "-t2", "-c24", "-d12", $"http://{web}/"]);
        await using Child download = Child.Start("curl", ["-sS", "-m", "50", "-o", _folder["slow"], $"http://{web}/slow"]);
        using TcpClient tunnel = await TunnelAsync(IPEndPoint.Parse(forward));
        using var datagrams = new UdpClient();
        datagrams.Connect(IPEndPoint.Parse(udp));
        string port = await AskAsync(datagrams);

        (int code, string said) = await edge.UpgradeAsync();
        Assert.True(code == 0, said + edge.Output);
        await edge.FollowedAsync();
        Assert.Equal(port, await AskAsync(datagrams));

        await edge.SignalAsync("USR2");
        await edge.FollowedAsync();
        Assert.Equal(port, await AskAsync(datagrams));

        (code, said) = await edge.UpgradeAsync();
        Assert.True(code == 0, said + edge.Output);
        await edge.FollowedAsync();
        Assert.Equal(port, await AskAsync(datagrams));

        // Every address is the one that it was, though the kernel had chosen it.
        Assert.Equal((web, udp, forward, admin), (edge["web"], edge["echo"], edge["forward"], edge.Admin));
        await wrk.WaitAsync();
        Assert.True(!wrk.Output.Contains("Socket errors", StringComparison.Ordinal), wrk.Output + edge.Output);
        Assert.DoesNotContain("Non-2xx", wrk.Output, StringComparison.Ordinal);
        Assert.Matches(new Regex("[1-9][0-9]{2,} requests in"), wrk.Output);

        // The first process lives as long as what it carries: the download, and the tunnel.
        Assert.Equal(0, await download.WaitAsync());
        Assert.Equal(NginxServer.Bytes(8 << 20), await File.ReadAllBytesAsync(_folder["slow"]));
        Assert.False(edge.First.HasExited);
        await tunnel.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: orders.test\r\nConnection: close\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", await ReadAsync(tunnel), StringComparison.Ordinal);
        tunnel.Dispose();

        // Its output goes on with the others', so that only its status tells of its end.
        await Wait.UntilAsync(() => edge.First.HasExited, () => edge.Output);
        Assert.Contains("\"reason\":\"handed-over\"", await File.ReadAllTextAsync(_folder["access.log"]), StringComparison.Ordinal);
        Assert.DoesNotContain("defect", edge.Output, StringComparison.Ordinal);
        echo.Dispose();
        await echoing;
    }

    [Fact]
    public async Task Clients_of_http2_turn_to_the_new_process_without_losing_a_request()
    {
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("edge.yaml", Resources(9))]);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{edge["web"]}/"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var stop = new CancellationTokenSource();
        Task<int>[] loops = [.. Enumerable.Range(0, 8).Select(_ => AskOnAsync(client, stop.Token))];
        for (int i = 0; i < 2; i++)
        {
            (int code, string said) = await edge.UpgradeAsync();
            Assert.True(code == 0, said + edge.Output);
            await edge.FollowedAsync();
        }

        await stop.CancelAsync();
        int[] served = await Task.WhenAll(loops);
        Assert.All(served, n => Assert.True(n > 20, $"{n}"));
        Assert.DoesNotContain("defect", edge.Output, StringComparison.Ordinal);
    }

    private static async Task<int> AskOnAsync(HttpClient client, CancellationToken stop)
    {
        int served = 0;
        for (; !stop.IsCancellationRequested; served++)
        {
            using HttpResponseMessage response = await client.GetAsync(new Uri("x", UriKind.Relative), CancellationToken.None);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        return served;
    }

    [Theory]
    [InlineData("program")]
    [InlineData("configuration")]
    [InlineData("silent")]
    public async Task A_new_process_that_fails_leaves_the_old_one_serving(string fault)
    {
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("edge.yaml", Resources(9))]);
        string[] arguments = fault switch
        {
            "program" => ["--program", "/bin/false"],
            "silent" => ["--program", "/bin/true"],
            _ => [],
        };
        if (fault == "configuration")
        {
            _folder.Write("edge.yaml", "services: [ { name: BAD } ]");
            await Wait.UntilAsync(() => edge.Output.Contains("configuration refused", StringComparison.Ordinal), () => edge.Output);
        }

        (int code, string said) = await edge.UpgradeAsync(arguments);
        Assert.True(code == 1 && said.Contains("The upgrade failed, and the running edge goes on", StringComparison.Ordinal), said + edge.Output);
        Assert.Contains("HTTP/1.1 200", (await Curl.RunAsync($"http://{edge["web"]}/")).Output, StringComparison.Ordinal);
        Assert.Contains("\"ready\"", (await Curl.RunAsync($"http://{edge.Admin}/readyz")).Output, StringComparison.Ordinal);

        // The next one may succeed.
        if (fault == "configuration") return;
        (code, said) = await edge.UpgradeAsync();
        Assert.True(code == 0, said + edge.Output);
        await edge.FollowedAsync();
        Assert.Contains("HTTP/1.1 200", (await Curl.RunAsync($"http://{edge["web"]}/")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Systemd_is_told_which_process_serves()
    {
        using var notify = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notify.Bind(new UnixDomainSocketEndPoint(_folder["notify"]));
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("edge.yaml", Resources(9))], ("NOTIFY_SOCKET", _folder["notify"]));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"MAINPID={edge.Id}\nREADY=1"), await HearAsync(notify), StringComparison.Ordinal);
        Assert.Equal(0, (await edge.UpgradeAsync()).Code);
        await edge.FollowedAsync();
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"MAINPID={edge.Id}\nREADY=1"), await HearAsync(notify), StringComparison.Ordinal);
        await edge.SignalAsync("TERM");
        Assert.Contains("STOPPING=1", await HearAsync(notify), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suite_in_one_process_is_replaced_with_its_manager()
    {
        string manager = $"127.0.0.1:{NginxServer.FreePort()}", xds = $"127.0.0.1:{NginxServer.FreePort()}";
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["up", "--data", _folder["data"], "--apply", _folder.Write("edge.yaml", Resources(9)), "--manager-listen", manager, "--xds-listen", xds]);
        await using Child wrk = Child.Start("wrk", ["--timeout", "20s", "-t1", "-c8", "-d6", $"http://{edge["web"]}/"]);
        Assert.Equal(0, (await edge.UpgradeAsync()).Code);
        await edge.FollowedAsync();
        await wrk.WaitAsync();
        Assert.True(!wrk.Output.Contains("Socket errors", StringComparison.Ordinal), wrk.Output + edge.Output);
        await Wait.UntilAsync(async () => (await Curl.RunAsync($"http://{manager}/readyz")).Output.Contains("200 OK", StringComparison.Ordinal), () => edge.Output);
        Assert.Equal(0, (await Suite.RunAsync(_folder, "login", $"http://{manager}")).Code);
        await Wait.UntilAsync(async () => (await Suite.RunAsync(_folder, "get", "proxies")).Output.Contains("active", StringComparison.Ordinal), () => edge.Output);
    }

    [Fact]
    public async Task A_stop_is_told_first_then_drains_and_a_second_one_ends_at_once()
    {
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("edge.yaml", Resources(9)), "--drain-delay", "30s"]);
        using TcpClient tunnel = await TunnelAsync(IPEndPoint.Parse(edge["forward"]));
        await edge.SignalAsync("TERM");
        await Wait.UntilAsync(async () => (await Curl.RunAsync($"http://{edge.Admin}/readyz")).Output.Contains("draining", StringComparison.Ordinal), () => edge.Output);

        // Not ready, and yet it serves whoever has not noticed.
        Assert.Contains("HTTP/1.1 200", (await Curl.RunAsync($"http://{edge["web"]}/")).Output, StringComparison.Ordinal);
        Assert.False(edge.First.HasExited);
        await edge.SignalAsync("TERM");
        Assert.Equal(0, await edge.First.WaitAsync());
        Assert.Contains("connections were still open", edge.Output, StringComparison.Ordinal);
    }

    private string Resources(int echo) => $$"""
        services:
          - { name: here, addresses: [127.0.0.1] }
          - { name: origin, addresses: [127.0.0.1], ports: "{{_nginx.Port}}" }
          - { name: echoes, addresses: [127.0.0.1], ports: "{{echo}}", protocol: udp }
          - { name: orders, addresses: [orders.test], resolve: { orders.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
        mappings:
          - { name: to-echoes, sources: [here], destinations: [echoes], protocols: [udp] }
          - { name: to-orders, sources: [here], destinations: [orders] }
        routes:
          - { name: all, backends: [origin] }
        listeners:
          - { name: web, port: 0, purpose: ingress }
          - { name: forward, port: 0, purpose: forward-proxy }
          - { name: echo, port: 0, purpose: dedicated, protocol: udp, service: echoes }
        """;

    private async Task<TcpClient> TunnelAsync(IPEndPoint forward)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(forward);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"CONNECT orders.test:{_nginx.Port} HTTP/1.1\r\nHost: orders.test\r\n\r\n"));
        byte[] buffer = new byte[512];
        int n = await client.GetStream().ReadAsync(buffer);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(buffer, 0, n), StringComparison.Ordinal);
        return client;
    }

    private static async Task<string> ReadAsync(TcpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var all = new MemoryStream();
        await client.GetStream().CopyToAsync(all, timeout.Token);
        return Encoding.ASCII.GetString(all.ToArray());
    }

    /// <summary>Asks through the flow which port the upstream sees it come from.</summary>
    private static async Task<string> AskAsync(UdpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await client.SendAsync("who"u8.ToArray(), timeout.Token);
        return Encoding.ASCII.GetString((await client.ReceiveAsync(timeout.Token)).Buffer);
    }

    private static async Task EchoAsync(UdpClient echo)
    {
        try
        {
            while (true)
            {
                UdpReceiveResult came = await echo.ReceiveAsync();
                await echo.SendAsync(Encoding.ASCII.GetBytes(came.RemoteEndPoint.ToString()), came.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private static async Task<string> HearAsync(Socket notify)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        byte[] buffer = new byte[512];
        return Encoding.UTF8.GetString(buffer, 0, await notify.ReceiveAsync(buffer, timeout.Token));
    }
}
