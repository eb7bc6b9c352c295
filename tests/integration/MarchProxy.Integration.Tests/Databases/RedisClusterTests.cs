using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Databases;

/// <summary>ArticDBM before a Redis Cluster of three, whose clients take it for one server.</summary>
public sealed class RedisClusterTests : IAsyncLifetime
{
    private readonly RedisNode[] _nodes = new RedisNode[3];
    private RedisDoor _door = null!;

    public async Task InitializeAsync()
    {
        for (int i = 0; i < 3; i++) _nodes[i] = await RedisNode.StartAsync("--cluster-enabled", "yes", "--cluster-node-timeout", "2000");
        (int code, string output) = await Child.RunAsync("redis-cli", ["--cluster", "create", .. _nodes.Select(n => "127.0.0.1:" + Text(n.Port)), "--cluster-yes"]);
        Assert.True(code == 0, output);
        foreach (RedisNode node in _nodes) await Wait.UntilAsync(async () => (await node.CliAsync("CLUSTER", "INFO")).Contains("cluster_state:ok", StringComparison.Ordinal), () => output);
        _door = await RedisDoor.StartAsync(string.Create(CultureInfo.InvariantCulture, $"servers: [{{ host: 127.0.0.1, port: {_nodes[0].Port} }}], redisCluster: true"));
    }

    public async Task DisposeAsync()
    {
        await _door.DisposeAsync();
        foreach (RedisNode node in _nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task Keys_go_to_their_nodes_and_commands_over_several_are_split()
    {
        using RespClient client = await _door.ConnectAsync(), boss = await _door.ConnectAsync("boss");
        string[] keys = [.. Enumerable.Range(0, 60).Select(i => "key:" + Text(i))];
        Assert.Equal("OK", await client.AskAsync(["MSET", .. keys.SelectMany(k => new[] { k, "value of " + k })]));
        Assert.Equal("[" + string.Join(' ', keys.Select(k => "value of " + k)) + " (nil)]", await client.AskAsync(["MGET", .. keys, "none"]));
        Assert.Equal("60", await client.AskAsync(["EXISTS", .. keys]));
        Assert.Equal("60", await client.AskAsync("DBSIZE"));
        Assert.Equal("10", await client.AskAsync(["DEL", .. keys[..10]]));
        foreach (RedisNode node in _nodes) Assert.NotEqual("0", await node.CliAsync("DBSIZE"));
        Assert.StartsWith("-CROSSSLOT", await client.AskAsync("SINTER", "a", "b"), StringComparison.Ordinal);
        Assert.Equal("0", await client.AskAsync("SINTERSTORE", "{x}a", "{x}b", "{x}c"));
        Assert.StartsWith("-ERR SELECT is not allowed", await client.AskAsync("SELECT", "1"), StringComparison.Ordinal);

        // Pipelined over three nodes, the replies keep their order.
        await client.SendAsync([.. keys.SelectMany(k => RespClient.Command("GET", k))]);
        for (int i = 0; i < keys.Length; i++) Assert.Equal(i < 10 ? "(nil)" : "value of " + keys[i], await client.ReadAsync());

        // A transaction is one node's.
        Assert.Equal("OK", await client.AskAsync("MULTI"));
        Assert.Equal("QUEUED", await client.AskAsync("INCR", "{t}a"));
        Assert.Equal("QUEUED", await client.AskAsync("INCR", "{t}b"));
        Assert.Equal("[1 1]", await client.AskAsync("EXEC"));
        Assert.Equal("OK", await client.AskAsync("MULTI"));
        Assert.Equal("QUEUED", await client.AskAsync("INCR", "a"));
        Assert.StartsWith("-CROSSSLOT", await client.AskAsync("INCR", "b"), StringComparison.Ordinal);
        Assert.StartsWith("-EXECABORT", await client.AskAsync("EXEC"), StringComparison.Ordinal);
        Assert.Equal("(nil)", await client.AskAsync("GET", "a"));
        Assert.Equal("OK", await boss.AskAsync("FLUSHALL"));
        Assert.Equal("0", await boss.AskAsync("DBSIZE"));
    }

    [Fact]
    public async Task Slots_that_move_are_followed()
    {
        using RespClient client = await _door.ConnectAsync();
        for (int i = 0; i < 50; i++) Assert.Equal("OK", await client.AskAsync("SET", "{moving}" + Text(i), "1"));
        int slot = int.Parse(await _nodes[0].CliAsync("CLUSTER", "KEYSLOT", "{moving}"), CultureInfo.InvariantCulture);
        string[] ids = [await _nodes[0].CliAsync("CLUSTER", "MYID"), await _nodes[1].CliAsync("CLUSTER", "MYID"), await _nodes[2].CliAsync("CLUSTER", "MYID")];
        int from = -1;
        for (int i = 0; i < 3; i++)
        {
            if (await _nodes[i].CliAsync("CLUSTER", "COUNTKEYSINSLOT", Text(slot)) == "50") from = i;
        }

        // Half of its keys have gone when the client asks for all (ASK), and then the slot is another's (MOVED).
        int to = (from + 1) % 3;
        await _nodes[to].CliAsync("CLUSTER", "SETSLOT", Text(slot), "IMPORTING", ids[from]);
        await _nodes[from].CliAsync("CLUSTER", "SETSLOT", Text(slot), "MIGRATING", ids[to]);
        for (int i = 0; i < 50; i++)
        {
            if (i % 2 == 0) Assert.Equal("OK", await _nodes[from].CliAsync("MIGRATE", "127.0.0.1", Text(_nodes[to].Port), "{moving}" + Text(i), "0", "5000"));
        }

        for (int i = 0; i < 50; i++) Assert.Equal("2", await client.AskAsync("INCR", "{moving}" + Text(i)));
        for (int i = 1; i < 50; i += 2) await _nodes[from].CliAsync("MIGRATE", "127.0.0.1", Text(_nodes[to].Port), "{moving}" + Text(i), "0", "5000");
        foreach (RedisNode node in _nodes) await node.CliAsync("CLUSTER", "SETSLOT", Text(slot), "NODE", ids[to]);
        await client.SendAsync([.. Enumerable.Range(0, 50).SelectMany(i => RespClient.Command("INCR", "{moving}" + Text(i)))]);
        for (int i = 0; i < 50; i++) Assert.Equal("3", await client.ReadAsync());
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
