namespace MarchProxy.Control.Storage;

/// <summary>
/// The durable form of what the manager keeps in memory. Every method throws <see cref="StoreException"/> when the database cannot do it; the message names the mend.
/// </summary>
public interface IControlStore : IAsyncDisposable
{
    /// <summary>What it is and where, for people; without a password.</summary>
    string Description { get; }

    /// <summary>Brings the schema up to date. A database newer than the program is refused.</summary>
    /// <returns>The migrations that were applied, by name.</returns>
    Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellation = default);

    /// <summary>Everything at one revision.</summary>
    Task<StoreState> LoadAsync(CancellationToken cancellation = default);

    /// <summary>The revision now.</summary>
    Task<long> RevisionAsync(CancellationToken cancellation = default);

    /// <summary>Writes an edit, all of it or nothing; the newest 100 snapshots of each cluster are kept.</summary>
    Task<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default);

    /// <summary>Versions of a cluster, newest first, without their changes.</summary>
    Task<IReadOnlyList<StoredSnapshot>> SnapshotsAsync(string cluster, long? before, int limit, CancellationToken cancellation = default);

    /// <summary>One version with its changes, or null.</summary>
    Task<StoredSnapshot?> SnapshotAsync(string cluster, long number, CancellationToken cancellation = default);

    /// <summary>The audit trail, newest first.</summary>
    Task<IReadOnlyList<AuditRecord>> AuditAsync(AuditFilter filter, CancellationToken cancellation = default);

    /// <summary>Adds a record that belongs to no edit.</summary>
    Task WriteAuditAsync(AuditRecord record, CancellationToken cancellation = default);

    /// <summary>All accounts.</summary>
    Task<IReadOnlyList<StoredUser>> UsersAsync(CancellationToken cancellation = default);

    /// <summary>One account, or null.</summary>
    Task<StoredUser?> UserAsync(string email, CancellationToken cancellation = default);

    /// <summary>Makes or changes an account.</summary>
    Task PutUserAsync(StoredUser user, CancellationToken cancellation = default);

    /// <summary>Deletes an account; false when there was none.</summary>
    Task<bool> DeleteUserAsync(string email, CancellationToken cancellation = default);

    /// <summary>Adds a refresh token.</summary>
    Task AddRefreshTokenAsync(StoredRefreshToken token, CancellationToken cancellation = default);

    /// <summary>A refresh token by its hash, or null.</summary>
    Task<StoredRefreshToken?> RefreshTokenAsync(byte[] hash, CancellationToken cancellation = default);

    /// <summary>Marks a token as used; true for the first use alone, whoever else tries at the same time.</summary>
    Task<bool> UseRefreshTokenAsync(byte[] hash, DateTimeOffset at, CancellationToken cancellation = default);

    /// <summary>Deletes every token of a sign-in.</summary>
    Task RevokeFamilyAsync(string family, CancellationToken cancellation = default);

    /// <summary>Deletes tokens that ended before a time.</summary>
    Task PurgeRefreshTokensAsync(DateTimeOffset before, CancellationToken cancellation = default);

    /// <summary>All API keys of clusters.</summary>
    Task<IReadOnlyList<StoredClusterKey>> ClusterKeysAsync(CancellationToken cancellation = default);

    /// <summary>Adds a key.</summary>
    Task AddClusterKeyAsync(StoredClusterKey key, CancellationToken cancellation = default);

    /// <summary>Lets a cluster's keys end at a time, but for one; keys that end sooner keep their end.</summary>
    Task ExpireClusterKeysAsync(string cluster, string? exceptId, DateTimeOffset at, CancellationToken cancellation = default);

    /// <summary>Ends one key.</summary>
    Task ExpireClusterKeyAsync(string id, DateTimeOffset at, CancellationToken cancellation = default);

    /// <summary>All registered planes.</summary>
    Task<IReadOnlyList<StoredProxy>> ProxiesAsync(CancellationToken cancellation = default);

    /// <summary>Makes or changes a plane.</summary>
    Task PutProxyAsync(StoredProxy proxy, CancellationToken cancellation = default);

    /// <summary>Forgets a plane; false when there was none.</summary>
    Task<bool> DeleteProxyAsync(string cluster, string name, CancellationToken cancellation = default);

    /// <summary>Adds counts of egress decisions to those that are there, and forgets the hours before a time.</summary>
    Task AddFlowsAsync(IReadOnlyCollection<StoredFlow> flows, DateTimeOffset keepSince, CancellationToken cancellation = default);

    /// <summary>Egress decisions of a cluster by flow and hour that were made since a time, the latest last.</summary>
    Task<IReadOnlyList<StoredFlow>> FlowsAsync(string cluster, DateTimeOffset since, CancellationToken cancellation = default);

    /// <summary>Adds what accounts used of databases to the counts of their hours, and forgets hours before one.</summary>
    Task AddUsageAsync(IReadOnlyCollection<StoredUsage> usage, long oldestHour, CancellationToken cancellation = default);

    /// <summary>What accounts of a cluster used of databases in some hours, summed over what is not among <paramref name="by"/>: hour, account, tenant, database.</summary>
    Task<IReadOnlyList<StoredUsage>> UsageAsync(string cluster, long from, long to, IReadOnlyCollection<string> by, CancellationToken cancellation = default);

    /// <summary>A setting of the manager's own, or null.</summary>
    Task<byte[]?> SettingAsync(string name, CancellationToken cancellation = default);

    /// <summary>Keeps a setting.</summary>
    Task PutSettingAsync(string name, byte[] value, CancellationToken cancellation = default);

    /// <summary>Writes everything as JSON lines, with a header and a checksum at the end; it fits either kind of store.</summary>
    Task ExportAsync(Stream output, CancellationToken cancellation = default);

    /// <summary>Reads an export into an empty store, all of it or nothing.</summary>
    Task ImportAsync(Stream input, CancellationToken cancellation = default);
}

/// <summary>The database cannot do what was asked; the message names the object and the mend.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Makes one.</summary>
    public StoreException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    public StoreException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The object, the fault and the mend.</param>
    /// <param name="innerException">What lies behind.</param>
    public StoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
