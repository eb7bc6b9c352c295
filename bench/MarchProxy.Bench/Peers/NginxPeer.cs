using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>nginx with one worker, upstream keep-alive and a buffered access log.</summary>
internal sealed class NginxPeer(TestBed bed) : Peer("nginx", bed)
{
    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [HttpPort, HttpsPort];

    public override string Version() => Tool.Run("nginx", "-v").FirstLine.Replace("nginx version: ", "", StringComparison.Ordinal);

    protected override Server Launch() => new(Name, OutputFile, "nginx",
        "-p", Folder, "-c", Template.Write("Peers/nginx.conf", Path.Combine(Folder, "nginx.conf"), Values()), "-e", Path.Combine(Folder, "error.log"));
}
