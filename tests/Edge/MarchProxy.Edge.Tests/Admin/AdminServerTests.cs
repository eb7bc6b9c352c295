using System.Buffers;
using System.Net;
using System.Text.Json;
using MarchProxy.Edge.Admin;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Edge.Tests.Kestrel;
using MarchProxy.Net.Loop;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Admin;

public sealed class AdminServerTests : IAsyncLifetime
{
    private readonly LoopGroup _group = new(1);
    private readonly ManualTimeProvider _time = new();
    private readonly HttpClient _client = KestrelOnLoops.Client(HttpVersion.Version11);
    private ReadyState _ready = ReadyState.Ready;
    private AdminServer _server = null!;

    public async Task InitializeAsync()
    {
        _group.Start();
        _server = new AdminServer(new LoopTransport(_group.Loops), new AdminOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Version = "v1.2.3.4",
            Ready = () => _ready,
            Metrics = (accept, writer) =>
            {
                if (accept == "throw") throw new InvalidOperationException();
                writer.Write("up 1\n"u8);
                return "text/plain; accept=" + accept;
            },
            Time = _time,
        });
        await _server.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _group.Dispose();
        _client.Dispose();
    }

    [Fact]
    public async Task Health_tells_version_and_uptime()
    {
        _time.Advance(TimeSpan.FromSeconds(90.9));
        using HttpResponseMessage response = await _client.GetAsync(new Uri(_server.Address!, "/healthz?x=1"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.True(response.Headers.CacheControl!.NoStore);
        using JsonDocument json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("ok", json.RootElement.GetProperty("status").GetString());
        Assert.Equal("v1.2.3.4", json.RootElement.GetProperty("version").GetString());
        Assert.Equal(90, json.RootElement.GetProperty("uptimeSeconds").GetInt64());
    }

    [Fact]
    public async Task Readiness_follows_the_state_and_says_what_is_missing()
    {
        Assert.Equal((200, "ready", 0), await ReadyAsync());
        _ready = new ReadyState(["no snapshot", "draining"]);
        Assert.Equal((503, "not-ready", 2), await ReadyAsync());
        _ready = default;
        Assert.Equal((200, "ready", 0), await ReadyAsync());
    }

    [Fact]
    public async Task Metrics_are_written_by_the_delegate_for_what_the_client_accepts()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address!, "/metrics"));
        request.Headers.TryAddWithoutValidation("Accept", "openmetrics");
        using HttpResponseMessage response = await _client.SendAsync(request);
        Assert.Equal("up 1\n", await response.Content.ReadAsStringAsync());
        Assert.Equal("text/plain; accept=openmetrics", Assert.Single(response.Content.Headers.GetValues("Content-Type")));
    }

    [Fact]
    public async Task Head_has_the_length_and_no_body_and_other_methods_and_paths_are_refused()
    {
        using HttpResponseMessage head = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri(_server.Address!, "/metrics")));
        Assert.Equal(5, head.Content.Headers.ContentLength);
        using HttpResponseMessage post = await _client.PostAsync(new Uri(_server.Address!, "/metrics"), new StringContent("x"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        Assert.Equal(["GET", "HEAD"], post.Content.Headers.Allow);
        using HttpResponseMessage lost = await _client.GetAsync(new Uri(_server.Address!, "/"));
        Assert.Equal(HttpStatusCode.NotFound, lost.StatusCode);
    }

    [Fact]
    public async Task A_delegate_that_throws_is_a_500_and_the_server_lives_on()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address!, "/metrics"));
        request.Headers.TryAddWithoutValidation("Accept", "throw");
        using HttpResponseMessage response = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal((200, "ready", 0), await ReadyAsync());
    }

    private async Task<(int Status, string Word, int Reasons)> ReadyAsync()
    {
        using HttpResponseMessage response = await _client.GetAsync(new Uri(_server.Address!, "/readyz"));
        using JsonDocument json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return ((int)response.StatusCode, json.RootElement.GetProperty("status").GetString()!, json.RootElement.GetProperty("reasons").GetArrayLength());
    }
}
