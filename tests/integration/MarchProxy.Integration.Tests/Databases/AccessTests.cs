using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using MarchProxy.Integration.Support;
using MarchProxy.Tests;
using Npgsql;

namespace MarchProxy.Integration.Databases;

/// <summary>Who is let in to databases, for how long, and what operators do to them while they run: a real manager, PostgreSQL and psql, and tools that know PgBouncer alone.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private const string AppPassword = "the password of app";
    private readonly PostgresServer _postgres = new();
    private readonly TempFolder _folder = new();
    private readonly UdpClient _collector = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly int _port = NginxServer.FreePort();
    private Suite _up = null!;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        await _postgres.SqlAsync("CREATE DATABASE bench");
        await _postgres.SqlAsync("CREATE TABLE orders_1 (id int); INSERT INTO orders_1 SELECT generate_series(1, 7); CREATE TABLE wages (id int)", "bench");
        await _postgres.DemandPasswordAsync("the password of march");
        _folder.Write("db.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - { name: shop, engine: postgresql, database: bench, servers: [{ host: 127.0.0.1, port: {{_postgres.PortNumber}} }], credential: { user: march, password: "the password of march" }, pool: { size: 4, queueTimeout: 20s } }
            accounts:
              - { name: app, password: "{{AppPassword}}", tenant: web }
              - { name: operator, password: "{{AppPassword}}" }
            grants:
              - { account: app, database: shop, actions: [select, insert] }
              - { account: operator, database: shop, actions: [select, admin] }
            listeners:
              - { name: pg, address: 127.0.0.1, port: {{_port}}, purpose: database, engine: postgresql }
            """));
        _up = await Suite.StartAsync(
            _folder, "up", "--data", _folder["data"], "--apply", _folder["db.yaml"], "--manager-listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--access-log", _folder["log"],
            "--syslog", $"udp://{_collector.Client.LocalEndPoint}", "--statement-log-text", "folded");
        await RunAsync(0, "Signed in", "login", _up.Manager);
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _up.DisposeAsync();
        await _postgres.DisposeAsync();
        _collector.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Access_for_a_while_opens_what_it_says_and_ends_with_its_revocation()
    {
        JsonNode given = await GiveAsync("--for", "30m", "--actions", "select", "--tables", "orders_*", "--reason", "ticket 4711");
        string uri = given["connections"]![0]!.ToString(), id = given["id"]!.ToString();
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"postgresql://{given["account"]}:mpdb_"), uri, StringComparison.Ordinal);
        await UntilAsync(0, "7", uri, "SELECT count(*) FROM orders_1");
        Assert.Contains("not-granted", (await PsqlAsync(uri, "SELECT * FROM wages")).Output, StringComparison.Ordinal);

        await using var open = new NpgsqlConnection(Connection(given["account"]!.ToString(), given["password"]!.ToString()));
        await open.OpenAsync();
        await RunAsync(0, "ticket 4711", "db", "access", "shop");
        Assert.DoesNotContain("SCRAM", (await RunAsync(0, id, "get", "accounts", "-o", "json")).Output, StringComparison.Ordinal);

        // A file that does not know of it takes it away neither by itself nor by pruning.
        await RunAsync(0, "account/app unchanged", "apply", "-f", _folder["db.yaml"], "--prune");
        await UntilAsync(0, "7", uri, "SELECT count(*) FROM orders_1");

        await RunAsync(0, "has ended", "db", "access", "shop", "--revoke", id);
        await UntilAsync(2, "assword authentication failed", uri, "SELECT 1");
        await Wait.UntilAsync(async () => await Record.ExceptionAsync(() => ScalarAsync(open, "SELECT 1")) is NpgsqlException, () => _up.Process.Output);
        Assert.DoesNotContain(id, (await RunAsync(0, "", "db", "access", "shop")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_for_one_use_is_used_up_by_it_and_its_session_stays()
    {
        JsonNode given = await GiveAsync("--for", "30m", "--actions", "select", "--once");
        await Wait.UntilAsync(async () => !(await PsqlAsync($"postgresql://{given["account"]}:wrong@127.0.0.1:{_port}/shop", "SELECT 1")).Output.Contains("cannot", StringComparison.Ordinal) && (await KnownAsync(given["account"]!.ToString())), () => _up.Process.Output);
        await using var first = new NpgsqlConnection(Connection(given["account"]!.ToString(), given["password"]!.ToString()));
        await first.OpenAsync();
        Assert.Equal(7L, await ScalarAsync(first, "SELECT count(*) FROM orders_1"));
        (int code, string output) = await PsqlAsync(given["connections"]![0]!.ToString(), "SELECT 1");
        Assert.True(code == 2 && output.Contains("has been used 1 times", StringComparison.Ordinal), output);
        await Wait.UntilAsync(async () => (await RunAsync(0, "", "db", "access", "shop")).Output.Contains("used-up", StringComparison.Ordinal), () => _up.Process.Output);
        Assert.Equal(7L, await ScalarAsync(first, "SELECT count(*) FROM orders_1"));
    }

    [Fact]
    public async Task Keys_serve_as_the_password_beside_it_until_they_are_ended()
    {
        string key = (await RunAsync(0, "mpdb_", "db", "keys", "app", "--add", "ci", "--for", "90d")).Output.Trim(), uri = $"postgresql://app:{key}@127.0.0.1:{_port}/shop";
        await UntilAsync(0, "7", uri, "SELECT count(*) FROM orders_1");
        Assert.Contains("7", (await PsqlAsync($"postgresql://app:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/shop", "SELECT count(*) FROM orders_1")).Output, StringComparison.Ordinal);
        await RunAsync(1, "is taken", "db", "keys", "app", "--add", "ci");
        await RunAsync(0, "account/app unchanged", "apply", "-f", _folder["db.yaml"]);
        await RunAsync(0, "ci", "db", "keys", "app");

        await RunAsync(0, "has ended", "db", "keys", "app", "--remove", "ci");
        await UntilAsync(2, "assword authentication failed", uri, "SELECT 1");

        // Going back to a version in which it held opens no door that was closed.
        await RunAsync(0, "", "rollback", "3");
        await RunAsync(0, "", "db", "keys", "app");
        Assert.DoesNotContain("ci", (await RunAsync(0, "", "db", "keys", "app", "-o", "json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Use_is_counted_by_account_and_told_by_the_manager()
    {
        await PsqlAsync($"postgresql://app:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/shop", "SELECT * FROM orders_1");
        await Wait.UntilAsync(async () => (await RunAsync(0, "", "db", "usage", "--by", "tenant,account", "-o", "json")).Output is var told && JsonNode.Parse(told) is JsonArray { Count: > 0 } all
            && all.Any(u => u!["tenant"]!.ToString() == "web" && u["queries"]!.GetValue<long>() >= 1 && u["rows"]!.GetValue<long>() >= 7 && u["bytesOut"]!.GetValue<long>() > 100), () => _up.Process.Output);

        // The same statement in syslog, with its folded text.
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        string line;
        do line = System.Text.Encoding.UTF8.GetString((await _collector.ReceiveAsync(timeout.Token)).Buffer);
        while (!line.Contains("\"text\":\"select * from orders_1\"", StringComparison.Ordinal));
        Assert.Matches(@"^<134>1 \S+ \S+ articdbm \d+ access - \{", line);
    }

    [Fact]
    public async Task A_pause_lets_transactions_end_and_holds_new_ones_until_the_resume()
    {
        await using var busy = new NpgsqlConnection(Connection("app", AppPassword));
        await busy.OpenAsync();
        await ScalarAsync(busy, "BEGIN");
        await AdminAsync(1, "1 connections are still in use", "pause", "shop", "--wait", "1");
        Assert.Equal(7L, await ScalarAsync(busy, "SELECT count(*) FROM orders_1"));
        await ScalarAsync(busy, "COMMIT");
        await AdminAsync(0, "no connection to its servers is open", "pause", "shop");
        Task<object?> waits = ScalarAsync(busy, "SELECT count(*) FROM orders_1");
        await Wait.UntilAsync(async () => (await AdminAsync(0, "", "pools", "-o", "json")).Contains("\"clientsWaiting\": 1", StringComparison.Ordinal), () => _up.Process.Output);
        Assert.False(waits.IsCompleted);
        await AdminAsync(0, "is resumed", "resume", "shop");
        Assert.Equal(7L, await waits);
        await AdminAsync(0, "select count(*) from orders_1", "top", "shop");

        string clients = await AdminAsync(0, "\"account\": \"app\"", "clients", "-o", "json");
        string number = JsonNode.Parse(clients)!.AsArray().First(c => c!["account"]!.ToString() == "app")!["id"]!.ToString();
        await AdminAsync(0, "1 ended", "kill", "--client", number);
        Assert.IsAssignableFrom<NpgsqlException>(await Record.ExceptionAsync(() => ScalarAsync(busy, "SELECT 1")));
    }

    [Fact]
    public async Task Tools_that_know_pgbouncer_alone_find_it()
    {
        string console = $"postgresql://operator:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/pgbouncer";
        await PsqlAsync($"postgresql://app:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/shop", "SELECT * FROM orders_1");
        (int code, string output) = await PsqlAsync($"postgresql://app:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/pgbouncer", "SHOW POOLS");
        Assert.True(code == 2 && output.Contains("action admin", StringComparison.Ordinal), output);
        foreach (string view in new[] { "POOLS", "CLIENTS", "SERVERS", "STATS", "STATS_TOTALS", "STATS_AVERAGES", "TOTALS", "DATABASES", "CONFIG", "VERSION", "LISTS", "USERS", "MEM", "STATE", "HELP" })
        {
            (code, output) = await PsqlAsync(console, $"SHOW {view};");
            Assert.True(code == 0 && !output.Contains("ERROR", StringComparison.Ordinal), $"{view}: {output}");
        }

        Assert.Contains("ERROR:  no such database: nope", (await PsqlAsync(console, "PAUSE nope")).Output, StringComparison.Ordinal);
        Assert.Contains("ERROR:  pooler is not paused/suspended", (await PsqlAsync(console, "RESUME")).Output, StringComparison.Ordinal);
        foreach (string command in new[] { "PAUSE shop", "RESUME shop", "RECONNECT", "RELOAD", "KILL shop", "RESUME" }) Assert.Contains(command.Split(' ')[0], (await PsqlAsync(console, command)).Output, StringComparison.Ordinal);
        Assert.Contains("by its supervisor", (await PsqlAsync(console, "SHUTDOWN")).Output, StringComparison.Ordinal);
        await Wait.UntilAsync(async () => (await File.ReadAllTextAsync(_folder["log"])).Contains("KILL shop", StringComparison.Ordinal), () => _up.Process.Output);

        // As the exporters for Prometheus ask: psycopg2, columns by their names, numbers as numbers.
        string script = _folder.Write("exporter.py", $$"""
            import psycopg2
            console = psycopg2.connect(dbname='pgbouncer', host='127.0.0.1', port={{_port}}, user='operator', password='{{AppPassword}}')
            console.set_session(autocommit=True)
            def show(key):
                with console.cursor() as cursor:
                    cursor.execute('SHOW %s;' % key)
                    names = [column.name for column in cursor.description]
                    return [dict(zip(names, row)) for row in cursor.fetchall()]
            stats = [s for s in show('STATS') if s['database'] == 'shop'][0]
            assert stats['total_query_count'] >= 1 and stats['total_xact_count'] >= 1 and stats['total_received'] > 0 and stats['total_sent'] > 0 and stats['avg_query_time'] >= 0, stats
            pool = [p for p in show('POOLS') if p['database'] == 'shop'][0]
            assert pool['cl_active'] == 0 and pool['cl_waiting'] == 0 and pool['sv_active'] == 0 and pool['maxwait'] == 0 and pool['pool_mode'] == 'transaction', pool
            database = [d for d in show('DATABASES') if d['name'] == 'shop'][0]
            assert database['pool_size'] == 4 and database['paused'] == 0 and database['disabled'] == 0 and database['max_connections'] == 4, database
            assert {l['list']: l['items'] for l in show('LISTS')}['databases'] == 1
            print('as with pgbouncer')
            """);
        (_, output) = await Child.RunAsync("/usr/bin/python3", [script]);
        Assert.True(output.Contains("as with pgbouncer", StringComparison.Ordinal), output);
    }

    [Theory]
    [InlineData("POOLS", "database|user|cl_active|cl_waiting|cl_active_cancel_req|cl_waiting_cancel_req|sv_active|sv_active_cancel|sv_being_canceled|sv_idle|sv_used|sv_tested|sv_login|maxwait|maxwait_us|pool_mode")]
    [InlineData("CLIENTS", "type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls|application_name")]
    [InlineData("SERVERS", "type|user|database|state|addr|port|local_addr|local_port|connect_time|request_time|wait|wait_us|close_needed|ptr|link|remote_pid|tls|application_name")]
    [InlineData("DATABASES", "name|host|port|database|force_user|pool_size|min_pool_size|reserve_pool|pool_mode|max_connections|current_connections|paused|disabled")]
    [InlineData("STATS", "database|total_xact_count|total_query_count|total_received|total_sent|total_xact_time|total_query_time|total_wait_time|avg_xact_count|avg_query_count|avg_recv|avg_sent|avg_xact_time|avg_query_time|avg_wait_time")]
    public async Task The_console_has_the_columns_of_pgbouncer(string view, string columns)
    {
        (_, string output) = await Child.RunAsync("psql", [$"postgresql://operator:{Uri.EscapeDataString(AppPassword)}@127.0.0.1:{_port}/pgbouncer", "-w", "-A", "-c", $"SHOW {view}"]);
        Assert.StartsWith(columns + "\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_that_a_hop_tells_of_is_the_one_that_is_judged()
    {
        int behind = NginxServer.FreePort(), front = NginxServer.FreePort();
        await RunAsync(0, "created", "apply", "-f", _folder.Write("hop.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            accounts:
              - { name: near, password: "{{AppPassword}}", allowFrom: [127.0.0.1/32] }
              - { name: hop, password: "{{AppPassword}}", allowFrom: [127.0.0.9/32] }
            grants:
              - { account: near, database: shop, actions: [select] }
              - { account: hop, database: shop, actions: [select] }
            listeners: [{ name: behind, address: 127.0.0.1, port: {{behind}}, purpose: database, engine: postgresql, proxyProtocol: true }]
            """)));
        string config = _folder.Write("haproxy.cfg", string.Create(CultureInfo.InvariantCulture, $"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 30s
              timeout server 30s
            listen hop
              bind 127.0.0.1:{front}
              server db 127.0.0.1:{behind} send-proxy-v2 source 127.0.0.9

            """));
        await using Child haproxy = Child.Start("haproxy", ["-db", "-f", config]);
        string password = Uri.EscapeDataString(AppPassword);
        await UntilAsync(0, "7", $"postgresql://near:{password}@127.0.0.1:{front}/shop", "SELECT count(*) FROM orders_1");
        await UntilAsync(2, "may not come from 127.0.0.1", $"postgresql://hop:{password}@127.0.0.1:{front}/shop", "SELECT 1");
        (int code, string output) = await PsqlAsync($"postgresql://near:{password}@127.0.0.1:{behind}/shop", "SELECT 1");
        Assert.True(code == 2 && !output.Contains("may not come", StringComparison.Ordinal), output);
        await Wait.UntilAsync(async () => (await File.ReadAllTextAsync(_folder["log"])).Contains("proxy-header-missing", StringComparison.Ordinal), () => _up.Process.Output);
    }

    [Fact]
    public async Task Roles_and_databases_are_made_on_the_server_and_taken_away_again()
    {
        string direct = $"@127.0.0.1:{_postgres.PortNumber}";
        JsonNode reader = await AskAsync("POST", "provision", 201, new JsonObject { ["name"] = "reports", ["template"] = "read" });
        string uri = $"postgresql://reports:{reader["password"]}{direct}/bench";
        Assert.Contains("7", (await PsqlAsync(uri, "SELECT count(*) FROM orders_1")).Output, StringComparison.Ordinal);
        Assert.Contains("permission denied", (await PsqlAsync(uri, "DELETE FROM orders_1")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await PsqlAsync($"postgresql://march:{Uri.EscapeDataString("the password of march")}{direct}/bench", "CREATE TABLE later (id int)")).Code);
        Assert.Equal(0, (await PsqlAsync(uri, "SELECT * FROM later")).Code);

        JsonNode team = await AskAsync("POST", "provision", 201, new JsonObject { ["name"] = "team_a", ["template"] = "database" });
        string own = $"postgresql://team_a:{team["password"]}{direct}/{team["database"]}";
        Assert.Contains("CREATE TABLE", (await PsqlAsync(own, "CREATE TABLE mine (id int)")).Output, StringComparison.Ordinal);
        Assert.Contains("admin", (await AskAsync("GET", "provision", 200))[0]!["mark"]!.ToString(), StringComparison.Ordinal);
        await AskAsync("POST", "provision", 409, new JsonObject { ["name"] = "team_a", ["template"] = "read" });
        await AskAsync("POST", "provision", 422, new JsonObject { ["name"] = "x\"; DROP TABLE orders_1; --", ["template"] = "read" });
        Assert.Contains("provision", (await AskAsync("GET", "../../audit", 200)).ToJsonString(), StringComparison.Ordinal);

        // What was not made here is not taken away.
        await AskAsync("DELETE", "provision/march", 404);
        await AskAsync("DELETE", "provision/team_a", 200);
        await AskAsync("DELETE", "provision/reports", 200);
        Assert.Equal((2, 2), ((await PsqlAsync(own, "SELECT 1")).Code, (await PsqlAsync(uri, "SELECT 1")).Code));
        Assert.Empty((await AskAsync("GET", "provision", 200)).AsArray());
    }

    private async Task<JsonNode> AskAsync(string method, string path, int expected, JsonObject? body = null)
    {
        string token = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder["config"], "marchproxy", "credentials.json")))!["accessToken"]!.ToString();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"{_up.Manager}/api/v1/databases/shop/{path}"));
        request.Headers.Add("Authorization", "Bearer " + token);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == expected, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length > 0 ? JsonNode.Parse(text)! : new JsonObject();
    }

    private async Task<JsonNode> GiveAsync(params string[] how) => JsonNode.Parse((await RunAsync(0, "mpdb_", ["db", "access", "shop", "-o", "json", .. how])).Output)!;

    private async Task<bool> KnownAsync(string account) => (await RunAsync(0, "", "get", "proxies", "-o", "json")).Output is var told
        && JsonNode.Parse(told)!["proxies"]!.AsArray().All(p => p!["runningVersion"]?.ToString() == p["currentVersion"]?.ToString()) && account.Length > 0;

    private async Task UntilAsync(int expected, string told, string uri, string sql)
    {
        string last = "";
        await Wait.UntilAsync(
            async () =>
            {
                (int code, last) = await PsqlAsync(uri, sql);
                return code == expected && last.Contains(told, StringComparison.Ordinal);
            },
            () => last + _up.Process.Output);
    }

    private async Task<(int Code, string Output)> RunAsync(int expected, string told, params string[] arguments)
    {
        (int code, string output) = await Suite.RunAsync(_folder, arguments);
        Assert.True(code == expected && output.Contains(told, StringComparison.Ordinal), $"{string.Join(' ', arguments)}: {code}\n{output}\n{_up.Process.Output}");
        return (code, output);
    }

    private async Task<string> AdminAsync(int expected, string told, params string[] arguments) =>
        (await RunAsync(expected, told, ["db", .. arguments, "--db-admin", _up.Ready.GetProperty("admin").GetString()!])).Output;

    private static Task<(int Code, string Output)> PsqlAsync(string uri, string sql) => Child.RunAsync("psql", [uri, "-w", "-At", "-c", sql]);

    private string Connection(string user, string password) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username={user};Password={password};Database=shop;SSL Mode=Disable;Pooling=false;GSS Encryption Mode=Disable");

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
