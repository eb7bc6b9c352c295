using System.Diagnostics;
using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Databases;

namespace ArticDbm.Proxy.Admin;

/// <summary>What operators see of the databases, and do to them while they run. Safe from any thread; nothing in it waits on a loop for longer than a turn.</summary>
public sealed class DbAdmin
{
    private readonly IReadOnlyList<DbLoop> _loops;
    private readonly Func<DbConfig?> _config;

    private readonly long _started;

    internal DbAdmin(IReadOnlyList<DbLoop> loops, Func<DbConfig?> config, TimeProvider time)
    {
        Time = time;
        _started = time.GetTimestamp();
        _loops = loops;
        _config = config;
    }

    /// <summary>How long this process has served.</summary>
    public TimeSpan Uptime => Time.GetElapsedTime(_started);

    /// <summary>The databases that are served, by name.</summary>
    public IEnumerable<string> Databases => Targets.Select(t => t.Database.Name).Order(StringComparer.Ordinal);

    /// <summary>The configuration's version in force.</summary>
    public string Version => _config()?.Snapshot.Version ?? "";

    internal TimeProvider Time { get; }

    internal IEnumerable<DbTarget> Targets => (_config()?.Targets ?? []).OrderBy(t => t.Database.Name, StringComparer.Ordinal);

    internal DbAccess? Access => _config()?.Access;

    /// <summary>Whether a database is served.</summary>
    /// <param name="database">The database.</param>
    public bool Knows(string database) => _config()?.Target(database) is not null;

    /// <summary>The pools, one for each server of each database.</summary>
    public async Task<IReadOnlyList<DbPoolView>> PoolsAsync()
    {
        IReadOnlyList<DbClientView> clients = await ClientsAsync();
        var pools = (await OnLoopsAsync(l => l.Pools.Select(p => (p.Share, p.FreeCount, p.OldestWaitMs)).ToArray())).ToLookup(p => p.Share);
        var result = new List<DbPoolView>();
        foreach (DbTarget target in Targets)
        {
            DbClientView[] own = [.. clients.Where(c => c.Database == target.Database.Name)];
            foreach (ServerShare share in target.Servers)
            {
                int free = pools[share].Sum(p => p.FreeCount);
                result.Add(new DbPoolView(
                    target.Database.Name, DbEngines.Name(target.Database.Engine), share.Label, share == target.Primary ? "primary" : "replica", target.Database.Credential.User,
                    target.Database.Pool.Mode.ToString().ToLowerInvariant(), own.Count(c => c.Server == share.Label), own.Count(c => c.State == "idle"), share.Waiting, Math.Max(0, share.Open - free), free, share.Limit,
                    pools[share].Select(p => p.OldestWaitMs * 1000).DefaultIfEmpty().Max(), target.IsPaused, share.LastFault));
            }
        }

        return result;
    }

    /// <summary>The clients that have logged in.</summary>
    public async Task<IReadOnlyList<DbClientView>> ClientsAsync() => [.. (await OnLoopsAsync(l => l.Clients())).OrderBy(c => c.Id)];

    /// <summary>The connections to servers.</summary>
    public async Task<IReadOnlyList<DbServerView>> ServersAsync() => [.. (await OnLoopsAsync(l => l.Servers())).OrderBy(s => s.Database, StringComparer.Ordinal).ThenBy(s => s.Server, StringComparer.Ordinal)];

    /// <summary>What passed through each database.</summary>
    public async Task<IReadOnlyList<DbStatsView>> StatsAsync()
    {
        var sums = Targets.ToDictionary(t => t.Database.Name, _ => new DbStats(), StringComparer.Ordinal);
        foreach ((string database, DbStats stats) in await OnLoopsAsync(l => l.Stats.Select(s => (s.Key, s.Value.Copy())).ToArray())) sums.GetValueOrDefault(database)?.Add(stats);
        return
        [
            .. Targets.Select(t => (t, sums[t.Database.Name])).Select(s => new DbStatsView(
                s.t.Database.Name, s.Item2.Transactions, s.Item2.Queries, s.Item2.BytesIn, s.Item2.BytesOut, Micros(s.Item2.TransactionTicks), Micros(s.Item2.QueryTicks), s.t.Servers.Sum(x => x.WaitedMicros))),
        ];
    }

