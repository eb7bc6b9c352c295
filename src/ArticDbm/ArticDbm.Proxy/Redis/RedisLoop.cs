using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Loops;
using MarchProxy.Net.Timers;

namespace ArticDbm.Proxy.Redis;

/// <summary>What Redis sessions of one loop have in common: shared server connections, clusters' maps, tickets.</summary>
internal sealed class RedisLoop(DbLoop db) : TimerNode
{
    private const int PeriodMs = 1_000;

    /// <summary>Turns until the commands that were counted are logged.</summary>
    private const int TallyTurns = 5;

    /// <summary>Tickets kept for the next commands: as many as a busy loop has under way.</summary>
    private const int KeptTickets = 65_536;

    private readonly Dictionary<LinkKey, RedisLink> _shared = [];
    private readonly List<RedisLink> _links = [];
    private readonly Dictionary<DbTarget, ClusterMap> _clusters = [];
    private readonly Stack<RedisTicket> _tickets = new();
    private bool _armed;
    private int _turn;

    public DbLoop Db => db;

    /// <summary>The connection to a server that its clients share; opened when it is asked for first.</summary>
    public RedisLink Shared(in LinkKey key)
    {
        if (_shared.TryGetValue(key, out RedisLink? link) && !link.IsClosed && !link.IsRetired) return link;
        link = new RedisLink(this, key, owner: null);
        _shared[key] = link;
        Begin(link);
        return link;
    }

    /// <summary>A connection for one session alone.</summary>
    public RedisLink Own(in LinkKey key, RedisSession owner)
    {
        var link = new RedisLink(this, key, owner);
        Begin(link);
        return link;
    }

    /// <summary>The map of a cluster.</summary>
    public ClusterMap Cluster(DbTarget target)
    {
        if (!_clusters.TryGetValue(target, out ClusterMap? map)) _clusters[target] = map = new ClusterMap(this, target);
        return map;
    }

    public void Forget(RedisLink link)
    {
        _links.Remove(link);
        if (_shared.TryGetValue(link.Key, out RedisLink? known) && known == link) _shared.Remove(link.Key);
    }

    public RedisTicket Rent() => _tickets.TryPop(out RedisTicket? ticket) ? ticket : new RedisTicket();

    public void Return(RedisTicket ticket)
    {
        ticket.Clear();
        if (_tickets.Count < KeptTickets) _tickets.Push(ticket);
    }

    /// <summary>Ends every connection.</summary>
    public void Close()
    {
        Disarm();
        foreach (RedisLink link in _links.ToArray()) link.Fail("closed");
    }

    protected override void OnExpired()
    {
        _armed = false;
        long now = db.Loop.NowMs;
        foreach (RedisLink link in _links.ToArray())
        {
            DbTarget target = link.Key.Share.Target;
            if (link.Count > 0 && link.IsOpen && link.Owner is null && now - link.LastProgress > db.Settings.StallMs) link.Fail("timeout");
            else if (link.Owner is not null || link.IsRetired) continue;
            else if (now >= link.EndsAt || db.Config.Target(target.Database.Name) != target || (target.IsPaused && link.IsOpen)) link.Retire();
            else if (link.IsOpen && link.IsIdle && (link.Key.Share.Waiting > 0 || IsLeftAlone(link, now))) link.Release(reusable: true);
        }

        if (++_turn % TallyTurns == 0) db.Sessions.ForEach(static s => (s as RedisSession)?.FlushTally());
        foreach (DbTarget gone in _clusters.Keys.Where(t => db.Config.Target(t.Database.Name) != t).ToArray()) _clusters.Remove(gone);
        Arm();
    }

    private static bool IsLeftAlone(RedisLink link, long now)
    {
        double idle = link.Key.Share.Target.Database.Pool.IdleTimeout.TotalMilliseconds;
        return idle > 0 && now - link.LastProgress > idle;
    }

    private void Begin(RedisLink link)
    {
        _links.Add(link);
        Arm();
        _ = link.RunAsync();
    }

    private void Arm()
    {
        if (_armed || _links.Count == 0) return;
        _armed = true;
        db.Loop.Timers.Arm(this, db.Loop.NowMs + PeriodMs);
    }
}
