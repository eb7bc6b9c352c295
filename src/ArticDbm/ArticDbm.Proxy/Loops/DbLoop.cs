using ArticDbm.Proxy.Admin;
using ArticDbm.Proxy.Audit;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.MySql;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Postgres;
using ArticDbm.Proxy.Redis;
using ArticDbm.Proxy.Sessions;
using ArticDbm.Security;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Timers;

namespace ArticDbm.Proxy.Loops;

/// <summary>All that ArticDBM keeps for one loop: nothing in it is shared, nothing in it is locked.</summary>
internal sealed class DbLoop
{
    private readonly TimeProvider _time;
    private readonly Action<Exception> _onDefect;
    private readonly Housekeeping _housekeeping;
    private readonly Dictionary<ServerShare, ServerPool> _pools = [];
    private RedisLoop? _redis;
    private int _loggingIn;

    public DbLoop(EventLoop loop, DbSettings settings, DbConfig config, DbShared shared, DbMetrics metrics, StatementLog log, INameResolver resolver, TimeProvider time, Action<Exception> onDefect)
    {
        Loop = loop;
        Settings = settings;
        Config = config;
        Shared = shared;
        Metrics = metrics;
        Log = log;
        Resolver = resolver;
        _time = time;
        _onDefect = onDefect;
        _housekeeping = new Housekeeping(this);
    }

    public EventLoop Loop { get; }

    public DbSettings Settings { get; }

    /// <summary>The configuration that new sessions and statements obey.</summary>
    public DbConfig Config { get; private set; }

    /// <summary>What all loops share.</summary>
    public DbShared Shared { get; }

    public DbMetrics Metrics { get; }

    public StatementLog Log { get; }

    /// <summary>What statements cost, by shape.</summary>
    public TopStatements Top { get; } = new();

    public INameResolver Resolver { get; }

    public SessionList<DbSession> Sessions { get; } = new();

    /// <summary>What Redis sessions have in common.</summary>
    public RedisLoop Redis => _redis ??= new RedisLoop(this);

    public PreparedStatements Prepared { get; } = new();

    /// <summary>What was read out of PostgreSQL's statements; found by a hash that nobody outside can aim at.</summary>
    public StatementCache PgStatements { get; } = new(SqlDialect.PostgreSql, seed: (ulong)Random.Shared.NextInt64());

    /// <summary>What MySQL's protocol keeps.</summary>
    public MySqlLoop MySql => field ??= new MySqlLoop();

    public bool IsDraining { get; private set; }

    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Starts what has to be done every quarter of a second. Call it on the loop.</summary>
    public void Start() => _housekeeping.Arm();

    /// <summary>Puts a configuration in force: statements obey it at once; sessions that it no longer lets be end.</summary>
    public void Obey(DbConfig config)
    {
        DbConfig before = Config;
        Config = config;
        foreach (DbTarget gone in before.Targets.Where(t => config.Target(t.Database.Name) != t))
        {
            foreach (ServerShare share in gone.Known)
            {
                if (_pools.Remove(share, out ServerPool? pool)) pool.Close();
            }
        }

        if (!ReferenceEquals(before, config)) Sessions.ForEach(static s => s.Reconsider());
        foreach (DbTarget target in config.Targets.Where(t => before.Target(t.Database.Name) != t || ReferenceEquals(before, config))) WarmUp(target);
    }

    /// <summary>Its pools.</summary>
    public IReadOnlyCollection<ServerPool> Pools => _pools.Values;

    /// <summary>What passed through each database.</summary>
    public Dictionary<string, DbStats> Stats { get; } = new(StringComparer.Ordinal);

    /// <summary>What passed through a database. Bounded by the databases that ever were configured.</summary>
    public DbStats StatsOf(string database)
    {
        if (!Stats.TryGetValue(database, out DbStats? stats)) Stats[database] = stats = new DbStats();
        return stats;
    }

