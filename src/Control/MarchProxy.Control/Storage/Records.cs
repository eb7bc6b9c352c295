namespace MarchProxy.Control.Storage;

/// <summary>Names a resource.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Kind">Its kind in the plural.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ResourceKey(string Cluster, string Kind, string Name);

/// <summary>A resource as it is stored.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Kind">Its kind in the plural.</param>
/// <param name="Name">Its name.</param>
/// <param name="Document">Its fields, sealed when they hold secrets.</param>
/// <param name="ETag">Changes with every edit.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
/// <param name="UpdatedBy">Who changed it.</param>
public sealed record StoredResource(string Cluster, string Kind, string Name, string Document, string ETag, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string UpdatedBy);

/// <summary>Everything that the manager keeps in memory, at one revision.</summary>
/// <param name="Revision">Grows by one with every commit.</param>
/// <param name="Resources">All resources of all clusters.</param>
public sealed record StoreState(long Revision, IReadOnlyList<StoredResource> Resources);

/// <summary>One edit, written as a whole or not at all.</summary>
public sealed record StoreCommit
{
    /// <summary>The revision that the edit was made upon.</summary>
    public required long ExpectedRevision { get; init; }

    /// <summary>Made or changed.</summary>
    public IReadOnlyList<StoredResource> Put { get; init; } = [];

    /// <summary>Deleted.</summary>
    public IReadOnlyList<ResourceKey> Delete { get; init; } = [];

    /// <summary>What the audit trail tells of it.</summary>
    public IReadOnlyList<AuditRecord> Audit { get; init; } = [];

    /// <summary>The versions that it makes, one for each cluster; numbered by the store.</summary>
    public IReadOnlyList<StoredSnapshot> Snapshots { get; init; } = [];
}

/// <summary>What became of a commit.</summary>
/// <param name="Done">False when somebody else committed since the expected revision; nothing was written.</param>
/// <param name="Revision">The revision now.</param>
/// <param name="SnapshotNumbers">The numbers given, in the order of the commit's snapshots.</param>
public sealed record CommitResult(bool Done, long Revision, IReadOnlyList<long> SnapshotNumbers);

/// <summary>A version of a cluster's configuration.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Number">From 1, without gaps as they were made.</param>
/// <param name="Version">The content hash that planes run.</param>
/// <param name="Author">Who made it.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="Comment">How: apply, an edit, a rollback.</param>
/// <param name="Changes">What changed, with what stood before and after; sealed when it holds secrets. Empty in lists.</param>
public sealed record StoredSnapshot(string Cluster, long Number, string Version, string Author, DateTimeOffset CreatedAt, string Comment, string Changes);

/// <summary>One line of the audit trail.</summary>
/// <param name="Id">Grows; given by the store.</param>
/// <param name="At">When.</param>
/// <param name="Actor">Who.</param>
/// <param name="From">From which address.</param>
/// <param name="Action">What: create, update, delete, login, ...</param>
/// <param name="Cluster">In which cluster; empty for none.</param>
/// <param name="Kind">Of which kind.</param>
/// <param name="Name">On which object.</param>
/// <param name="Before">What stood before, without secrets.</param>
/// <param name="After">What stands now, without secrets.</param>
/// <param name="Result">ok, or why not.</param>
public sealed record AuditRecord(
    long Id, DateTimeOffset At, string Actor, string From, string Action, string Cluster, string Kind, string Name, string? Before, string? After, string Result);

/// <summary>Which audit records are wanted; null for any.</summary>
public sealed record AuditFilter
{
    /// <summary>By whom.</summary>
    public string? Actor { get; init; }

    /// <summary>In which cluster.</summary>
    public string? Cluster { get; init; }

    /// <summary>Of which kind.</summary>
    public string? Kind { get; init; }

    /// <summary>On which object.</summary>
    public string? Name { get; init; }

    /// <summary>Not before.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Before.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Older than this record.</summary>
    public long? BeforeId { get; init; }

