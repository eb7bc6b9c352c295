using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Secrets;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;

namespace MarchProxy.Control.Tests.Support;

/// <summary>A manager on a SQLite file and free ports, and clients of its API.</summary>
internal sealed class ManagerRig : IAsyncDisposable
{
    public const string Password = "a long admin password";
    private readonly string _folder;
    private readonly MetricRegistry _metrics = new(1);
    private readonly StringWriter _log = new();

    private ManagerRig(string folder, int port, int xdsPort, StoreOptions? store)
    {
        _folder = folder;
        Server = new ManagerServer(
            new ManagerOptions
            {
                Listen = new IPEndPoint(IPAddress.Loopback, port),
                XdsListen = new IPEndPoint(IPAddress.Loopback, xdsPort),
                Store = store ?? new StoreOptions { File = Path.Combine(folder, "manager.db") },
                Box = new SecretBox(new byte[32]),
                AdminPassword = Password,
                Version = "v0",
            },
            _metrics, new ProcessLog(_log, json: false, LogLevel.Info, TimeProvider.System), TimeProvider.System);
    }

    public ManagerServer Server { get; }

    public string Log => _log.ToString();

    public HttpClient Http { get; private set; } = new();

    public static async Task<ManagerRig> StartAsync(string? folder = null, int port = 0, int xdsPort = 0, StoreOptions? store = null)
    {
        var rig = new ManagerRig(folder ?? Directory.CreateTempSubdirectory("marchproxy-manager-").FullName, port, xdsPort, store);
        await rig.Server.StartAsync();
        rig.Http = await rig.ClientAsync("admin", Password);
        return rig;
    }

    /// <summary>A client signed in as somebody.</summary>
    public async Task<HttpClient> ClientAsync(string email, string password)
    {
        var client = new HttpClient { BaseAddress = rigUri() };
        (HttpStatusCode status, JsonNode? pair) = await SendAsync(client, "POST", "auth/login", new JsonObject { ["email"] = email, ["password"] = password });
        Assert.Equal(HttpStatusCode.OK, status);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", pair!["accessToken"]!.ToString());
        return client;

        Uri rigUri() => new(Server.Address, "/api/v1/");
    }

    public Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(string method, string path, JsonNode? body = null, string? ifMatch = null) => SendAsync(Http, method, path, body, ifMatch);

    public static async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(HttpClient client, string method, string path, JsonNode? body = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using HttpResponseMessage response = await client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length > 0 ? JsonNode.Parse(text) : null);
    }

    public async Task<JsonNode> ApplyAsync(string yaml, string query = "")
    {
        using HttpResponseMessage response = await Http.PostAsync("apply" + query, new StringContent(yaml, Encoding.UTF8, "application/yaml"));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>Stops it and keeps its folder, for the next one.</summary>
    public async Task<string> StopAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        _metrics.Dispose();
        Assert.False(Log.Contains("defect", StringComparison.Ordinal), Log);
        return _folder;
    }

    public async ValueTask DisposeAsync() => Directory.Delete(await StopAsync(), recursive: true);
}
