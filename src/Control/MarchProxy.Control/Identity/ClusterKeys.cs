using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;

namespace MarchProxy.Control.Identity;

/// <summary>A key as it is shown, once.</summary>
/// <param name="Id">Its public part.</param>
/// <param name="Cluster">The cluster.</param>
/// <param name="Key">The key: <c>mpk_ID_SECRET</c>.</param>
/// <param name="PreviousExpireAt">When the keys before it end; null when there were none.</param>
public sealed record IssuedKey(string Id, string Cluster, string Key, DateTimeOffset? PreviousExpireAt);

/// <summary>API keys of clusters: what planes prove themselves with. Only hashes are kept; a rotation lets the keys before hold for an overlap, so that no plane is cut off.</summary>
public sealed class ClusterKeys(IControlStore store, TimeProvider time)
{
    private const string Prefix = "mpk_";
    private volatile ImmutableDictionary<string, StoredClusterKey> _known = ImmutableDictionary<string, StoredClusterKey>.Empty;

    /// <summary>Reads the keys.</summary>
    public async Task LoadAsync() => _known = (await store.ClusterKeysAsync()).ToImmutableDictionary(k => k.Id, StringComparer.Ordinal);

    /// <summary>The keys of a cluster that hold.</summary>
    /// <param name="cluster">The cluster.</param>
    public IEnumerable<StoredClusterKey> Of(string cluster) => _known.Values.Where(k => k.Cluster == cluster && !(k.ExpiresAt <= time.GetUtcNow())).OrderBy(k => k.CreatedAt);

    /// <summary>Makes a key; those before it end after the overlap.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="overlap">How long the keys before hold; not negative.</param>
    public async Task<IssuedKey> RotateAsync(string cluster, TimeSpan overlap)
    {
        if (overlap < TimeSpan.Zero || overlap > TimeSpan.FromDays(90)) throw new ControlException(RefusalKind.Invalid, "An overlap is from 0 to 90 days.", new Fault($"cluster/{cluster}", "overlap", "is out of range", "write 24h"));
        bool before = Of(cluster).Any();
        IssuedKey key = await AddAsync(cluster);
        await store.ExpireClusterKeysAsync(cluster, key.Id, time.GetUtcNow() + overlap);
        await LoadAsync();
        return key with { PreviousExpireAt = before ? time.GetUtcNow() + overlap : null };
    }

    /// <summary>Makes one more key.</summary>
    /// <param name="cluster">The cluster.</param>
    public async Task<IssuedKey> AddAsync(string cluster)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        string key = $"{Prefix}{id}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
        await store.AddClusterKeyAsync(new StoredClusterKey(id, cluster, Hash(key), time.GetUtcNow(), null));
        await LoadAsync();
        return new IssuedKey(id, cluster, key, null);
    }

    /// <summary>Ends a key now.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="id">The key's public part.</param>
    public async Task EndAsync(string cluster, string id)
    {
        if (!_known.TryGetValue(id, out StoredClusterKey? key) || key.Cluster != cluster) throw new ControlException(RefusalKind.NotFound, $"The cluster {cluster} has no key {id}.");
        await store.ExpireClusterKeyAsync(id, time.GetUtcNow());
        await LoadAsync();
    }

    /// <summary>The cluster that a key proves, or null with the reason for the log.</summary>
    /// <param name="key">What was brought.</param>
    /// <param name="why">Why not.</param>
    public string? Verify(string? key, out string why)
    {
        why = "no key was brought";
        if (string.IsNullOrEmpty(key)) return null;
        string[] parts = key.Split('_');
        why = "the key is not known";
        if (parts.Length != 3 || !key.StartsWith(Prefix, StringComparison.Ordinal) || !_known.TryGetValue(parts[1], out StoredClusterKey? stored)) return null;
        if (!CryptographicOperations.FixedTimeEquals(stored.Hash, Hash(key))) return null;
        why = $"the key {stored.Id} was rotated out at {stored.ExpiresAt:u}";
        if (stored.ExpiresAt <= time.GetUtcNow()) return null;
        why = "";
        return stored.Cluster;
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
