using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Measures;

/// <summary>Runs one measure: starts its peers, warms them, lets them take turns, and collects. A peer that fails drops out; the others go on.</summary>
internal sealed class Comparison(Measure measure, TestBed bed, IReadOnlyList<string> names)
{
    private readonly Dictionary<string, Entrant> _entrants = names.Where(measure.Peers.Contains).ToDictionary(name => name, _ => new Entrant());

    public MeasureResult Run()
    {
        BenchOptions options = bed.Options;
        try
        {
            foreach ((string name, Entrant entrant) in _entrants)
                Try(entrant, () =>
                {
                    entrant.Peer = PeerFactory.Create(name, bed);
                    entrant.Peer.Start();
                    measure.WarmUp(entrant.Peer, name.StartsWith("marchproxy", StringComparison.Ordinal) || name == "articdbm" ? options.WarmUp : options.WarmUp / 4);
                });
            measure.Prepare([.. Running.Select(e => e.Peer!)], options.Round);
            for (int round = 0; round < measure.Rounds(options.Rounds); round++)
                foreach (Entrant entrant in Running)
                    Try(entrant, () => entrant.Samples.Add(measure.Take(entrant.Peer!, options.Round)));
        }
        catch (BenchException e)
        {
            foreach (Entrant entrant in Running) entrant.Failure = e.Message;
        }
        finally
        {
            foreach (Entrant entrant in _entrants.Values) entrant.Peer?.Dispose();
        }

        return new MeasureResult(measure.Name, measure.Subject, measure.Unit, measure.MoreIsBetter, measure.Goals,
            [.. _entrants.Select(e => new PeerResult(e.Key, e.Value.Samples, e.Value.Failure))]);
    }

    private IEnumerable<Entrant> Running => _entrants.Values.Where(e => e.Failure is null);

    private static void Try(Entrant entrant, Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is BenchException or System.Net.Sockets.SocketException)
        {
            entrant.Failure = e.Message;
        }
    }

    private sealed class Entrant
    {
        public Peer? Peer { get; set; }

        public List<Sample> Samples { get; } = [];

        public string? Failure { get; set; }
    }
}
