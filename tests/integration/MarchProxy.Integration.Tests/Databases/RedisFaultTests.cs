using System.Globalization;
using System.Text;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Databases;

/// <summary>What goes wrong with clients and servers: nobody gets another's reply, nothing is done twice, and memory stays bounded.</summary>
public sealed class RedisFaultTests : IAsyncLifetime
{
    private RedisNode _redis = null!;
    private RedisDoor _door = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisNode.StartAsync();
        _door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {_redis.Port} }}]"));
    }

    public async Task DisposeAsync()
    {
        await _door.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Replies_never_reach_another_client()
    {
        using (RespClient first = await _door.ConnectAsync())
        {
            for (int i = 0; i < 40; i++) Assert.Equal("OK", await first.AskAsync("SET", $"tag:{i}", $"value-{i}-" + new string((char)('a' + (i % 26)), i * 997)));
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(6));
        int answered = 0, left = 0;
        Task[] clients = [.. Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            var random = new Random(i);
            string expected = $"value-{i}-" + new string((char)('a' + (i % 26)), i * 997);
            byte[] batch = [.. Enumerable.Repeat(RespClient.Command("GET", $"tag:{i}"), 20).SelectMany(c => c)];
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    using RespClient client = await _door.ConnectAsync();
                    for (int round = 0; round < 20; round++)
                    {
                        await client.SendAsync(batch);

                        // Some leave in the middle of their replies.
                        int read = random.Next(4) == 0 ? random.Next(20) : 20;
                        for (int n = 0; n < read; n++)
                        {
                            string reply = await client.ReadAsync();
                            if (reply.StartsWith('-')) continue;
                            Assert.Equal(expected, reply);
                            Interlocked.Increment(ref answered);
                        }

                        if (read == 20) continue;
                        Interlocked.Increment(ref left);
                        break;
                    }
                }
                catch (IOException)
                {
                    // The server was killed, or came back.
                }
            }
        }))];
        while (!stop.IsCancellationRequested)
        {
            await Record.ExceptionAsync(() => Task.Delay(1_000, stop.Token));
            await _redis.CliAsync("CLIENT", "KILL", "TYPE", "normal");
        }

        await Task.WhenAll(clients);
        Assert.True(answered > 1_000 && left > 10, $"{answered} answers, {left} left midway");
        Assert.DoesNotContain("defect", _door.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_dies_costs_its_commands_alone_and_nothing_is_done_twice()
    {
        await using RedisNode lasting = await RedisNode.StartAsync("--appendonly", "yes", "--appendfsync", "no");
        await using RedisDoor door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {lasting.Port} }}]"));
        int told = 0, failed = 0;
        using var stop = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            using RespClient client = await door.ConnectAsync();
            while (!stop.IsCancellationRequested)
            {
                string reply = await client.AskAsync("INCR", "hits");
                if (reply.StartsWith("-ERR marchproxy:", StringComparison.Ordinal)) Interlocked.Increment(ref failed);
                else if (reply.StartsWith("-LOADING", StringComparison.Ordinal)) await Task.Delay(5);
                else if (int.TryParse(reply, CultureInfo.InvariantCulture, out int _)) Interlocked.Increment(ref told);
                else Assert.Fail(reply);
            }
        }))];
        await Wait.UntilAsync(() => Volatile.Read(ref told) > 500, () => door.Output);
        await lasting.KillAsync();
        await Wait.UntilAsync(() => Volatile.Read(ref failed) > 0, () => door.Output);
        await lasting.StartAsync();
        int before = Volatile.Read(ref told);
        await Wait.UntilAsync(() => Volatile.Read(ref told) > before + 500, () => door.Output);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        int counted = int.Parse(await lasting.CliAsync("GET", "hits"), CultureInfo.InvariantCulture);
        Assert.InRange(counted, told, told + failed);
        Assert.True(await door.MetricAsync("articdbm_backend_errors_total{database=\"cache\",reason=\"closed\"}") >= 1);
    }

    [Fact]
    public async Task A_transaction_whose_server_dies_ends_the_session()
    {
        using RespClient client = await _door.ConnectAsync();
        Assert.Equal("OK", await client.AskAsync("MULTI"));
        Assert.Equal("QUEUED", await client.AskAsync("SET", "half", "1"));
        await _redis.CliAsync("CLIENT", "KILL", "TYPE", "normal");
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            for (int i = 0; i < 100; i++) await client.AskAsync("SET", "half", "2");
        });
        using RespClient after = await _door.ConnectAsync();
        Assert.Equal("(nil)", await after.AskAsync("GET", "half"));
    }

    [Fact]
    public async Task Garbage_and_oversize_cost_the_one_who_sends_them()
    {
        using RespClient good = await _door.ConnectAsync();
        foreach (string garbage in new[] { "*1\r\n$-1\r\n", "*1\r\n+x\r\n", "*99999999999\r\n", "*2\r\n$03\r\nGET\r\n$1\r\na\r\n", "*1\r\n$999999999\r\n", "\"open\r\n", "*1\r\n$4\r\nPINGxx" })
        {
            using RespClient bad = await _door.ConnectAsync();
            await bad.SendAsync(Encoding.ASCII.GetBytes(garbage));
            Assert.StartsWith("-ERR Protocol error", await bad.ReadAsync(), StringComparison.Ordinal);
            await Assert.ThrowsAnyAsync<IOException>(bad.ReadAsync);
            Assert.Equal("PONG", await good.AskAsync("PING"));
            Assert.Equal("(nil)", await good.AskAsync("GET", "a"));
        }

        // Who has not logged in gets no room at all.
        using RespClient stranger = await RespClient.ConnectAsync(_door.Port);
        await stranger.SendAsync([.. "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$100000\r\n"u8]);
        Assert.StartsWith("-ERR Protocol error", await stranger.ReadAsync(), StringComparison.Ordinal);
        string large = new('x', 5_000_000);
        Assert.Equal("OK", await good.AskAsync("SET", "large", large));
        Assert.Equal(large, await good.AskAsync("GET", "large"));
        Assert.Equal(0, await _door.MetricAsync("articdbm_backend_errors_total"));
    }

    [Fact]
    public async Task A_thousand_half_open_clients_and_one_that_does_not_read_hold_up_nobody()
    {
        var half = new List<RespClient>();
        using RespClient good = await _door.ConnectAsync(), lazy = await _door.ConnectAsync();
        try
        {
            for (int i = 0; i < 1_000; i++)
            {
                RespClient client = await RespClient.ConnectAsync(_door.Port);
                await client.SendAsync([.. "*3\r\n$4\r\nAU"u8]);
                half.Add(client);
            }

            Assert.Equal("OK", await good.AskAsync("SET", "block", new string('b', 1_000_000)));
            for (int i = 0; i < 200; i++) await lazy.SendAsync(RespClient.Command("GET", "block"));
            for (int i = 0; i < 200; i++) Assert.Equal("OK", await good.AskAsync("SET", "a", "b"));
        }
        finally
        {
            foreach (RespClient client in half) client.Dispose();
        }
    }

    [Fact]
    public async Task Reads_go_to_the_replica_and_come_back_to_the_primary_without_it()
    {
        await using RedisNode replica = await RedisNode.StartAsync("--replicaof", "127.0.0.1 " + _redis.Port.ToString(CultureInfo.InvariantCulture));
        await using RedisDoor door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {_redis.Port} }}, {{ host: 127.0.0.1, port: {replica.Port}, role: replica }}], readWriteSplit: true"));
        using RespClient writer = await door.ConnectAsync(), reader = await door.ConnectAsync();
        Assert.Equal("OK", await writer.AskAsync("SET", "where", "1"));
        Assert.Equal("1", await writer.AskAsync("GET", "where"));
        await Wait.UntilAsync(async () => await replica.CliAsync("GET", "where") == "1", () => door.Output);
        await replica.CliAsync("CONFIG", "RESETSTAT");

        // Once the replica is known to follow, it is read from.
        await Wait.UntilAsync(async () => await reader.AskAsync("GET", "where") == "1" && (await replica.CliAsync("INFO", "commandstats")).Contains("cmdstat_get:", StringComparison.Ordinal), () => door.Output);
        await replica.KillAsync();
        await Wait.UntilAsync(async () => await reader.AskAsync("GET", "where") == "1", () => door.Output);
        Assert.StartsWith("-NOPERM", await reader.AskAsync("FLUSHALL"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_follow_the_primary()
    {
        await using RedisNode first = await RedisNode.StartAsync();
        await using RedisNode second = await RedisNode.StartAsync("--replicaof", "127.0.0.1 " + first.Port.ToString(CultureInfo.InvariantCulture));
        await using RedisDoor door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {first.Port} }}, {{ host: 127.0.0.1, port: {second.Port}, role: replica }}], health: {{ interval: 200ms, timeout: 1s, downAfter: 2 }}"));
        using RespClient client = await door.ConnectAsync(), transacting = await door.ConnectAsync();
        Assert.Equal("1", await client.AskAsync("INCR", "n"));
        await Wait.UntilAsync(async () => await second.CliAsync("GET", "n") == "1", () => door.Output);
        await first.KillAsync();
        await second.CliAsync("REPLICAOF", "NO", "ONE");

        // One that was never sent waits for the successor; one that may have been is told of.
        await Wait.UntilAsync(async () => await client.AskAsync("SET", "m", "1") == "OK", () => door.Output);
        Assert.Equal("2", await client.AskAsync("INCR", "n"));
        Assert.Equal("OK", await transacting.AskAsync("MULTI"));
        Assert.Equal("QUEUED", await transacting.AskAsync("INCR", "n"));
        Assert.Equal("[3]", await transacting.AskAsync("EXEC"));
        Assert.Equal("3", await second.CliAsync("GET", "n"));
    }

    [Fact]
    public async Task Tls_serves_both_sides_and_a_database_may_be_one_number()
    {
        TestCertificate.Write(_door.Folder, "redis", "redis.test");
        string chain = _door.Folder["redis.pem"], key = _door.Folder["redis.key"];
        int port = NginxServer.FreePort();
        await using RedisNode secure = await RedisNode.StartAsync("--tls-port", port.ToString(CultureInfo.InvariantCulture), "--tls-cert-file", chain, "--tls-key-file", key, "--tls-auth-clients", "no", "--tls-ca-cert-file", chain);
        await using RedisDoor door = await RedisDoor.StartAsync(
            string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {port} }}], database: \"3\", tls: {{ mode: verify-full, serverName: redis.test, ca: \"file:{chain}\" }}"),
            ", tls: { certificates: [site] }", $"certificates:\n  - {{ name: site, chain: \"file:{chain}\", key: \"file:{key}\" }}");
        (int code, string output) = await Child.RunAsync("redis-cli", ["--tls", "--insecure", "-p", door.Port.ToString(CultureInfo.InvariantCulture), "--user", "app", "-a", RedisDoor.Password, "--no-auth-warning", "SET", "sealed", "1"]);
        Assert.True(code == 0 && output.Trim() == "OK", output + door.Output);
        Assert.Equal("1", await secure.CliAsync("-n", "3", "GET", "sealed"));
        using RespClient client = await door.ConnectAsync();
        Assert.StartsWith("-NOPERM", await client.AskAsync("SELECT", "4"), StringComparison.Ordinal);
        Assert.Equal("1", await client.AskAsync("GET", "sealed"));
    }
}
