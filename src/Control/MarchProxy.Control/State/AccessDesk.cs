using System.Buffers.Text;
using System.Security.Cryptography;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using Resource = MarchProxy.Model.Resources.Resource;

namespace MarchProxy.Control.State;

/// <summary>What somebody is to be let do for a while.</summary>
public sealed record AccessWish
{
    /// <summary>The database.</summary>
    public required string Database { get; init; }

    /// <summary>Its cluster.</summary>
    public required string Cluster { get; init; }

    /// <summary>An account that gets a further secret; null for a new account that ends with the access.</summary>
    public string? Account { get; init; }

    /// <summary>The new account's name; null for one that is made up.</summary>
    public string? Name { get; init; }

    /// <summary>What may be done; an account that exists needs none: it has its own grants.</summary>
    public DbActions Actions { get; init; }

    /// <summary>On which tables or keys.</summary>
    public required System.Collections.Immutable.ImmutableArray<string> Tables { get; init; }

    /// <summary>Until when.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>How often one may log in; 0 for no bound.</summary>
    public int MaxUses { get; init; }

    /// <summary>Where a new account may come from.</summary>
    public System.Collections.Immutable.ImmutableArray<System.Net.IPNetwork> AllowFrom { get; init; } = [];

    /// <summary>Why.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>Temporary access that there is.</summary>
/// <param name="Account">The account that holds it.</param>
/// <param name="Key">Its secret's end, uses and reason.</param>
/// <param name="Grant">What it adds to the account's rights; null for nothing.</param>
public sealed record GivenAccess(DbAccount Account, DbKey Key, Grant? Grant);

/// <summary>
/// Gives secrets to accounts of databases and takes them away: API keys, and temporary access, which ends by itself. Both are ordinary edits: versioned, audited, and on the planes within
/// milliseconds. What has ended is cleared away.
/// </summary>
public sealed class AccessDesk(Manager manager, ProcessLog log) : IAsyncDisposable
{
    /// <summary>The label of accounts and grants that end with the access it names.</summary>
    private const string Label = "access";

    /// <summary>Edits of others that a count gives way to.</summary>
    private const int MostTries = 8;

    private static readonly TimeSpan s_sweep = TimeSpan.FromSeconds(30);

    /// <summary>A quarter and some days to send its bill; of a hundred accounts that are some 30 MB.</summary>
    private static readonly TimeSpan s_usageKept = TimeSpan.FromDays(100);
    private static readonly ResourceKind s_accounts = ResourceKind.Find("accounts")!, s_grants = ResourceKind.Find("grants")!, s_databases = ResourceKind.Find("databases")!;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Whether a resource was made for temporary access: neither a file that does not name it nor a rollback touches it.</summary>
    /// <param name="resource">The resource.</param>
    public static bool IsTemporary(Resource resource) => resource is DbAccount or Grant && resource.Labels.ContainsKey(Label);

    /// <summary>Begins to clear away what has ended.</summary>
    public void Start() => _running = RunAsync();

    /// <summary>Gives access.</summary>
    /// <returns>Its name, its account, and the secret, which nobody can be shown again.</returns>
    /// <exception cref="ControlException">It may not be.</exception>
    public async Task<(string Id, string Account, string Secret)> GiveAsync(AccessWish wish, Actor actor, Func<Resource?, Resource?, string?> permit, CancellationToken cancellation)
    {
        ClusterState cluster = Cluster(wish.Cluster);
        if (cluster.Find(s_databases, wish.Database) is null) throw new ControlException(RefusalKind.NotFound, $"There is no database \"{wish.Database}\" in the cluster {wish.Cluster}.");
        DateTimeOffset now = manager.Time.GetUtcNow();
        string id = "access-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)), secret = NewSecret();
        var labels = new Dictionary<string, string> { [Label] = id };
        DbAccount account = wish.Account is { } known
            ? Account(cluster, known)
            : new DbAccount { Name = wish.Name ?? id, Cluster = wish.Cluster, Labels = labels, Description = wish.Reason, ExpiresAt = wish.Until, AllowFrom = wish.AllowFrom };
        var key = new DbKey { Name = id, Secret = secret, ExpiresAt = wish.Until, MaxUses = wish.MaxUses, Database = wish.Database, Reason = wish.Reason, CreatedBy = actor.Name, CreatedAt = now };
        var put = new List<Resource> { account with { Keys = account.Keys.Add(key) } };
        if (wish.Actions != DbActions.None)
        {
            put.Add(new Grant { Name = id, Cluster = wish.Cluster, Labels = labels, Description = wish.Reason, Account = account.Name, Database = wish.Database, Tables = wish.Tables, Actions = wish.Actions, Until = wish.Until });
        }

        // A name that is taken must not have its account changed.
        await manager.ChangeAsync(
            new ChangeRequest
            {
                Actor = actor,
                Comment = $"access to database/{wish.Database} for account/{account.Name} until {wish.Until:yyyy-MM-ddTHH:mm:ssZ}",
                Put = put,
                Conditions = wish.Account is null ? new Dictionary<ResourceKey, string?> { [new(wish.Cluster, s_accounts.Plural, account.Name)] = null } : Unchanged(cluster, account.Name),
                Permit = permit,
            },
            cancellation);
        return (id, account.Name, secret);
    }

