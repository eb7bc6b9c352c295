namespace ArticDbm.Security;

/// <summary>When a rule acts though no policy names it or its category.</summary>
public enum RuleGrade
{
    /// <summary>As the policy's <c>default</c> says: what it finds is an attack.</summary>
    Attack,

    /// <summary>At most reported under the policy's <c>default</c>: what it finds is a trace of an attack that did nothing, or a thing that ordinary applications do at times.</summary>
    Trace,

    /// <summary>Not at all: what it finds is ordinary, and some places want it refused.</summary>
    Named,
}

/// <summary>A rule of the firewall.</summary>
/// <param name="Name">Its name, as policies write it.</param>
/// <param name="Category">Its category, as policies write it.</param>
/// <param name="Grade">When it acts.</param>
/// <param name="Finds">What it finds, for the operator.</param>
public sealed record FirewallRule(string Name, string Category, RuleGrade Grade, string Finds)
{
    /// <summary>Its place in <see cref="FirewallRules.All"/>.</summary>
    internal int Index { get; init; }
}
