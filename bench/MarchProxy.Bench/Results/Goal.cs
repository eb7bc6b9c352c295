using System.Globalization;

namespace MarchProxy.Bench.Results;

/// <summary>What the subject of a measure should reach.</summary>
/// <param name="Against">The peer it is held against; null when <paramref name="Bound"/> stands by itself.</param>
/// <param name="Bound">A factor of the peer's value, or a value in the measure's unit.</param>
internal sealed record Goal(string? Against, double Bound)
{
    /// <summary>The goal in words.</summary>
    public string Text(bool moreIsBetter) =>
        string.Create(CultureInfo.InvariantCulture, $"{(moreIsBetter ? ">=" : "<=")} {Bound:0.##}{(Against is null ? "" : " x " + Against)}");

    /// <summary>Whether it is met; null when a value is missing.</summary>
    public bool? Met(MeasureResult result)
    {
        double? ours = result.MedianOf(result.Subject);
        double? bound = Against is null ? Bound : Bound * result.MedianOf(Against);
        return ours is null || bound is null ? null : result.MoreIsBetter ? ours >= bound : ours <= bound;
    }
}
