using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>HAProxy with one thread, reused upstream connections, splicing for TCP, and its log shipped from a ring.</summary>
internal sealed class HaproxyPeer(TestBed bed) : Peer("haproxy", bed)
{
    public override long LoggedBytes => Bed.LogSink.Bytes;

    protected override IEnumerable<int> ListensOn => [HttpPort, HttpsPort, BulkPort];

    public override string Version() => Tool.Run("haproxy", "-v").FirstLine;

    protected override Server Launch() => new(Name, OutputFile, "haproxy",
        "-db", "-f", Template.Write("Peers/haproxy.cfg", Path.Combine(Folder, "haproxy.cfg"), Values()));
}
