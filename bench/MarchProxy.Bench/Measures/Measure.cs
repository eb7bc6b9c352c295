using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Results;

namespace MarchProxy.Bench.Measures;

/// <summary>One thing that is compared between peers.</summary>
/// <param name="group">The word by which the command line asks for it and its kin.</param>
/// <param name="name">Its own name, unique; also that of its result file.</param>
/// <param name="unit">Unit of the value that is compared.</param>
internal abstract class Measure(string group, string name, string unit)
{
    public string Group => group;

    public string Name => name;

    public string Unit => unit;

    /// <summary>Whether a higher value is the better one.</summary>
    public virtual bool MoreIsBetter => true;

    /// <summary>The peers that can do this, in the order of a round.</summary>
    public virtual IReadOnlyList<string> Peers => ["nginx", "haproxy", "marchproxy"];

    /// <summary>The peer whose value is held against the others'.</summary>
    public virtual string Subject => "marchproxy";

    /// <summary>What it should reach.</summary>
    public IReadOnlyList<Goal> Goals { get; init; } = [];

    /// <summary>How many rounds a peer needs when the command line asks for <paramref name="asked"/>.</summary>
    public virtual int Rounds(int asked) => asked;

    /// <summary>Loads a started peer so that later rounds find it in its steady state.</summary>
    public abstract void WarmUp(Peer peer, TimeSpan duration);

    /// <summary>Called once when all are warm, before the first round.</summary>
    public virtual void Prepare(IReadOnlyList<Peer> peers, TimeSpan round)
    {
    }

    /// <summary>One round of one peer.</summary>
    /// <exception cref="BenchException">The peer did not do its work; it drops out.</exception>
    public abstract Sample Take(Peer peer, TimeSpan duration);

    /// <summary>CPU seconds that the peer spends while <paramref name="load"/> runs, beside what the load returns.</summary>
    protected static (T Result, double CpuSeconds) Cost<T>(Peer peer, Func<T> load)
    {
        double before = peer.CpuSeconds;
        T result = load();
        double spent = peer.CpuSeconds - before;
        return spent > 0 ? (result, spent) : throw new BenchException("spent no measurable CPU time: the round is too short");
    }
}
