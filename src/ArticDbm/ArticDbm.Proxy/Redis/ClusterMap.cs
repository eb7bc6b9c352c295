using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Pools;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Redis;

/// <summary>Which node of a cluster serves which slot, as one loop knows it: read from CLUSTER SLOTS, mended by what nodes answer.</summary>
internal sealed class ClusterMap(RedisLoop redis, DbTarget target)
{
    /// <summary>From one look to the next at the least: while slots move, every answer could ask for one.</summary>
    private const long PauseMs = 1_000;

    private readonly ServerShare?[] _primaries = new ServerShare?[RedisSlot.Count];
    private readonly ServerShare[]?[] _replicas = new ServerShare[]?[RedisSlot.Count];
    private readonly List<LoopSignal> _waiting = [];
    private ServerShare[] _nodes = [];
    private bool _looking;
    private long _lookedAt = long.MinValue / 2;
    private string? _fault;

    public bool IsReady { get; private set; }

    public ServerShare? Primary(int slot) => _primaries[slot];

    public ReadOnlySpan<ServerShare> Replicas(int slot) => _replicas[slot];

    /// <summary>Every primary.</summary>
    public ServerShare[] Primaries() => _nodes;

    /// <summary>A primary for what has no key.</summary>
    public ServerShare? Any()
    {
        int start = Random.Shared.Next(Math.Max(1, _nodes.Length));
        for (int i = 0; i < _nodes.Length; i++)
        {
            ServerShare node = _nodes[(start + i) % _nodes.Length];
            if (!node.IsPaused) return node;
        }

        return _nodes.Length > 0 ? _nodes[start] : null;
    }

    /// <summary>The node that a redirection names; one without a host is the one that spoke, which only a cluster of one node says.</summary>
    public ServerShare? Node(in ClusterRedirect redirect) => target.Node(redirect.Host.Length > 0 ? redirect.Host : target.Primary.Server.Host, redirect.Port);

    /// <summary>A slot is another node's now: much may have changed.</summary>
    public void Moved(int slot, ServerShare node)
    {
        _primaries[slot] = node;
        if (!_looking && redis.Db.Loop.NowMs - _lookedAt > PauseMs) _ = RefreshAsync();
    }

    /// <summary>Asks the cluster; those who ask meanwhile wait for the same answer.</summary>
    /// <returns>Null, or why nobody answered.</returns>
    public async Task<string?> RefreshAsync()
    {
        if (_looking)
        {
            var signal = new LoopSignal(redis.Db.Loop);
            _waiting.Add(signal);
            await signal.WaitAsync();
            return _fault;
        }

        _looking = true;
        _lookedAt = redis.Db.Loop.NowMs;
        _fault = "the cluster has no node";
        foreach (ServerShare share in target.Servers.Concat(_nodes).Distinct())
        {
            _fault = await AskAsync(share);
            if (_fault is null) break;
        }

        _looking = false;
        foreach (LoopSignal signal in _waiting.ToArray()) signal.Complete(0);
        _waiting.Clear();
        return _fault;
    }

    private async Task<string?> AskAsync(ServerShare share)
    {
        ServerPool pool = redis.Db.Pool(share);
        ServerResult result = await pool.AcquireAsync(this);
        if (result.Connection is not RedisServer server) return result.Fault;
        long deadline = redis.Db.Loop.NowMs + (long)target.Database.Pool.ConnectTimeout.TotalMilliseconds;
        (byte[]? reply, string fault) = await RedisLogin.QueryAsync(server, deadline, "CLUSTER", "SLOTS");
        pool.Release(server, reusable: reply is not null);
        if (reply is null) return $"{share.Label}: {fault}";
        if (reply[0] == (byte)'-') return $"{share.Label} is no node of a cluster; take redisCluster out, or put cluster-enabled into its configuration";
        return RespValue.TryRead(reply, out RespValue? slots) && slots is { Items: { } ranges } && Learn(share, ranges) ? null : $"{share.Label}: the cluster's slots cannot be read";
    }

    /// <summary>CLUSTER SLOTS: of each range its first and last slot, its primary, its replicas; a node is its host, its port, and more.</summary>
    private bool Learn(ServerShare asked, IReadOnlyList<RespValue> ranges)
    {
        var nodes = new HashSet<ServerShare>();
        foreach (RespValue range in ranges)
        {
            if (range.Items is not { Count: >= 3 } parts || parts[0].Number is not (>= 0 and var first) || parts[1].Number is not (< RedisSlot.Count and var last)) return false;
            ServerShare? primary = NodeOf(asked, parts[2]);
            if (primary is not null) nodes.Add(primary);
            ServerShare[] replicas = [.. parts.Skip(3).Select(p => NodeOf(asked, p)).OfType<ServerShare>()];
            for (long slot = first; slot <= last; slot++)
            {
                _primaries[slot] = primary;
                _replicas[slot] = replicas;
            }
        }

        if (nodes.Count == 0) return false;
        _nodes = [.. nodes];
        IsReady = true;
        return true;
    }

    private ServerShare? NodeOf(ServerShare asked, RespValue node)
    {
        if (node.Items is not { Count: >= 2 } parts || parts[1].Number is not (> 0 and < 65536 and var port)) return null;
        string host = parts[0].Text ?? "";
        return target.Node(host is "" or "?" ? asked.Server.Host : host, (int)port);
    }
}
