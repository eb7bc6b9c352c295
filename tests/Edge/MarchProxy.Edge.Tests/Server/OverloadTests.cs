using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Edge.Overload;
using MarchProxy.Net;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>What comes on top is refused at once and told, and those who came before are served on.</summary>
public sealed class OverloadTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private static readonly string s_request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

    [Fact]
    public async Task A_connection_too_many_gets_503()
    {
        using var origin = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, MaxConnectionsPerLoop = 2 });
        using TcpClient one = await OpenAsync(rig.Web), two = await OpenAsync(rig.Web);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_active_connections 2", StringComparison.Ordinal), rig.Metrics);
        Refused(await EdgeRig.AskAsync(rig.Web, s_request));
        Told(rig, Refusals.Connections);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(one), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_active_connections 1", StringComparison.Ordinal), rig.Metrics);
        Assert.StartsWith("HTTP/1.1 200", await EdgeRig.AskAsync(rig.Web, s_request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_too_many_gets_503()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            await ScriptedOrigin.ReadHeadAsync(stream);
            await go.Task;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok));
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, MaxRequestsPerLoop = 1 });
        Task<string> first = EdgeRig.AskAsync(rig.Web, s_request);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_active_requests 1", StringComparison.Ordinal), rig.Metrics);
        Refused(await EdgeRig.AskAsync(rig.Web, s_request));
        Told(rig, Refusals.Requests);
        go.SetResult();
        Assert.StartsWith("HTTP/1.1 200", await first, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await EdgeRig.AskAsync(rig.Web, s_request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_too_many_of_http2_gets_503_too()
    {
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            await ScriptedOrigin.ReadHeadAsync(stream);
            await go.Task;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok));
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, MaxRequestsPerLoop = 1 });
        using var client = new HttpClient { BaseAddress = new Uri($"http://{rig.Web}/"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Task<HttpResponseMessage> first = client.GetAsync(new Uri("a", UriKind.Relative));
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_active_requests 1", StringComparison.Ordinal), rig.Metrics);
        using HttpResponseMessage refused = await client.GetAsync(new Uri("b", UriKind.Relative));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Told(rig, Refusals.Requests);
        go.SetResult();
        using HttpResponseMessage served = await first;
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
    }

    [Fact]
    public async Task A_connect_too_many_gets_503()
    {
        // An accept queue that is full: further connects wait.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var here = (IPEndPoint)full.LocalEndPoint!;
        using var filler = new TcpClient();
        await filler.ConnectAsync(here);
        await using EdgeRig rig = await EdgeRig.StartAsync(here.Port, new EdgeSettings { Loops = 1, MaxPendingConnectsPerLoop = 1, ConnectMs = 30_000 });
        using TcpClient first = await OpenAsync(rig.Web);
        await first.GetStream().WriteAsync(Encoding.ASCII.GetBytes(s_request));
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_pending_connects 1", StringComparison.Ordinal), rig.Metrics);
        Refused(await EdgeRig.AskAsync(rig.Web, s_request));
        Told(rig, Refusals.Connects);
    }

    [Fact]
    public async Task Without_buffers_new_connections_get_503_and_a_freed_one_serves_again()
    {
        using var origin = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, MaxBufferBytesPerLoop = 1 << 20 });

        // Each half head holds a block of 16 KiB: 61 of them are more than 95 % of 1 MiB.
        var slow = new List<TcpClient>();
        for (int i = 0; i < 61; i++)
        {
            slow.Add(await OpenAsync(rig.Web));
            await slow[i].GetStream().WriteAsync("GET / HT"u8.ToArray());
        }

        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_buffers_rented 61", StringComparison.Ordinal), rig.Metrics);
        Refused(await EdgeRig.AskAsync(rig.Web, s_request));
        Told(rig, Refusals.Memory);
        foreach (TcpClient client in slow) client.Dispose();
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_buffers_rented 0", StringComparison.Ordinal), rig.Metrics);
        Assert.StartsWith("HTTP/1.1 200", await EdgeRig.AskAsync(rig.Web, s_request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_address_has_its_share_of_a_listener_and_an_edit_changes_it()
    {
        using var origin = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml(origin.Port, 2));
        using TcpClient one = await OpenAsync(rig.Web), two = await OpenAsync(rig.Web);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_active_connections 2", StringComparison.Ordinal), rig.Metrics);
        Refused(await EdgeRig.AskAsync(rig.Web, s_request));
        Told(rig, Refusals.Addresses);
        using TcpClient neighbour = await OpenAsync(rig.Web, "127.0.0.2");
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(neighbour), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(one), StringComparison.Ordinal);
        await rig.ApplyAsync(Yaml(origin.Port, 3));
        using TcpClient three = await OpenAsync(rig.Web);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(three), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(two), StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_are_counted_by_site_and_forgotten()
    {
        var counts = new AddressCounts();
        Endpoint four = Endpoint.From(IPAddress.Parse("192.0.2.1"), 1), other = Endpoint.From(IPAddress.Parse("192.0.2.2"), 1);
        Endpoint six = Endpoint.From(IPAddress.Parse("2001:db8:0:1::1"), 1), same = Endpoint.From(IPAddress.Parse("2001:db8:0:1:ffff::2"), 9), next = Endpoint.From(IPAddress.Parse("2001:db8:0:2::1"), 1);
        Assert.True(counts.TryEnter(four, 1));
        Assert.False(counts.TryEnter(four.WithPort(7), 1));
        Assert.True(counts.TryEnter(other, 1));
        Assert.True(counts.TryEnter(six, 1));
        Assert.False(counts.TryEnter(same, 1));
        Assert.True(counts.TryEnter(next, 1));
        foreach (Endpoint left in new[] { four, other, six, next }) counts.Leave(left);
        Assert.Equal(0, counts.Count);
        Assert.True(counts.TryEnter(same, 1));
    }

    private static string Yaml(int origin, int most) => $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin}}" }
        routes:
          - { name: all, backends: [origin] }
        listeners:
          - { name: web, port: 0, purpose: ingress, maxConnectionsPerAddress: {{most}} }
        """;

    private static void Refused(string answer)
    {
        Assert.StartsWith("HTTP/1.1 503", answer, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 1", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("overload", answer, StringComparison.Ordinal);
    }

    private static void Told(EdgeRig rig, string what)
    {
        Assert.Equal([what], rig.Server.Overload);
        Assert.Contains($"marchproxy_shed_total{{what=\"{what}\"}} 1", rig.Metrics(), StringComparison.Ordinal);
        Assert.Contains("overloaded: the newest is refused", rig.Log, StringComparison.Ordinal);
    }

    private static async Task<TcpClient> OpenAsync(IPEndPoint edge, string from = "127.0.0.1")
    {
        var client = new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0)) { NoDelay = true };
        await client.ConnectAsync(edge);
        return client;
    }

    private static async Task<string> AskAsync(TcpClient client)
    {
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(s_request));
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20));
    }
}