    /// <summary>Temporary access to a database.</summary>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="database">The database.</param>
    public IEnumerable<GivenAccess> List(string cluster, string database) =>
        from account in Cluster(cluster).Of(s_accounts).Select(e => (DbAccount)e.Resource)
        from key in account.Keys
        where key.IsTemporary && key.Database == database
        select new GivenAccess(account, key, Cluster(cluster).Find(s_grants, key.Name)?.Resource as Grant);

    /// <summary>Takes access away: whoever is in by it is out within seconds.</summary>
    /// <exception cref="ControlException">There is none of that name.</exception>
    public Task RevokeAsync(string cluster, string database, string id, Actor actor, Func<Resource?, Resource?, string?>? permit, CancellationToken cancellation)
    {
        GivenAccess access = List(cluster, database).FirstOrDefault(a => a.Key.Name == id)
            ?? throw new ControlException(RefusalKind.NotFound, $"There is no access \"{id}\" to the database {database}.");
        ClusterState state = Cluster(cluster);
        bool ends = access.Account.Labels.TryGetValue(Label, out string? made) && made == id;
        var gone = state.Of(s_grants).Where(e => e.Name == id || (ends && ((Grant)e.Resource).Account == access.Account.Name)).Select(e => e.Key).ToList();
        if (ends) gone.Add(new ResourceKey(cluster, s_accounts.Plural, access.Account.Name));
        return manager.ChangeAsync(
            new ChangeRequest
            {
                Actor = actor,
                Comment = $"end of access {id} to database/{database} of account/{access.Account.Name}",
                Put = ends ? [] : [Without(access.Account, id)],
                Delete = gone,
                Conditions = ends ? new Dictionary<ResourceKey, string?>() : Unchanged(state, access.Account.Name),
                Exact = true,
                Permit = permit,
            },
            cancellation);
    }

    /// <summary>Makes an API key of an account, which serves as its password.</summary>
    /// <returns>The key, which nobody can be shown again.</returns>
    /// <exception cref="ControlException">There is no such account, or the name is taken.</exception>
    public async Task<string> AddKeyAsync(string cluster, string name, string key, DateTimeOffset? until, string reason, Actor actor, Func<Resource?, Resource?, string?> permit, CancellationToken cancellation)
    {
        ClusterState state = Cluster(cluster);
        DbAccount account = Account(state, name);
        if (account.Keys.Any(k => k.Name == key)) throw new ControlException(RefusalKind.Conflict, $"The account \"{name}\" has a key \"{key}\".", new Fault(account.Reference, "keys.name", "is taken", "choose another name, or delete that key first"));
        string secret = NewSecret();
        var made = new DbKey { Name = key, Secret = secret, ExpiresAt = until, Reason = reason, CreatedBy = actor.Name, CreatedAt = manager.Time.GetUtcNow() };
        await manager.ChangeAsync(
            new ChangeRequest { Actor = actor, Comment = $"key {key} for account/{name}", Put = [account with { Keys = account.Keys.Add(made) }], Conditions = Unchanged(state, name), Permit = permit }, cancellation);
        return secret;
    }

    /// <summary>Ends a key of an account.</summary>
    /// <exception cref="ControlException">There is none of that name.</exception>
    public Task RemoveKeyAsync(string cluster, string name, string key, Actor actor, Func<Resource?, Resource?, string?> permit, CancellationToken cancellation)
    {
        ClusterState state = Cluster(cluster);
        DbAccount account = Account(state, name);
        if (account.Keys.All(k => k.Name != key)) throw new ControlException(RefusalKind.NotFound, $"The account \"{name}\" has no key \"{key}\".");
        return manager.ChangeAsync(
            new ChangeRequest { Actor = actor, Comment = $"end of key {key} of account/{name}", Put = [Without(account, key)], Conditions = Unchanged(state, name), Exact = true, Permit = permit }, cancellation);
    }