    /// <summary>The statements that cost most, over all loops.</summary>
    /// <param name="database">Of one database; null for all.</param>
    /// <param name="limit">How many.</param>
    /// <param name="by">What to order by: total, mean, max, calls, rows, errors.</param>
    public async Task<IReadOnlyList<TopStatement>> TopAsync(string? database, int limit, string by)
    {
        Func<TopStatement, double> order = by switch
        {
            "mean" => static s => (double)s.TotalTicks / s.Calls,
            "max" => static s => s.MaxTicks,
            "calls" => static s => s.Calls,
            "rows" => static s => s.Rows,
            "errors" => static s => s.Errors + s.Denied,
            _ => static s => s.TotalTicks,
        };
        var merged = new Dictionary<(string, string), TopStatement>();
        foreach (TopStatement one in await OnLoopsAsync(l => l.Top.Copy()))
        {
            if (database is not null && one.Database != database) continue;
            if (!merged.TryAdd((one.Database, one.Fingerprint), one)) merged[(one.Database, one.Fingerprint)].Add(one);
        }

        return [.. merged.Values.OrderByDescending(order).Take(limit)];
    }

    /// <summary>Begins the counting of statements anew.</summary>
    public Task ForgetTopAsync() => OnLoopsAsync<int>(l =>
    {
        l.Top.Clear();
        return [];
    });

    /// <summary>Lends nobody a connection to a database any more, and waits until those that are lent have come back. Who wants one waits in the queue, as long as the pool lets it.</summary>
    /// <param name="database">The database.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>How many connections are lent yet; the database stays paused in any case.</returns>
    public async Task<int> PauseAsync(string database, TimeSpan timeout, CancellationToken cancellation = default)
    {
        DbTarget target = Target(database);
        target.IsPaused = true;
        await OnPoolsAsync(target, static p => p.CloseFree());
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (target.Servers.Sum(s => s.Open) is > 0 and int open)
        {
            if (Environment.TickCount64 >= deadline || !target.IsPaused) return open;
            await Task.Delay(20, cancellation);
        }

        return 0;
    }

    /// <summary>Lends connections again.</summary>
    /// <param name="database">The database.</param>
    /// <returns>Whether it was paused.</returns>
    public async Task<bool> ResumeAsync(string database)
    {
        DbTarget target = Target(database);
        bool was = target.IsPaused;
        target.IsPaused = false;
        await OnPoolsAsync(target, static p => p.ServeWaiters());
        return was;
    }

    /// <summary>Replaces the connections to a database's servers: free ones now, those that are lent when they come back.</summary>
    /// <param name="database">The database.</param>
    public Task ReconnectAsync(string database) => OnPoolsAsync(Target(database), static p => p.Reconnect());

    /// <summary>Ends every client of a database and its server connections at once; new ones wait until it is resumed.</summary>
    /// <param name="database">The database.</param>
    /// <returns>How many clients were ended.</returns>
    public async Task<int> KillAsync(string database)
    {
        DbTarget target = Target(database);
        target.IsPaused = true;
        int[] killed = [.. await OnLoopsAsync(l => new[] { l.KillClients(database, null) })];
        await OnPoolsAsync(target, static p => p.CloseFree());
        return killed.Sum();
    }

    /// <summary>Ends one client at once.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> KillClientAsync(long id) => (await OnLoopsAsync(l => new[] { l.KillClients(null, id) })).Sum() > 0;

    internal static long Micros(long ticks) => ticks / (Stopwatch.Frequency / 1_000_000);

    private DbTarget Target(string database) => _config()?.Target(database) ?? throw new KeyNotFoundException($"There is no database \"{database}\".");

    private Task OnPoolsAsync(DbTarget target, Action<ServerPool> action) => OnLoopsAsync<int>(l =>
    {
        foreach (ServerPool pool in l.Pools.Where(p => p.Share.Target == target).ToArray()) action(pool);
        return [];
    });

    private async Task<IReadOnlyList<T>> OnLoopsAsync<T>(Func<DbLoop, T[]> ask)
    {
        T[][] answers = await Task.WhenAll(_loops.Select(l => l.Loop.InvokeAsync(() => ask(l))));
        return [.. answers.SelectMany(a => a)];
    }
}
