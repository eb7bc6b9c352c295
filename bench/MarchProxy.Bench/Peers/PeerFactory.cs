using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Makes peers by name.</summary>
internal static class PeerFactory
{
    /// <summary>The names it knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["nginx", "haproxy", "squid", "marchproxy"];

    /// <exception cref="BenchException">The name is unknown.</exception>
    public static Peer Create(string name, TestBed bed) => name switch
    {
        "nginx" => new NginxPeer(bed),
        "haproxy" => new HaproxyPeer(bed),
        "squid" => new SquidPeer(bed),
        "marchproxy" => new MarchProxyPeer(bed),
        _ => throw new BenchException($"there is no peer '{name}'; known are {string.Join(", ", Names)}"),
    };
}
