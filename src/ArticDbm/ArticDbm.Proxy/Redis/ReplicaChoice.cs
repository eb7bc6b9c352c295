using ArticDbm.Proxy.Pools;

namespace ArticDbm.Proxy.Redis;

/// <summary>One of a cluster's replicas of a slot, by weight.</summary>
internal static class ReplicaChoice
{
    /// <summary>Chooses among those that are not known to be away.</summary>
    public static ServerShare? Choose(ReadOnlySpan<ServerShare> replicas)
    {
        int total = 0;
        foreach (ServerShare replica in replicas) total += replica.IsPaused ? 0 : replica.Server.Weight;
        if (total == 0) return null;
        int at = Random.Shared.Next(total);
        foreach (ServerShare replica in replicas)
        {
            if (!replica.IsPaused && (at -= replica.Server.Weight) < 0) return replica;
        }

        return null;
    }
}
