using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Our edge, as built, with policy, access log and metrics on.</summary>
internal sealed class MarchProxyPeer(TestBed bed) : Peer("marchproxy", bed)
{
    private readonly int _adminPort = Ports.Free();

    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [HttpPort, HttpsPort, BulkPort, ForwardPort, _adminPort];

    public override string Version()
    {
        string version = Tool.Run(Bed.Options.Executable, "version").FirstLine;
        return version.Length > 0 ? version : throw new BenchException($"{Bed.Options.Executable} does not say its version; run make build");
    }

    protected override Server Launch() => new(Name, OutputFile, Path.GetFullPath(Bed.Options.Executable),
        "run", "edge", "--file", Template.Write("Peers/marchproxy.yaml", Path.Combine(Folder, "edge.yaml"), Values()),
        "--ready-file", Path.Combine(Folder, "ready"), "--admin-listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_adminPort}"),
        "--access-log", Path.Combine(Folder, "access.log"));
}
