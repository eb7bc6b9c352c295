using System.Collections.Concurrent;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Config;

/// <summary>A database with its servers as this process knows them; shared by all loops.</summary>
internal sealed class DbTarget
{
    /// <summary>Nodes of one cluster at most: Redis' own recommendation is a thousand.</summary>
    private const int MaxNodes = 1_000;

    private readonly ConcurrentDictionary<(string Host, int Port), ServerShare> _nodes = new();
    private readonly Lazy<TlsClientContext?> _tls;
    private readonly int _loops;
    private readonly TimeProvider _time;
    private ServerShare _primary;
    private bool _paused;

    /// <summary>A target.</summary>
    /// <param name="database">What the configuration says.</param>
    /// <param name="loops">How many loops share it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="before">What it was before an edit: a server that has taken the primary's place keeps it, and what is paused stays so.</param>
    public DbTarget(Database database, int loops, TimeProvider time, DbTarget? before = null)
    {
        Database = database;
        _paused = before?.IsPaused == true;
        _loops = loops;
        _time = time;
        Servers = [.. database.Servers.Select(s => new ServerShare(this, s, loops, time))];
        ServerShare configured = Servers.First(s => s.Server.Role == DbServerRole.Primary);
        ServerShare? elected = before is not null && before.Primary.Server.Role != DbServerRole.Primary ? Array.Find(Servers, s => s.Label == before.Primary.Label) : null;
        _primary = elected ?? configured;
        _tls = new Lazy<TlsClientContext?>(MakeTls);
    }

    public Database Database { get; }

    /// <summary>The servers that the configuration names.</summary>
    public ServerShare[] Servers { get; }

    /// <summary>Those, and the nodes that a cluster has told of.</summary>
    public IEnumerable<ServerShare> Known => Servers.Concat(_nodes.Values);

    /// <summary>Where writes go: the primary of the configuration until another server has taken its place.</summary>
    public ServerShare Primary => Volatile.Read(ref _primary);

    /// <summary>Whether its servers are asked what they are: with one alone there is no choice, and a cluster chooses by itself.</summary>
    public bool IsLookedAfter => Servers.Length > 1 && !Database.RedisCluster && Database.Health.Interval > TimeSpan.Zero;

    /// <summary>Whether an operator has paused it: no connection to its servers is lent.</summary>
    public bool IsPaused
    {
        get => Volatile.Read(ref _paused);
        set => Volatile.Write(ref _paused, value);
    }

    /// <summary>TLS to the servers; null when it is switched off.</summary>
    public TlsClientContext? Tls => _tls.Value;

    /// <summary>What a server last said of its settings: told to clients when they log in.</summary>
    public ConcurrentDictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Chooses where writes go. Who has them keeps them for as long as it is up and says that it is the primary: one that comes back after its place was taken must not get them again by itself. Call it on one loop alone.
    /// </summary>
    /// <returns>The server that has been chosen now; null when it is the one that was.</returns>
    public ServerShare? Elect()
    {
        ServerShare now = _primary;
        if (now.Health is { IsUp: true, IsPrimary: true }) return null;
        ServerShare? next = Array.Find(Servers, s => s.Health is { IsUp: true, IsPrimary: true });
        if (next is null || next == now) return null;
        Volatile.Write(ref _primary, next);
        return next;
    }

    /// <summary>A server for a statement that only reads: a replica by weight, or the primary when none is fit.</summary>
    public ServerShare ChooseReader()
    {
        ServerShare primary = Primary;
        int total = 0;
        foreach (ServerShare server in Servers)
        {
            if (MayRead(server, primary)) total += server.Server.Weight;
        }

        if (total == 0) return primary;
        int at = Random.Shared.Next(total);
        foreach (ServerShare server in Servers)
        {
            if (MayRead(server, primary) && (at -= server.Server.Weight) < 0) return server;
        }

        return primary;
    }

    private static bool MayRead(ServerShare server, ServerShare primary) => server != primary && !server.IsPaused && server.Health.MayRead;

    /// <summary>A node that a cluster has told of; null when there are too many.</summary>
    public ServerShare? Node(string host, int port)
    {
        if (Array.Find(Servers, s => s.Server.Port == port && s.Server.Host == host) is { } named) return named;
        if (_nodes.TryGetValue((host, port), out ServerShare? known)) return known;
        return _nodes.Count >= MaxNodes ? null : _nodes.GetOrAdd((host, port), n => new ServerShare(this, new DbServer { Host = n.Host, Port = n.Port }, _loops, _time));
    }

    private TlsClientContext? MakeTls() => Database.Tls.Mode == DbTlsMode.Disable ? null : new TlsClientContext(new TlsClientOptions
    {
        CaPem = Database.Tls.Ca.Length > 0 ? Database.Tls.Ca : null,
        SkipVerification = Database.Tls.Mode != DbTlsMode.VerifyFull,
    });
}