    /// <summary>Takes a plane's counts of log-ins by keys whose uses are bounded: the other planes know them with the next push.</summary>
    /// <param name="cluster">The plane's cluster.</param>
    /// <param name="uses">The counts; those of keys that there are no longer are passed over.</param>
    public async Task CountAsync(string cluster, IReadOnlyCollection<KeyUse> uses)
    {
        if (uses.Count == 0) return;
        for (int attempt = 1; ; attempt++)
        {
            if (manager.State.Cluster(cluster) is not { } state) return;
            DbAccount[] counted = [.. uses.GroupBy(u => u.Account, StringComparer.Ordinal).Where(g => state.Find(s_accounts, g.Key) is not null).Select(g => Count(Account(state, g.Key), g))];
            if (counted.Length == 0) return;
            try
            {
                var conditions = counted.SelectMany(a => Unchanged(state, a.Name)).ToDictionary();
                await manager.ChangeAsync(new ChangeRequest { Actor = Actor.System, Comment = "log-ins by keys whose uses are bounded", Put = counted, Conditions = conditions, Exact = true });
                return;
            }
            catch (ControlException e) when (e.Kind is RefusalKind.PreconditionFailed or RefusalKind.NotFound && attempt < MostTries)
            {
                // Somebody edited the account meanwhile: it is counted upon what stands now.
            }
            catch (Exception e) when (e is ControlException or StoreException)
            {
                log.Error("log-ins by a key whose uses are bounded could not be kept; other planes may let it in once more", ("fault", e.Message));
                return;
            }
        }
    }

    /// <summary>Takes what accounts of a plane used of databases.</summary>
    /// <param name="cluster">The plane's cluster.</param>
    /// <param name="uses">The counts; those that make no sense are passed over.</param>
    /// <exception cref="StoreException">They could not be kept.</exception>
    public Task CountAsync(string cluster, IReadOnlyCollection<DatabaseUse> uses)
    {
        long hour = StoredFlow.HourOf(manager.Time.GetUtcNow());
        StoredUsage[] counted =
        [
            .. uses.Where(u => u.Account.Length is > 0 and <= 100 && u.Database.Length <= 100 && u.Tenant.Length <= 200 && Math.Min(Math.Min(u.Connections, u.Queries), Math.Min(Math.Min(u.Denied, u.Rows), Math.Min(u.BytesIn, u.BytesOut))) >= 0)
                .Select(u => new StoredUsage(cluster, hour, u.Account, u.Tenant, u.Database, u.Connections, u.Queries, u.Denied, u.Rows, u.BytesIn, u.BytesOut)),
        ];
        return counted.Length == 0 ? Task.CompletedTask : manager.Store.AddUsageAsync(counted, hour - (long)s_usageKept.TotalHours);
    }

    /// <summary>Clears away temporary access that has ended.</summary>
    public async Task SweepAsync()
    {
        DateTimeOffset now = manager.Time.GetUtcNow();
        foreach (ClusterState cluster in manager.State.Clusters.Values)
        {
            foreach (Entry entry in cluster.Of(s_accounts).ToArray())
            {
                foreach (DbKey key in ((DbAccount)entry.Resource).Keys.Where(k => k.IsTemporary && k.ExpiresAt <= now))
                {
                    try
                    {
                        await RevokeAsync(cluster.Name, key.Database, key.Name, Actor.System, null, _stop.Token);
                    }
                    catch (Exception e) when (e is ControlException or StoreException)
                    {
                        log.Warn("access that has ended could not be cleared away; it is tried again", ("access", key.Name), ("fault", e.Message));
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private static DbAccount Without(DbAccount account, string key) => account with { Keys = [.. account.Keys.Where(k => k.Name != key)] };

    /// <summary>256 bits that stand in a URL as they are, with a beginning by which scanners find what was left lying about.</summary>
    internal static string NewSecret() => "mpdb_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private static DbAccount Account(ClusterState cluster, string name) =>
        cluster.Find(s_accounts, name)?.Resource as DbAccount ?? throw new ControlException(RefusalKind.NotFound, $"There is no account \"{name}\" in the cluster {cluster.Name}.");

    private ClusterState Cluster(string name) => manager.State.Cluster(name) ?? throw new ControlException(RefusalKind.NotFound, $"There is no cluster {name}.");

    /// <summary>An account is changed upon what was read of it, or not at all.</summary>
    private static Dictionary<ResourceKey, string?> Unchanged(ClusterState cluster, string account) =>
        new() { [new(cluster.Name, s_accounts.Plural, account)] = cluster.Find(s_accounts, account)!.ETag };

    private static DbAccount Count(DbAccount account, IEnumerable<KeyUse> uses) => account with
    {
        Keys = [.. account.Keys.Select(k => k with { Uses = (int)Math.Min(int.MaxValue, k.Uses + uses.Where(u => u.Key == k.Name).Sum(u => Math.Max(0, u.Count))) })],
    };

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(s_sweep, manager.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) await SweepAsync();
        }
        catch (OperationCanceledException)
        {
            // The manager stops.
        }
    }
}
