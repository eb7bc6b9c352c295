using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Makes peers by name.</summary>
internal static class PeerFactory
{
    /// <summary>The names it knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["nginx", "haproxy", "squid", "dante", "pgbouncer", "articdbm", "nutcracker", "articdbm-redis", "marchproxy", "marchproxy-10", "marchproxy-1000", "marchproxy-10000"];

    /// <exception cref="BenchException">The name is unknown.</exception>
    public static Peer Create(string name, TestBed bed) => name switch
    {
        "nginx" => new NginxPeer(bed),
        "haproxy" => new HaproxyPeer(bed),
        "squid" => new SquidPeer(bed),
        "pgbouncer" => new PgBouncerPeer(bed),
        "articdbm" => new ArticDbmPeer(bed),
        "nutcracker" => new NutcrackerPeer(bed),
        "articdbm-redis" => new ArticRedisPeer(bed),
        "dante" => new DantePeer(bed),
        "marchproxy" => new MarchProxyPeer(bed, name),
        "marchproxy-10" => new MarchProxyPeer(bed, name, 10),
        "marchproxy-1000" => new MarchProxyPeer(bed, name, 1_000),
        "marchproxy-10000" => new MarchProxyPeer(bed, name, 10_000),
        _ => throw new BenchException($"there is no peer '{name}'; known are {string.Join(", ", Names)}"),
    };
}