    /// <summary>How many at most.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>An account of a person.</summary>
/// <param name="Email">The name to sign in with.</param>
/// <param name="PasswordHash">ASP.NET Core Identity's.</param>
/// <param name="Role">admin, maintainer, viewer or service-owner.</param>
/// <param name="Cluster">The cluster that the role holds in; null for all.</param>
/// <param name="MustChangePassword">Until then nothing else is allowed.</param>
/// <param name="FailedLogins">Since the last good one.</param>
/// <param name="LockedUntil">No sign-in before.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
public sealed record StoredUser(
    string Email, string PasswordHash, string Role, string? Cluster, bool MustChangePassword, int FailedLogins, DateTimeOffset? LockedUntil, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A refresh token, by its hash.</summary>
/// <param name="Hash">SHA-256 of the token.</param>
/// <param name="Family">The sign-in that it descends from.</param>
/// <param name="Email">Whose.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="UsedAt">When it was exchanged for the next; a second use betrays a thief.</param>
public sealed record StoredRefreshToken(byte[] Hash, string Family, string Email, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? UsedAt);

/// <summary>An API key of a cluster, by its hash.</summary>
/// <param name="Id">Its public part.</param>
/// <param name="Cluster">The cluster.</param>
/// <param name="Hash">SHA-256 of the key.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">When it ends; null for never.</param>
public sealed record StoredClusterKey(string Id, string Cluster, byte[] Hash, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

/// <summary>A registered data plane.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">edge, articdbm or killkrill.</param>
/// <param name="Host">The host that it runs on.</param>
/// <param name="Version">Of the program.</param>
/// <param name="Capabilities">A JSON list.</param>
/// <param name="RegisteredAt">When it first came.</param>
/// <param name="LastSeen">When it was last heard.</param>
/// <param name="RunningVersion">The snapshot that it runs.</param>
/// <param name="NackVersion">The last one that it refused.</param>
/// <param name="NackReason">Why.</param>
/// <param name="NackAt">When.</param>
public sealed record StoredProxy(
    string Cluster, string Name, string Kind, string Host, string Version, string Capabilities, DateTimeOffset RegisteredAt, DateTimeOffset LastSeen,
    string? RunningVersion, string? NackVersion, string? NackReason, DateTimeOffset? NackAt);

/// <summary>How often the egress policy was asked one question in one hour.</summary>
/// <param name="Cluster">Of the planes that were asked.</param>
/// <param name="Hour">Hours since 1970.</param>
/// <param name="Flow">The text of a <see cref="Model.Egress.Flow"/>.</param>
/// <param name="Allowed">Times let through.</param>
/// <param name="Denied">Times refused.</param>
/// <param name="Reported">Times let through and reported as what would be denied.</param>
/// <param name="Mapping">The mapping that decided last; empty for none.</param>
/// <param name="Reason">The last decision's reason code.</param>
/// <param name="LastSeen">When it was asked last.</param>
public sealed record StoredFlow(string Cluster, long Hour, string Flow, long Allowed, long Denied, long Reported, string Mapping, string Reason, DateTimeOffset LastSeen)
{
    /// <summary>The hour of a time.</summary>
    /// <param name="time">The time.</param>
    public static long HourOf(DateTimeOffset time) => time.ToUnixTimeSeconds() / 3600;

    /// <summary>Both together: counts are added, and the later one tells mapping and reason.</summary>
    /// <param name="other">The other.</param>
    public StoredFlow With(StoredFlow other)
    {
        StoredFlow later = other.LastSeen >= LastSeen ? other : this;
        return later with { Allowed = Allowed + other.Allowed, Denied = Denied + other.Denied, Reported = Reported + other.Reported };
    }
}

/// <summary>What one account used of one database in one hour.</summary>
/// <param name="Cluster">Of the planes that told.</param>
/// <param name="Hour">Hours since 1970; 0 in a sum over hours.</param>
/// <param name="Account">The account; empty in a sum over accounts.</param>
/// <param name="Tenant">Whom its use is counted for.</param>
/// <param name="Database">The database; empty in a sum over databases.</param>
/// <param name="Connections">Log-ins.</param>
/// <param name="Queries">Statements answered or refused.</param>
/// <param name="Denied">Of these, refused.</param>
/// <param name="Rows">Rows returned or changed.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes to clients.</param>
public sealed record StoredUsage(string Cluster, long Hour, string Account, string Tenant, string Database, long Connections, long Queries, long Denied, long Rows, long BytesIn, long BytesOut);
