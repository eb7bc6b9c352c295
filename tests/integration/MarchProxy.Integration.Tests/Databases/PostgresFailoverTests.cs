using System.Globalization;
using MarchProxy.Integration.Support;
using MarchProxy.Tests;
using Npgsql;

namespace MarchProxy.Integration.Databases;

/// <summary>A real primary with a real streaming standby behind ArticDBM: reads, lag, and what is left when the primary is killed.</summary>
public sealed class PostgresFailoverTests : IAsyncLifetime
{
    private const string Password = "the password of app";
    private readonly PostgresServer _first = new();
    private readonly TempFolder _folder = new();
    private PostgresServer _second = null!;
    private Suite _proxy = null!;
    private int _port;

    public async Task InitializeAsync()
    {
        await _first.InitializeAsync();
        await _first.SqlAsync("CREATE DATABASE bench");
        await _first.SqlAsync("CREATE TABLE hits (id int PRIMARY KEY, n int); INSERT INTO hits VALUES (1, 0); CREATE TABLE marks (id int PRIMARY KEY)", "bench");
        _second = await PostgresServer.FollowAsync(_first);
        _port = NginxServer.FreePort();
        _folder.Write("db.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - name: shop
                engine: postgresql
                database: bench
                servers: [{ host: 127.0.0.1, port: {{_first.PortNumber}} }, { host: 127.0.0.1, port: {{_second.PortNumber}}, role: replica }]
                credential: { user: march, password: unused }
                pool: { size: 8, queueTimeout: 30s }
                health: { interval: 200ms, timeout: 1s, maxReplicaLag: 1s }
                readWriteSplit: true
            accounts:
              - { name: app, password: "{{Password}}" }
            grants:
              - { account: app, database: shop, actions: [select, insert, update, delete, ddl, call] }
            listeners:
              - { name: pg, port: {{_port}}, purpose: database, engine: postgresql }
            """));
        _proxy = await Suite.StartAsync(_folder, "run", "articdbm", "--file", _folder["db.yaml"], "--db-admin-listen", "127.0.0.1:0");
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _proxy.DisposeAsync();
        await _second.DisposeAsync();
        await _first.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Reads_go_to_the_standby_while_it_keeps_up()
    {
        await UntilReadsAreAtAsync(_second);
        await _second.SqlAsync("SELECT pg_wal_replay_pause()");
        await using (NpgsqlConnection writer = await OpenAsync())
        {
            await ScalarAsync(writer, "UPDATE hits SET n = n + 1 WHERE id = 1 RETURNING n");
            // A session sees what it has written, though the standby does not.
            Assert.Equal(1, await ScalarAsync(writer, "SELECT n FROM hits WHERE id = 1"));
        }

        await UntilReadsAreAtAsync(_first);
        await _second.SqlAsync("SELECT pg_wal_replay_resume()");
        await UntilReadsAreAtAsync(_second);
    }

    [Fact]
    public async Task Writes_follow_the_primary_and_none_is_done_twice()
    {
        await UntilReadsAreAtAsync(_second);
        int next = 0, acknowledged = 0, unknown = 0;
        using var end = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                int id = Interlocked.Increment(ref next);
                try
                {
                    await using NpgsqlConnection connection = await OpenAsync();
                    await ScalarAsync(connection, $"INSERT INTO marks VALUES ({id}) RETURNING id");
                    Interlocked.Increment(ref acknowledged);
                }
                catch (NpgsqlException e)
                {
                    // The statement may have run, and is not told as done; it must never have been tried again, which would be told as a duplicate key.
                    Assert.NotEqual("23505", e.SqlState);
                    Interlocked.Increment(ref unknown);
                }
            }
        }))];
        await Wait.UntilAsync(() => Task.FromResult(Volatile.Read(ref acknowledged) > 200), () => _proxy.Process.Output);
        await _first.KillAsync();
        int before = Volatile.Read(ref acknowledged);
        await _second.PromoteAsync();
        await Wait.UntilAsync(() => Task.FromResult(Volatile.Read(ref acknowledged) > before + 200), () => _proxy.Process.Output);
        await end.CancelAsync();
        await Task.WhenAll(writers);
        await using NpgsqlConnection reader = await OpenAsync();
        Assert.Equal(_second.PortNumber, await ScalarAsync(reader, "INSERT INTO hits VALUES (2, 0) RETURNING inet_server_port()"));
        Assert.InRange((long)(await ScalarAsync(reader, "SELECT count(*) FROM marks"))!, before - 6, acknowledged + unknown);
        Assert.InRange(unknown, 0, 12);
        Assert.Contains("writes go to another server now", _proxy.Process.Output, StringComparison.Ordinal);

        // The old primary comes back and believes that it still is one: it gets nothing by that, and the operator is told.
        await _first.StartAsync();
        await Wait.UntilAsync(() => _proxy.Process.Output.Contains("two servers say that they are the primary", StringComparison.Ordinal), () => _proxy.Process.Output);
        Assert.Equal(_second.PortNumber, await ScalarAsync(reader, "INSERT INTO hits VALUES (3, 0) RETURNING inet_server_port()"));
    }

    private async Task UntilReadsAreAtAsync(PostgresServer server) => await Wait.UntilAsync(
        async () =>
        {
            await using NpgsqlConnection connection = await OpenAsync();
            return Equals(await ScalarAsync(connection, "SELECT inet_server_port()"), server.PortNumber);
        },
        () => _proxy.Process.Output);

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=app;Password={Password};Database=shop;SSL Mode=Disable;Pooling=false;GSS Encryption Mode=Disable;Timeout=60;Command Timeout=60"));
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
