namespace MarchProxy.Bench.Results;

/// <summary>All rounds of one peer in one measure.</summary>
/// <param name="Peer">Its name.</param>
/// <param name="Rounds">What was measured, in order.</param>
/// <param name="Failure">Why the peer dropped out; null when it did not.</param>
internal sealed record PeerResult(string Peer, IReadOnlyList<Sample> Rounds, string? Failure)
{
    /// <summary>The median of the values; null when the peer dropped out.</summary>
    public double? Median => Failure is not null || Rounds.Count == 0 ? null : MedianOf([.. Rounds.Select(r => r.Value)]);

    /// <summary>The medians of the details.</summary>
    public IReadOnlyDictionary<string, double> Details => Rounds.SelectMany(r => r.Details).GroupBy(d => d.Key)
        .ToDictionary(g => g.Key, g => MedianOf([.. g.Select(d => d.Value)]));

    private static double MedianOf(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
