using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Dante as a SOCKS5 server, without checking credentials, its log of connections on: less work than ours does.</summary>
internal sealed class DantePeer(TestBed bed) : Peer("dante", bed)
{
    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [ForwardPort];

    public override string Version() => Tool.Run("danted", "-v").FirstLine.Replace("Dante v", "dante/", StringComparison.Ordinal);

    protected override Server Launch() => new(Name, OutputFile, "danted", "-N", "1", "-p", Path.Combine(Folder, "danted.pid"), "-f", Template.Write("Peers/danted.conf", Path.Combine(Folder, "danted.conf"), Values()));
}
