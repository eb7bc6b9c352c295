using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Squid as a forward proxy in one process, without a cache and without checking credentials, its access log on: less work than ours does.</summary>
internal sealed class SquidPeer(TestBed bed) : Peer("squid", bed)
{
    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [ForwardPort];

    public override string Version() => Tool.Run("squid", "-v").FirstLine.Replace("Squid Cache: Version ", "squid/", StringComparison.Ordinal);

    protected override Server Launch()
    {
        // Started by root, it becomes another user, who must be able to write here.
        File.SetUnixFileMode(Bed.Folder, File.GetUnixFileMode(Bed.Folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(Folder, (UnixFileMode)0x1FF);
        File.WriteAllText(Path.Combine(Folder, "hosts"), $"127.0.0.1 {TestBed.Host}\n");
        return new Server(Name, OutputFile, "squid", "-N", "-n", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"bench{ForwardPort}"), "-f", Template.Write("Peers/squid.conf", Path.Combine(Folder, "squid.conf"), Values()));
    }
}
