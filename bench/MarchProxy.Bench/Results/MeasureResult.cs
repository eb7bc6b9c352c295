namespace MarchProxy.Bench.Results;

/// <summary>What a measure found.</summary>
internal sealed record MeasureResult(string Measure, string Subject, string Unit, bool MoreIsBetter, IReadOnlyList<Goal> Goals, IReadOnlyList<PeerResult> Peers)
{
    /// <summary>The median of a peer; null when it took no part or dropped out.</summary>
    public double? MedianOf(string peer) => Peers.FirstOrDefault(p => p.Peer == peer)?.Median;

    /// <summary>The subject's median over that of a peer; null when either is missing.</summary>
    public double? Ratio(string peer) => MedianOf(Subject) / MedianOf(peer);
}
