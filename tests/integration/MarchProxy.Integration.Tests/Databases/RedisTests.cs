using System.Globalization;
using MarchProxy.Integration.Support;
using StackExchange.Redis;

namespace MarchProxy.Integration.Databases;

/// <summary>ArticDBM before a real Redis, with clients that do not know of it: redis-cli, redis-benchmark, redis-py, StackExchange.Redis.</summary>
public sealed class RedisTests : IAsyncLifetime
{
    private RedisNode _redis = null!;
    private RedisDoor _door = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisNode.StartAsync("--requirepass", "the password of redis");
        _door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {_redis.Port} }}], credential: {{ password: \"the password of redis\" }}, pool: {{ size: 30 }}"));
    }

    public async Task DisposeAsync()
    {
        await _door.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Redis_cli_works_as_on_the_server_itself()
    {
        Assert.Equal("OK", await CliAsync("app", "SET", "greeting", "hello world"));
        Assert.Equal("hello world", await CliAsync("app", "GET", "greeting"));
        Assert.Equal("PONG", await CliAsync("default", "PING"));
        Assert.Equal("NOPERM FLUSHALL takes a grant of admin (marchproxy: not-granted)", await CliAsync("app", "FLUSHALL"));
        Assert.Equal("OK", await CliAsync("boss", "FLUSHALL"));
        Assert.Equal("1", await CliAsync("boss", "EVAL", "return redis.call('INCRBY', KEYS[1], ARGV[1])", "1", "n", "1"));
        (_, string output) = await Child.RunAsync("redis-cli", ["-3", "-p", Text(_door.Port), "--user", "app", "-a", RedisDoor.Password, "--no-auth-warning", "HSET", "h", "a", "1"]);
        Assert.Equal("1", output.Trim());
    }

    [Fact]
    public async Task A_pause_holds_commands_and_loses_none()
    {
        Assert.Equal("OK", await CliAsync("app", "SET", "held", "1"));
        Assert.Contains("\"inUse\":0", await _door.PauseAsync(true), StringComparison.Ordinal);
        Assert.Equal(0, await _door.MetricAsync("articdbm_server_connections"));
        Task<string>[] held = [.. Enumerable.Range(0, 8).Select(_ => CliAsync("app", "INCR", "held"))];
        await Wait.UntilAsync(async () => await _door.MetricAsync("articdbm_active_connections") >= 8, () => _door.Output);
        Assert.All(held, h => Assert.False(h.IsCompleted));
        await _door.PauseAsync(false);
        Assert.Equal(["2", "3", "4", "5", "6", "7", "8", "9"], (await Task.WhenAll(held)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Redis_benchmark_runs_with_and_without_a_pipeline()
    {
        foreach (string pipeline in new[] { "1", "16" })
        {
            (int code, string output) = await Child.RunAsync("redis-benchmark", ["-p", Text(_door.Port), "--user", "app", "-a", RedisDoor.Password, "-c", "50", "-n", "20000", "-P", pipeline, "-q", "-t", "set,get,incr,lpush,mset"]);
            Assert.True(code == 0 && output.Contains("MSET (10 keys):", StringComparison.Ordinal) && !output.Contains("Error from server", StringComparison.Ordinal), output);
        }

        // Fifty clients went over a connection a loop.
        Assert.InRange(await _door.MetricAsync("articdbm_server_connections"), 1, 30);
        Assert.True(await _door.MetricAsync("articdbm_queries_total") >= 200_000);
        await Wait.UntilAsync(() => File.ReadAllText(_door.StatementLog).Contains("\"fingerprint\":\"SET ? ?\",\"decision\":\"allow\",\"count\":", StringComparison.Ordinal), () => _door.Output);
    }

    [Fact]
    public async Task Redis_py_uses_pipelines_transactions_scripts_and_channels()
    {
        string script = _door.Folder.Write("client.py", $$"""
            import redis, threading
            def client(user): return redis.Redis(host='127.0.0.1', port={{_door.Port}}, username=user, password='{{RedisDoor.Password}}', decode_responses=True)
            r = client('app')
            p = r.pipeline(transaction=False)
            for i in range(10000): p.set('k%d' % i, i).get('k%d' % i)
            answers = p.execute()
            assert answers[1::2] == [str(i) for i in range(10000)], answers[:4]
            with r.pipeline() as t:
                t.multi(); t.incr('n'); t.incr('n'); assert t.execute() == [1, 2]
            with r.pipeline() as t:
                t.watch('n'); v = int(t.get('n')); client('app').incr('n'); t.multi(); t.set('n', v + 100)
                try: t.execute(); raise SystemExit('the watch was not kept')
                except redis.WatchError: pass
            assert r.get('n') == '3'
            boss = client('boss')
            assert boss.register_script("return {KEYS[1], ARGV[1]}")(keys=['a'], args=['b']) == ['a', 'b']
            s = r.pubsub(); s.subscribe('news'); assert s.get_message(timeout=20)['type'] == 'subscribe'
            assert r.publish('news', 'hello') == 1
            assert s.get_message(timeout=20)['data'] == 'hello'
            s.unsubscribe(); s.close()
            got = []
            waiter = threading.Thread(target=lambda: got.append(client('app').blpop('jobs', 30)))
            waiter.start()
            while not boss.execute_command('CLIENT LIST') or not r.rpush('jobs', 'one'): pass
            waiter.join(30); assert got == [('jobs', 'one')], got
            assert len(list(r.scan_iter('k1*', count=1000))) == 1111
            print('all well')
            """);
        (int code, string output) = await Child.RunAsync("/usr/bin/python3", [script]);
        Assert.True(code == 0 && output.Contains("all well", StringComparison.Ordinal), output + _door.Output);
    }

    [Fact]
    public async Task StackExchange_Redis_multiplexes_transacts_and_subscribes()
    {
        var options = new ConfigurationOptions { EndPoints = { { "127.0.0.1", _door.Port } }, User = "app", Password = RedisDoor.Password, AbortOnConnectFail = true };
        await using ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(options);
        IDatabase database = multiplexer.GetDatabase();
        Task<RedisValue>[] gets = [.. Enumerable.Range(0, 2000).Select(async i =>
        {
            await database.StringSetAsync($"se:{i}", i);
            return await database.StringGetAsync($"se:{i}");
        })];
        Assert.Equal(Enumerable.Range(0, 2000), (await Task.WhenAll(gets)).Select(v => (int)v));
        ITransaction transaction = database.CreateTransaction();
        transaction.AddCondition(Condition.KeyNotExists("se:new"));
        Task<bool> set = transaction.StringSetAsync("se:new", "x");
        Assert.True(await transaction.ExecuteAsync() && await set);
        var heard = new TaskCompletionSource<string>();
        await multiplexer.GetSubscriber().SubscribeAsync(RedisChannel.Literal("se"), (_, message) => heard.TrySetResult(message!));
        await multiplexer.GetSubscriber().PublishAsync(RedisChannel.Literal("se"), "hi");
        Assert.Equal("hi", await heard.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Who_may_not_come_in_is_told_alike()
    {
        using RespClient client = await RespClient.ConnectAsync(_door.Port);
        Assert.Equal("-NOAUTH Authentication required.", await client.AskAsync("GET", "a"));
        Assert.Equal("-NOAUTH Authentication required.", await client.AskAsync("PING"));
        string wrong = await client.AskAsync("AUTH", "app", "wrong");
        Assert.StartsWith("-WRONGPASS", wrong, StringComparison.Ordinal);
        Assert.Equal(wrong, await client.AskAsync("AUTH", "nobody", "wrong"));
        Assert.Equal(wrong, await client.AskAsync("HELLO", "3", "AUTH", "nobody", "wrong"));
        Assert.StartsWith("-NOAUTH HELLO must", await client.AskAsync("HELLO", "3"), StringComparison.Ordinal);
        Assert.StartsWith("-NOPERM No grant lets the account \"stranger\"", await client.AskAsync("AUTH", "stranger", RedisDoor.Password), StringComparison.Ordinal);
        Assert.Equal("OK", await client.AskAsync("AUTH", RedisDoor.Password));
        Assert.Equal("default", await client.AskAsync("ACL", "WHOAMI"));
        Assert.Equal("[server redis version 7", (await client.AskAsync("HELLO", "3", "AUTH", "app", RedisDoor.Password, "SETNAME", "me"))[..23]);
        Assert.Equal("me", await client.AskAsync("CLIENT", "GETNAME"));
        Assert.Equal("RESET", await client.AskAsync("RESET"));
        Assert.Equal("-NOAUTH Authentication required.", await client.AskAsync("GET", "a"));
        Assert.Equal(2, await _door.MetricAsync("articdbm_auth_failures_total{reason=\"no-account\"}"));
        for (int i = 0; i < 30 && !(await client.AskAsync("AUTH", "app", "wrong")).Contains("too many", StringComparison.Ordinal); i++) Assert.NotEqual(29, i);
    }

    [Fact]
    public async Task Grants_hold_by_action_and_by_key_and_the_session_stays_usable()
    {
        using RespClient part = await _door.ConnectAsync("part"), reader = await _door.ConnectAsync("reader"), boss = await _door.ConnectAsync("boss"), slow = await _door.ConnectAsync("slow");
        Assert.Equal("OK", await part.AskAsync("SET", "part:a", "1"));
        foreach (string[] refused in new string[][] { ["GET", "other"], ["MGET", "part:a", "other"], ["RENAME", "part:a", "other"], ["SCAN", "0"], ["SORT", "part:a", "BY", "other*"], ["EVAL", "return 1", "0"], ["SUBSCRIBE", "other"], ["PSUBSCRIBE", "part:?"], ["ZUNIONSTORE", "part:z", "2", "part:a", "other"], ["RANDOMKEY"] })
        {
            Assert.StartsWith("-NOPERM", await part.AskAsync(refused), StringComparison.Ordinal);
            Assert.Equal("1", await part.AskAsync("GET", "part:a"));
        }

        Assert.Equal("1", await reader.AskAsync("GET", "part:a"));
        foreach (string[] refused in new string[][] { ["SET", "x", "1"], ["EVAL", "return 1", "0"], ["KEYS", "*"], ["CONFIG", "GET", "*"], ["MONITOR"], ["DEBUG", "SLEEP", "0"], ["CLIENT", "KILL", "ID", "1"], ["NOSUCHCOMMAND"], ["SHUTDOWN"], ["REPLICAOF", "no", "one"], ["SCRIPT", "FLUSH"], ["ACL", "LIST"], ["CLUSTER", "INFO"] })
        {
            Assert.StartsWith("-NOPERM", await reader.AskAsync(refused), StringComparison.Ordinal);
        }

        Assert.StartsWith("[maxclients", await boss.AskAsync("CONFIG", "GET", "maxclients"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR unknown command", await boss.AskAsync("NOSUCHCOMMAND"), StringComparison.Ordinal);

        // What is refused within a transaction refuses all of it.
        foreach ((string[] command, string reply) in new (string[], string)[] { (["MULTI"], "OK"), (["INCR", "part:n"], "QUEUED"), (["GET", "other"], "-NOPERM GET takes a grant of read on \"other\" (marchproxy: not-granted)"), (["EXEC"], "-EXECABORT Transaction discarded because of previous errors."), (["GET", "part:n"], "(nil)") })
        {
            Assert.Equal(reply, await part.AskAsync(command));
        }

        int limited = 0;
        for (int i = 0; i < 30; i++) limited += (await slow.AskAsync("GET", "a")).Contains("rate-limit", StringComparison.Ordinal) ? 1 : 0;
        Assert.InRange(limited, 10, 29);
        Assert.True(await _door.MetricAsync("articdbm_denied_total{reason=\"not-granted\"}") >= 20);
    }

    [Fact]
    public async Task The_firewall_refuses_scripts_and_smuggled_commands()
    {
        using RespClient boss = await _door.ConnectAsync("boss"), app = await _door.ConnectAsync();
        Assert.Contains("rule script-escape", await boss.AskAsync("EVAL", "return loadstring(ARGV[1])()", "0", "x"), StringComparison.Ordinal);
        Assert.Contains("rule resp-smuggling", await app.AskAsync("GET", "a\r\n*1\r\n$8\r\nFLUSHALL\r\n"), StringComparison.Ordinal);
        Assert.Equal("OK", await app.AskAsync("SET", "doc", "line\r\n*1\r\n$8\r\nFLUSHALL\r\n"));
        Assert.Equal(1, await _door.MetricAsync("articdbm_sql_injection_attempts_total{rule=\"resp-in-value\",mode=\"monitor\"}"));
        using RespClient http = await RespClient.ConnectAsync(_door.Port);
        await http.SendAsync([.. "POST / HTTP/1.1\r\nHost: redis\r\n\r\nFLUSHALL\r\n"u8]);
        await Assert.ThrowsAnyAsync<IOException>(http.ReadAsync);
    }

    [Fact]
    public async Task What_keeps_a_connection_gives_it_back()
    {
        using RespClient a = await _door.ConnectAsync(), b = await _door.ConnectAsync();
        Assert.Equal("[server", (await a.AskAsync("HELLO", "3"))[..7]);
        Assert.Equal("OK", await a.AskAsync("CLIENT", "TRACKING", "ON"));
        Assert.Equal("(nil)", await a.AskAsync("GET", "tracked"));
        Assert.Equal("OK", await b.AskAsync("SET", "tracked", "1"));
        Assert.Equal("push[invalidate [tracked]]", await a.ReadAsync());
        Assert.StartsWith("-ERR marchproxy: CLIENT TRACKING", await b.AskAsync("CLIENT", "TRACKING", "ON"), StringComparison.Ordinal);

        // RESP2: messages between replies, and a refusal in its place.
        Assert.Equal("[subscribe news 1]", await b.AskAsync("SUBSCRIBE", "news"));
        Assert.Equal("1", await a.AskAsync("PUBLISH", "news", "x"));
        Assert.Equal("[message news x]", await b.ReadAsync());
        Assert.Equal("[pong ]", await b.AskAsync("PING"));
        Assert.StartsWith("-ERR Can't execute", await b.AskAsync("GET", "a"), StringComparison.Ordinal);
        Assert.Equal("RESET", await b.AskAsync("RESET"));
        Assert.Equal("OK", await b.AskAsync("AUTH", "app", RedisDoor.Password));
        Assert.Equal("1", await b.AskAsync("GET", "tracked"));

        // A client that leaves while it waits leaves nothing behind.
        using (RespClient gone = await _door.ConnectAsync()) await gone.SendAsync(RespClient.Command("BLPOP", "queue", "0"));
        Assert.Equal("(nil)", await b.AskAsync("BLPOP", "queue", "0.1"));
        Assert.Equal("OK", await b.AskAsync("SELECT", "5"));
        Assert.Equal("(nil)", await b.AskAsync("GET", "tracked"));
        Assert.Equal("-ERR marchproxy: ERR DB index is out of range", await b.AskAsync("SELECT", "77"));
        Assert.Equal("OK", await b.AskAsync("SELECT", "0"));
        Assert.Equal("1", await b.AskAsync("GET", "tracked"));
        foreach (string reason in new[] { "tracking", "pubsub", "blocking" }) Assert.True(await _door.MetricAsync($"articdbm_session_pins_total{{reason=\"{reason}\"}}") >= 1, reason);
        using RespClient boss = await _door.ConnectAsync("boss");
        Assert.Equal("OK", await boss.AskAsync("MONITOR"));
        Assert.Equal("1", await b.AskAsync("GET", "tracked"));
        string line;
        do line = await boss.ReadAsync();
        while (!line.Contains("\"GET\" \"tracked\"", StringComparison.Ordinal));
        Assert.Equal("0", await b.AskAsync("WAIT", "0", "10"));
    }

    private async Task<string> CliAsync(string user, params string[] words) =>
        (await Child.RunAsync("redis-cli", ["-p", Text(_door.Port), "--user", user, "-a", RedisDoor.Password, "--no-auth-warning", .. words])).Output.Trim();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