    /// <summary>The clients that have logged in.</summary>
    public DbClientView[] Clients()
    {
        var clients = new List<DbClientView>(Sessions.Count);
        Sessions.ForEach(s =>
        {
            if (s.View() is { } view) clients.Add(view);
        });
        return [.. clients];
    }

    /// <summary>The connections to servers: those that are free, and those that sessions hold.</summary>
    public DbServerView[] Servers()
    {
        List<DbServerView> servers = [.. _pools.Values.SelectMany(p => p.FreeConnections).Select(c => View(c, null))];
        Sessions.ForEach(s =>
        {
            if (s.Lent is { } lent) servers.Add(View(lent, s.Id));
        });
        return [.. servers];
    }

    /// <summary>Ends the clients of a database at once, or the one of a number.</summary>
    /// <returns>How many.</returns>
    public int KillClients(string? database, long? id)
    {
        int killed = 0;
        Sessions.ForEach(s =>
        {
            if (id is { } one ? s.Id != one : s.DatabaseName != database) return;
            s.Kill();
            killed++;
        });
        return killed;
    }

    private DbServerView View(ServerConnection connection, long? client)
    {
        Database database = connection.Share.Target.Database;
        return new DbServerView(
            database.Name, database.Credential.User, connection.Share.Label, client is null ? "idle" : "active", connection.Connection.Local.ToString(), Loop.NowMs - connection.OpenedAt, connection.Connection.Tls is not null, client);
    }

    /// <summary>The loop's connections to a server.</summary>
    public ServerPool Pool(ServerShare share)
    {
        if (!_pools.TryGetValue(share, out ServerPool? pool)) _pools[share] = pool = new ServerPool(Loop, share, p => DbEngineList.Find(share.Target.Database.Engine)!.OpenAsync(this, p));
        return pool;
    }

    /// <summary>Takes a connection that a listener accepted.</summary>
    public void Accept(TcpConnection connection, DbListener listener)
    {
        Metrics.Accepted(listener);
        if (IsDraining || Sessions.Count >= Settings.MaxConnectionsPerLoop || _loggingIn >= Settings.MaxLoginsPerLoop)
        {
            Metrics.Shed.Inc();
            connection.Abort();
            return;
        }

        listener.Served.Accept(this, connection, listener).Start();
    }

    /// <summary>A client begins or ends its log-in.</summary>
    public void CountLogin(int by) => _loggingIn += by;

    /// <summary>Lets open sessions end: those between transactions now, the others after theirs.</summary>
    public void BeginDrain()
    {
        IsDraining = true;
        Sessions.ForEach(static s => s.Drain());
    }

    /// <summary>Ends every session and connection now.</summary>
    public void KillAll()
    {
        Sessions.ForEach(static s => s.Kill());
        _redis?.Close();
        foreach (ServerPool pool in _pools.Values) pool.Close();
        _pools.Clear();
    }

    public void ReportDefect(Exception e) => _onDefect(e);

    private void WarmUp(DbTarget target)
    {
        int loops = Shared.Loops;
        foreach (ServerShare share in target.Servers)
        {
            int wanted = (int)Math.Ceiling(share.Limit * target.Database.Pool.WarmUpPercent / 100.0 / loops);
            if (wanted > 0) _ = Pool(share).WarmUpAsync(wanted);
        }
    }

    /// <summary>Hands log lines on and looks at gauges, four times a second.</summary>
    private sealed class Housekeeping(DbLoop db) : TimerNode
    {
        private const int PeriodMs = 250;

        /// <summary>Turns until sessions are reconsidered: every five seconds, so that what has expired lets none live longer.</summary>
        private const int ReconsiderTurns = 20;
        private int _turn;

        public void Arm() => db.Loop.Timers.Arm(this, db.Loop.NowMs + PeriodMs);

        protected override void OnExpired()
        {
            db.Log.Flush();
            db.Metrics.Gauge(db.Sessions.Count);
            if (++_turn % ReconsiderTurns == 0) db.Sessions.ForEach(static s => s.Reconsider());
            Arm();
        }
    }
}
