using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Our edge, as built, with policy, access log and metrics on; with as many services, mappings and routes as are asked for.</summary>
internal sealed class MarchProxyPeer(TestBed bed, string name, int size = 0) : Peer(name, bed)
{
    private readonly int _adminPort = Ports.Free();

    public override long LoggedBytes => LengthOf("access.log");

    protected override IEnumerable<int> ListensOn => [HttpPort, HttpsPort, BulkPort, ForwardPort, _adminPort];

    public override string Version()
    {
        string version = Tool.Run(Bed.Options.Executable, "version").FirstLine;
        return version.Length > 0 ? version : throw new BenchException($"{Bed.Options.Executable} does not say its version; run make build");
    }

    /// <summary>Each more service has a name, a mapping and a route of its own; every tenth mapping is the loader's.</summary>
    private Dictionary<string, string> Sized()
    {
        Dictionary<string, string> values = Values();
        string Lines(Func<int, string> line) => string.Concat(Enumerable.Range(0, size).Select(i => "  - " + line(i) + "\n"));
        values["MORESERVICES"] = Lines(i => $"{{ name: s{i}, addresses: [s{i}.test], ports: \"80\" }}");
        values["MOREMAPPINGS"] = Lines(i => $"{{ name: m{i}, sources: [{(i % 10 == 0 ? TestBed.User : "local")}], destinations: [s{i}], protocols: [http, https], ports: \"80,443\" }}");
        values["MOREROUTES"] = Lines(i => $"{{ name: r{i}, hosts: [s{i}.test], paths: [{{ prefix: / }}], backends: [{{ service: origin }}] }}");
        return values;
    }

    protected override Server Launch() => new(Name, OutputFile, Path.GetFullPath(Bed.Options.Executable),
        "run", "edge", "--file", Template.Write("Peers/marchproxy.yaml", Path.Combine(Folder, "edge.yaml"), Sized()),
        "--ready-file", Path.Combine(Folder, "ready"), "--admin-listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_adminPort}"),
        "--access-log", Path.Combine(Folder, "access.log"));
}
