namespace MarchProxy.Edge.Admin;

/// <summary>Whether a role can serve, and if not, why.</summary>
/// <param name="Reasons">What is missing, in words for an operator; empty when ready.</param>
public readonly record struct ReadyState(IReadOnlyList<string> Reasons)
{
    /// <summary>What it has too much of, so that the newest is refused; it stays ready, since leaving the others to carry it would not help.</summary>
    public IReadOnlyList<string>? Overload { get; init; }

    /// <summary>Nothing is missing.</summary>
    public static ReadyState Ready { get; } = new([]);

    /// <summary>Whether nothing is missing.</summary>
    public bool IsReady => Reasons is null or { Count: 0 };
}
