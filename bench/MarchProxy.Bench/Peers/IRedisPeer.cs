namespace MarchProxy.Bench.Peers;

/// <summary>A peer before a Redis.</summary>
internal interface IRedisPeer
{
    /// <summary>Where it speaks Redis' protocol.</summary>
    int RedisPort { get; }

    /// <summary>What redis-benchmark must say to log in; nothing where there is no log-in.</summary>
    IReadOnlyList<string> LogIn { get; }
}
