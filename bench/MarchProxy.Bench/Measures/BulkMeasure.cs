using System.Globalization;
using System.Text;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Measures;

/// <summary>
/// Bytes of long TCP flows per CPU-second of the proxy. With <paramref name="connect"/>, marchproxy carries them in CONNECT tunnels of
/// its forward proxy; HAProxy knows no CONNECT and forwards the same flows in TCP mode, which is the less work of the two.
/// </summary>
internal sealed class BulkMeasure(string group, string name, int flows, bool connect) : Measure(group, name, "MB/CPU-s")
{
    private static readonly TimeSpan Lead = TimeSpan.FromSeconds(0.5);

    public override IReadOnlyList<string> Peers => ["haproxy", "marchproxy"];

    public override void WarmUp(Peer peer, TimeSpan duration)
    {
        using BulkLoad load = Open(peer);
        load.Receive(duration);
    }

    public override Sample Take(Peer peer, TimeSpan duration)
    {
        using BulkLoad load = Open(peer);
        load.Receive(Lead);
        (long bytes, double cpu) = Cost(peer, () => load.Receive(duration));
        return new Sample(bytes / cpu / 1e6, new Dictionary<string, double>
        {
            ["gigabitsPerSecond"] = bytes * 8 / duration.TotalSeconds / 1e9,
            ["cores"] = cpu / duration.TotalSeconds,
        });
    }

    private BulkLoad Open(Peer peer)
    {
        if (!connect || peer.Name != "marchproxy") return new BulkLoad(peer.BulkPort, flows, connect: null);
        string target = string.Create(CultureInfo.InvariantCulture, $"{TestBed.Host}:{peer.SourcePort}");
        string credential = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{TestBed.User}:{TestBed.Token}"));
        return new BulkLoad(peer.ForwardPort, flows, $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {credential}\r\n\r\n");
    }
}
