using MarchProxy.Bench;
using MarchProxy.Bench.Firewall;
using MarchProxy.Bench.Http1;
using MarchProxy.Bench.Manager;
using MarchProxy.Bench.Measures;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Policy;
using MarchProxy.Bench.Results;
using MarchProxy.Bench.Site;
using MarchProxy.Bench.Tls;

// Micro-measurements of pure code, which know no peer: asked for by name, and not a part of all.
Dictionary<string, Action<BenchOptions>> micro = new()
{
    ["parser"] = _ => ParserBench.Run(),
    ["decision"] = _ => DecisionBench.Run(),
    ["tls-engine"] = _ => TlsEngineBench.Run(),
    ["manager"] = _ => ManagerBench.Run(),
    ["firewall"] = FirewallBench.Run,
};

try
{
    if (args is ["help"] or ["--help"] or ["-h"])
    {
        Console.WriteLine($"{BenchOptions.Usage}{Catalogue.Describe()}\npure code:\n  {string.Join(' ', micro.Keys)}");
        return 0;
    }

    BenchOptions options = BenchOptions.Parse(args);
    if (micro.TryGetValue(options.What, out Action<BenchOptions>? run))
    {
        run(options);
        return 0;
    }

    Compare(options, Catalogue.Find(options.What));
    return 0;
}
catch (BenchException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static void Compare(BenchOptions options, IReadOnlyList<Measure> measures)
{
    using TestBed bed = new(options);
    Dictionary<string, string> versions = Present(bed, options.Peers is [] ? PeerFactory.Names : options.Peers);
    Report report = new(options.Output, versions);
    foreach (Measure measure in measures)
    {
        Console.WriteLine($"{measure.Name} ...");
        report.Add(new Comparison(measure, bed, [.. versions.Keys]).Run());
    }

    Console.WriteLine();
    Console.Write(report.Table());
}

// The peers that are on this machine, with their versions; one that is not is named and left out.
static Dictionary<string, string> Present(TestBed bed, IReadOnlyList<string> names)
{
    Dictionary<string, string> versions = [];
    foreach (string name in names)
    {
        using Peer peer = PeerFactory.Create(name, bed);
        try
        {
            versions[name] = peer.Version();
        }
        catch (BenchException e)
        {
            Console.WriteLine($"{name} takes no part: {e.Message}");
        }
    }

    return versions;
}
