using System.Globalization;
using MarchProxy.Integration.Support;
using MarchProxy.Tests;
using Npgsql;

namespace MarchProxy.Integration.Databases;

/// <summary>ArticDBM before a real PostgreSQL, with clients that do not know of it: psql, pgbench, Npgsql.</summary>
public sealed class PostgresTests : IAsyncLifetime
{
    private const string AppPassword = "the password of app", AnalystPassword = "the password of analyst";
    private readonly PostgresServer _postgres = new();
    private readonly TempFolder _folder = new();
    private Suite _proxy = null!;
    private int _port;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        await _postgres.SqlAsync("CREATE DATABASE bench");
        await Child.RunAsync(Path.Combine(_postgres.Tools, "pgbench"), ["-i", "-q", "-h", "127.0.0.1", "-p", Text(_postgres.PortNumber), "-U", "march", "bench"]);
        await _postgres.SqlAsync("CREATE TABLE hits (id int PRIMARY KEY, n int); INSERT INTO hits VALUES (1, 0); CREATE TABLE secret (x int)", "bench");
        await _postgres.DemandPasswordAsync("the password of march");
        await StartAsync("");
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _proxy.DisposeAsync();
        await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Psql_works_as_on_the_server_itself()
    {
        Assert.Contains("100000", await PsqlAsync("SELECT count(*) FROM pgbench_accounts"), StringComparison.Ordinal);
        Assert.Contains("division by zero", await PsqlAsync("SELECT 1/0"), StringComparison.Ordinal);
        string script = _folder.Write("script.sql", """
            BEGIN; INSERT INTO hits VALUES (7, 7); ROLLBACK;
            SELECT 'rolled back: ' || count(*) FROM hits WHERE id = 7;
            CREATE TABLE copied (a int, b text);
            COPY copied FROM STDIN;
            1	one
            2	two
            \.
            COPY copied TO STDOUT;
            SELECT 'zone: ' || current_setting('TimeZone') FROM (SELECT set_config('TimeZone', 'Asia/Tokyo', false)) s;
            SHOW TimeZone;
            DROP TABLE IF EXISTS nothing_there;
            \d copied
            """);
        string output = await PsqlAsync("-f", script);
        foreach (string told in new[] { "rolled back: 0", "1\tone", "2\ttwo", "Asia/Tokyo", "nothing_there", "integer" }) Assert.Contains(told, output, StringComparison.Ordinal);
        Assert.DoesNotContain("ERROR", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("simple")]
    [InlineData("extended")]
    [InlineData("prepared")]
    public async Task Pgbench_runs_in_every_mode_with_more_clients_than_connections(string mode)
    {
        (int code, string output) = await Child.RunAsync(Path.Combine(_postgres.Tools, "pgbench"), ["-h", "127.0.0.1", "-p", Text(_port), "-U", "app", "-n", "-c", "40", "-j", "2", "-t", "25", "-M", mode, "shop"], ("PGPASSWORD", AppPassword));
        Assert.True(code == 0 && output.Contains("number of failed transactions: 0", StringComparison.Ordinal) && output.Contains("1000/1000", StringComparison.Ordinal), output);
        Assert.True(await ServerConnectionsAsync() <= 8);
    }

    [Fact]
    public async Task Npgsql_prepares_pipelines_and_cancels()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(Connection("app", AppPassword) + ";Max Auto Prepare=20;Auto Prepare Min Usages=2");
        for (int i = 0; i < 60; i++)
        {
            await using NpgsqlConnection connection = await source.OpenConnectionAsync();
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("SELECT $1 + 1") { Parameters = { new() { Value = i } } },
                    new NpgsqlBatchCommand("SELECT aid FROM pgbench_accounts WHERE aid = $1") { Parameters = { new() { Value = i + 1 } } },
                },
            };
            await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync();
            Assert.True(await reader.ReadAsync());
            Assert.Equal(i + 1, reader.GetInt32(0));
            Assert.True(await reader.NextResultAsync() && await reader.ReadAsync());
            Assert.Equal(i + 1, reader.GetInt32(0));
        }

        await using NpgsqlConnection busy = await source.OpenConnectionAsync();
        await using var slow = new NpgsqlCommand("SELECT pg_sleep(30)", busy);
        Task<int> running = slow.ExecuteNonQueryAsync();
        await Wait.UntilAsync(async () => (await PsqlAsync("SELECT 'running: ' || count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")).Contains("running: 1", StringComparison.Ordinal), () => _proxy.Process.Output);
        slow.Cancel();
        Assert.Equal("57014", Assert.IsType<PostgresException>((await Assert.ThrowsAsync<OperationCanceledException>(() => running)).InnerException).SqlState);
        await using var after = new NpgsqlCommand("SELECT 5", busy);
        Assert.Equal(5, await after.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Answers_never_reach_another_client()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(Connection("app", AppPassword) + ";Maximum Pool Size=40");
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (i, _) =>
        {
            await using NpgsqlConnection connection = await source.OpenConnectionAsync(CancellationToken.None);
            await using var command = new NpgsqlCommand(i % 3 == 0 ? $"SELECT 'tag-{i}'" : i % 3 == 1 ? $"SELECT 'tag-{i}', pg_sleep(0.01)" : $"SELECT 'tag-{i}' FROM generate_series(1, 200)", connection);
            if (i % 10 == 0)
            {
                // Cancelled in the middle: its answer, or its error, must not reach the next.
                await using var cancelled = new NpgsqlCommand("SELECT pg_sleep(1)", connection);
                Task<object?> run = cancelled.ExecuteScalarAsync(CancellationToken.None);
                cancelled.Cancel();
                await Record.ExceptionAsync(() => run);
            }

            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None)) Assert.Equal($"tag-{i}", reader.GetString(0));
        });
    }

    [Fact]
    public async Task Grants_are_kept_and_the_session_stays_usable()
    {
        await using var analyst = new NpgsqlConnection(Connection("analyst", AnalystPassword));
        await analyst.OpenAsync();
        Assert.Equal(100_000L, await ScalarAsync(analyst, "SELECT count(*) FROM pgbench_accounts"));
        foreach (string refused in new[] { "SELECT * FROM secret", "DELETE FROM pgbench_accounts WHERE aid = 1", "SELECT 1; DROP TABLE pgbench_accounts", "WITH gone AS (DELETE FROM pgbench_tellers RETURNING *) SELECT * FROM gone", "COPY pgbench_accounts TO PROGRAM 'cat'" })
        {
            PostgresException told = await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(analyst, refused));
            Assert.True(told.SqlState == "42501", $"{refused}: {told.SqlState} {told.MessageText}");
            Assert.Contains("marchproxy:", told.Detail, StringComparison.Ordinal);
            Assert.Equal(1, await ScalarAsync(analyst, "SELECT 1"));
        }

        // A refusal in the middle of a series undoes what the series did before it, as an error of the server's would.
        await using var app = new NpgsqlConnection(Connection("app", AppPassword));
        await app.OpenAsync();
        await using var series = new NpgsqlBatch(app) { BatchCommands = { new NpgsqlBatchCommand("UPDATE hits SET n = n + 100 WHERE id = 1"), new NpgsqlBatchCommand("ALTER ROLE march SUPERUSER") } };
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => series.ExecuteNonQueryAsync())).SqlState);
        Assert.Equal(0, await ScalarAsync(app, "SELECT n FROM hits WHERE id = 1"));
    }

    [Theory]
    [InlineData("app", "wrong", "shop", "password authentication failed")]
    [InlineData("nobody", AppPassword, "shop", "password authentication failed")]
    [InlineData("app", AppPassword, "nowhere", "There is no database \"nowhere\"")]
    [InlineData("analyst", AnalystPassword, "empty", "No grant lets the account \"analyst\" use the database \"empty\"")]
    [InlineData("far", AppPassword, "shop", "may not come from 127.0.0.1")]
    [InlineData("late", AppPassword, "shop", "has expired")]
    public async Task Who_may_not_is_told_why(string user, string password, string database, string told)
    {
        (int code, string output) = await Child.RunAsync("psql", ["-h", "127.0.0.1", "-p", Text(_port), "-U", user, "-c", "SELECT 1", database], ("PGPASSWORD", password));
        Assert.NotEqual(0, code);
        Assert.Contains(told, output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_server_that_dies_costs_its_statements_alone_and_nothing_is_done_twice()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(Connection("app", AppPassword) + ";Maximum Pool Size=8;Timeout=15");
        int told = 0, failed = 0;
        using var stop = new CancellationTokenSource();
        Task[] writers =
        [
            .. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    try
                    {
                        await using NpgsqlConnection connection = await source.OpenConnectionAsync();
                        await using var command = new NpgsqlCommand("UPDATE hits SET n = n + 1 WHERE id = 1", connection);
                        await command.ExecuteNonQueryAsync();
                        Interlocked.Increment(ref told);
                    }
                    catch (NpgsqlException)
                    {
                        Interlocked.Increment(ref failed);
                    }
                }
            })),
        ];
        await Wait.UntilAsync(() => Volatile.Read(ref told) > 50, () => _proxy.Process.Output);
        await _postgres.KillAsync();
        await Wait.UntilAsync(() => Volatile.Read(ref failed) > 0, () => _proxy.Process.Output);
        await _postgres.StartAsync();
        int before = Volatile.Read(ref told);
        await Wait.UntilAsync(() => Volatile.Read(ref told) > before + 50, () => _proxy.Process.Output);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await using NpgsqlConnection last = await source.OpenConnectionAsync();
        int counted = (int)(await ScalarAsync(last, "SELECT n FROM hits WHERE id = 1"))!;

        // Each that was told of happened once; of those that failed, each happened once at most.
        Assert.InRange(counted, told, told + failed);
        Assert.DoesNotContain("defect", _proxy.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_session_leaves_behind_reaches_nobody_else()
    {
        await using (var first = new NpgsqlConnection(Connection("app", AppPassword) + ";Pooling=false"))
        {
            await first.OpenAsync();
            await ScalarAsync(first, "CREATE TEMP TABLE mine (x int)");
            await ScalarAsync(first, "SET search_path TO nowhere");
            Assert.Equal("nowhere", await ScalarAsync(first, "SHOW search_path"));
            Assert.Equal(0L, await ScalarAsync(first, "SELECT count(*) FROM mine"));
        }

        await Parallel.ForEachAsync(Enumerable.Range(0, 30), async (_, _) =>
        {
            await using var other = new NpgsqlConnection(Connection("app", AppPassword) + ";Pooling=false;Timezone=Asia/Tokyo");
            await other.OpenAsync(CancellationToken.None);
            Assert.Equal("\"$user\", public", await ScalarAsync(other, "SHOW search_path"));
            Assert.Equal("Asia/Tokyo", await ScalarAsync(other, "SHOW TimeZone"));
            Assert.Equal("42P01", (await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(other, "SELECT * FROM mine"))).SqlState);
        });
        await using var plain = new NpgsqlConnection(Connection("app", AppPassword) + ";Pooling=false");
        await plain.OpenAsync();
        Assert.NotEqual("Asia/Tokyo", await ScalarAsync(plain, "SHOW TimeZone"));
    }

    [Fact]
    public async Task Notifications_reach_the_session_that_listens()
    {
        await using var listener = new NpgsqlConnection(Connection("app", AppPassword) + ";Pooling=false");
        await listener.OpenAsync();
        string? heard = null;
        listener.Notification += (_, e) => heard = e.Payload;
        await ScalarAsync(listener, "LISTEN channel");
        await PsqlAsync("NOTIFY channel, 'hello'");
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("hello", heard);

        // The account is taken away: it hears nothing more.
        File.WriteAllText(_folder["db.yaml"], Resources("").Replace("- { name: app,", "- { name: app2,", StringComparison.Ordinal).Replace("account: app,", "account: app2,", StringComparison.Ordinal));
        await Assert.ThrowsAnyAsync<NpgsqlException>(async () =>
        {
            while (await listener.WaitAsync(TimeSpan.FromSeconds(20)))
            {
            }
        });
        Assert.NotEqual(System.Data.ConnectionState.Open, listener.State);
    }

    [Fact]
    public async Task The_example_is_served_in_up_as_far_as_it_says()
    {
        string example = (await File.ReadAllTextAsync(Path.Combine(House(), "examples", "databases.yaml")))
            .Replace("port: 5499", "port: " + Text(_postgres.PortNumber), StringComparison.Ordinal).Replace("user: postgres, password: \"env:PG_PASSWORD\"", "user: march, password: \"the password of march\"", StringComparison.Ordinal)
            .Replace("env:MYSQL_PASSWORD", "none", StringComparison.Ordinal).Replace("env:APP_PASSWORD", AppPassword, StringComparison.Ordinal).Replace("env:ANALYST_PASSWORD", AnalystPassword, StringComparison.Ordinal)
            .Replace("port: 15432", "port: 0", StringComparison.Ordinal).Replace("port: 13306", "port: 0", StringComparison.Ordinal).Replace("port: 16379", "port: 0", StringComparison.Ordinal);
        await using Suite up = await Suite.StartAsync(_folder, "up", "--data", _folder["up"], "--apply", _folder.Write("example.yaml", example), "--manager-listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--access-log", "off");
        string port = up["pg"][(up["pg"].LastIndexOf(':') + 1)..];
        (int code, string output) = await Child.RunAsync("psql", ["-h", "127.0.0.1", "-p", port, "-U", "analyst", "-At", "-c", "SELECT count(*) FROM pgbench_accounts", "shop"], ("PGPASSWORD", AnalystPassword));
        Assert.True(code == 0 && output.Contains("100000", StringComparison.Ordinal), output + up.Process.Output);
        (code, output) = await Child.RunAsync("psql", ["-h", "127.0.0.1", "-p", port, "-U", "app", "-At", "-c", "SELECT passwd FROM pg_shadow WHERE usename = '' OR '1' = '1'", "shop"], ("PGPASSWORD", AppPassword));
        Assert.True(code != 0 && output.Contains("marchproxy:", StringComparison.Ordinal), output);
        Assert.NotEmpty(up["my"]);
        await Suite.RunAsync(_folder, "login", up.Manager);
        await Wait.UntilAsync(async () => (await Suite.RunAsync(_folder, "get", "proxies")).Output.Contains("articdbm", StringComparison.Ordinal), () => up.Process.Output);
        (_, output) = await Suite.RunAsync(_folder, "get", "accounts", "-o", "json");
        Assert.DoesNotContain("SCRAM", output, StringComparison.Ordinal);

        // The same file again changes nothing: the same password keeps the same proof.
        (_, output) = await Suite.RunAsync(_folder, "apply", "-f", _folder["example.yaml"]);
        Assert.Contains("account/app unchanged", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edit_of_the_file_is_obeyed_by_open_sessions()
    {
        await using var app = new NpgsqlConnection(Connection("app", AppPassword) + ";Pooling=false");
        await app.OpenAsync();
        Assert.Equal(0, await ScalarAsync(app, "SELECT n FROM hits WHERE id = 1"));
        File.WriteAllText(_folder["db.yaml"], Resources("").Replace("actions: [select, insert, update, delete, ddl, call]", "actions: [insert]", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await Record.ExceptionAsync(() => ScalarAsync(app, "SELECT n FROM hits WHERE id = 1"))) is PostgresException { SqlState: "42501" }, () => _proxy.Process.Output);
        File.WriteAllText(_folder["db.yaml"], Resources("").Replace("- { name: app,", "- { name: app2,", StringComparison.Ordinal).Replace("account: app,", "account: app2,", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await Record.ExceptionAsync(() => ScalarAsync(app, "SELECT 1"))) is NpgsqlException, () => _proxy.Process.Output);
    }

    private async Task StartAsync(string more)
    {
        _port = NginxServer.FreePort();
        _folder.Write("db.yaml", Resources(more));
        _proxy = await Suite.StartAsync(_folder, "run", "articdbm", "--file", _folder["db.yaml"], "--db-admin-listen", "127.0.0.1:0", "--statement-log", _folder["statements.log"]);
    }

    private string Resources(string more) => string.Create(CultureInfo.InvariantCulture, $$"""
        databases:
          - { name: shop, engine: postgresql, database: bench, servers: [{ host: 127.0.0.1, port: {{_postgres.PortNumber}} }], credential: { user: march, password: "the password of march" }, pool: { size: 8 } }
          - { name: empty, engine: postgresql, database: postgres, servers: [{ host: 127.0.0.1, port: {{_postgres.PortNumber}} }], credential: { user: march, password: "the password of march" } }
        accounts:
          - { name: app, password: "{{AppPassword}}" }
          - { name: analyst, password: "{{AnalystPassword}}" }
          - { name: far, password: "{{AppPassword}}", allowFrom: [10.0.0.0/8] }
          - { name: late, password: "{{AppPassword}}", expiresAt: 2020-01-01T00:00:00Z }
        grants:
          - { account: app, database: shop, actions: [select, insert, update, delete, ddl, call] }
          - { account: analyst, database: shop, tables: "pgbench_*", actions: [select] }
          - { account: far, database: shop, actions: [select] }
          - { account: late, database: shop, actions: [select] }
        listeners:
          - { name: pg, port: {{_port}}, purpose: database, engine: postgresql }
        {{more}}
        """);

    private static string House()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MarchProxy.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }

    private string Connection(string user, string password) => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username={user};Password={password};Database=shop;SSL Mode=Disable;Include Error Detail=true;GSS Encryption Mode=Disable");

    private async Task<string> PsqlAsync(params string[] arguments) =>
        (await Child.RunAsync("psql", ["-h", "127.0.0.1", "-p", Text(_port), "-U", "app", "-At", .. arguments.Length == 1 ? ["-c", arguments[0]] : arguments, "shop"], ("PGPASSWORD", AppPassword))).Output;

    private async Task<int> ServerConnectionsAsync()
    {
        string output = await PsqlAsync("SELECT count(*) FROM pg_stat_activity WHERE application_name <> '' AND datname = 'bench' AND backend_type = 'client backend'");
        return int.Parse(output.Trim(), CultureInfo.InvariantCulture);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
