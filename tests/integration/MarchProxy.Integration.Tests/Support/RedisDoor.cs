using System.Globalization;

namespace MarchProxy.Integration.Support;

/// <summary>ArticDBM before Redis servers, with the accounts that the tests use.</summary>
internal sealed class RedisDoor : IAsyncDisposable
{
    public const string Password = "the password of all";
    private readonly TempFolder _folder = new();
    private Suite _suite = null!;

    public int Port { get; } = NginxServer.FreePort();

    public string Output => _suite.Process.Output;

    public string StatementLog => _folder["statements.log"];

    public TempFolder Folder => _folder;

    /// <summary>Starts it before a database whose fields are given.</summary>
    public static async Task<RedisDoor> StartAsync(string database, string listener = "", string more = "")
    {
        var door = new RedisDoor();
        door._folder.Write("db.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - { name: cache, engine: redis, {{database}} }
            accounts:
              - { name: app, password: "{{Password}}" }
              - { name: default, password: "{{Password}}" }
              - { name: part, password: "{{Password}}" }
              - { name: reader, password: "{{Password}}" }
              - { name: boss, password: "{{Password}}" }
              - { name: slow, password: "{{Password}}", rateLimit: 5 }
              - { name: stranger, password: "{{Password}}" }
            grants:
              - { account: app, database: cache, actions: [read, write] }
              - { account: default, database: cache, actions: [read, write] }
              - { account: slow, database: cache, actions: [read, write] }
              - { account: part, database: cache, tables: ["part:*"], actions: [read, write] }
              - { account: reader, database: cache, actions: [read] }
              - { account: boss, database: cache, actions: [read, write, scripting, admin] }
            securityPolicies:
              - { name: standard, databases: [cache], detection: { default: block } }
            listeners:
              - { name: rd, port: {{door.Port}}, purpose: database, engine: redis, database: cache{{listener}} }
            {{more}}
            """));
        door._suite = await Suite.StartAsync(door._folder, "run", "articdbm", "--file", door._folder["db.yaml"], "--db-admin-listen", "127.0.0.1:0", "--statement-log", door.StatementLog);
        return door;
    }

    public Task<RespClient> ConnectAsync(string user = "app") => RespClient.ConnectAsync(Port, user, Password);

    /// <summary>The value of a metric's line that begins so; zero when there is none.</summary>
    public async Task<double> MetricAsync(string begin)
    {
        using var http = new HttpClient();
        string text = await http.GetStringAsync($"http://{_suite.Ready.GetProperty("admin").GetString()}/metrics");
        return text.Split('\n').Where(l => l.StartsWith(begin, StringComparison.Ordinal)).Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>Pauses the database, or resumes it, by the admin port.</summary>
    /// <returns>What it answered.</returns>
    public async Task<string> PauseAsync(bool pause)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(pause ? HttpMethod.Put : HttpMethod.Delete, $"http://{_suite.Ready.GetProperty("admin").GetString()}/databases/cache/paused?seconds=20");
        using HttpResponseMessage answer = await http.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _suite.DisposeAsync();
        _folder.Dispose();
    }
}
