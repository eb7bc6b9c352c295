using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>nutcracker (twemproxy) with its defaults: one thread, one connection to the server; it asks for no password, judges nothing and logs nothing.</summary>
internal sealed class NutcrackerPeer(TestBed bed) : Peer("nutcracker", bed), IRedisPeer
{
    private readonly int _statsPort = Ports.Free();

    public int RedisPort => BulkPort;

    public IReadOnlyList<string> LogIn => [];

    public override long LoggedBytes => LengthOf("output.log");

    protected override IEnumerable<int> ListensOn => [RedisPort];

    public override string Version()
    {
        Tool tool = Tool.Run("nutcracker", "--version");
        return "nutcracker/" + (tool.Output + tool.Errors).Split('\n')[0].Replace("This is nutcracker-", "", StringComparison.Ordinal);
    }

    protected override Server Launch()
    {
        string file = Path.Combine(Folder, "nutcracker.yml");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            bench:
              listen: 127.0.0.1:{RedisPort}
              hash: fnv1a_64
              distribution: ketama
              redis: true
              servers:
               - 127.0.0.1:{Bed.Redis.Port}:1
            """));
        return new Server(Name, OutputFile, "nutcracker", "-c", file, "-s", _statsPort.ToString(CultureInfo.InvariantCulture));
    }
}
