namespace MarchProxy.Bench.Results;

/// <summary>One round of one peer.</summary>
/// <param name="Value">What the measure compares, in its unit.</param>
/// <param name="Details">What else was seen, by name with its unit.</param>
internal sealed record Sample(double Value, IReadOnlyDictionary<string, double> Details);
