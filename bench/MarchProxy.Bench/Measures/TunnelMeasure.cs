using System.Globalization;
using System.Text;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Measures;

/// <summary>Tunnels opened, used for one request and closed, per CPU-second of the proxy: by CONNECT against Squid, by SOCKS5 against Dante; ours with a user and a token, the others without.</summary>
internal sealed class TunnelMeasure(string group, string name, bool socks) : Measure(group, name, "tunnels/CPU-s")
{
    private const int Parallel = 64;

    public override IReadOnlyList<string> Peers => [socks ? "dante" : "squid", "marchproxy"];

    public override void WarmUp(Peer peer, TimeSpan duration) => Load(peer).Run(duration);

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        (long tunnels, double cpu) = Cost(peer, () => Load(peer).Run(duration));
        return new Sample(tunnels / cpu, new Dictionary<string, double> { ["tunnelsPerSecond"] = tunnels / duration.TotalSeconds });
    }

    private TunnelLoad Load(Peer peer)
    {
        string credential = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{TestBed.User}:{TestBed.Token}"));
        if (!socks) return new TunnelLoad(peer.ForwardPort, Parallel, TunnelOpening.Connect(string.Create(CultureInfo.InvariantCulture, $"{TestBed.Host}:{peer.OriginPort}"), credential));

        // Dante would ask the system's resolver, which knows no name of ours: by an address it has one look-up less than ours makes.
        return new TunnelLoad(peer.ForwardPort, Parallel, peer.Name == "marchproxy"
            ? TunnelOpening.Socks(TestBed.Host, peer.OriginPort, (TestBed.User, TestBed.Token))
            : TunnelOpening.Socks(null, peer.OriginPort, null));
    }
}
