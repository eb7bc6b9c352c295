using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>What happens to a request that a rule finds.</summary>
public enum WafMode
{
    /// <summary>It is not looked at.</summary>
    Off,

    /// <summary>It passes, and is told in metrics and the access line.</summary>
    Monitor,

    /// <summary>It is refused.</summary>
    Block,
}

/// <summary>What a rule looks at.</summary>
public enum WafRule
{
    /// <summary>A method that is not listed.</summary>
    Method,

    /// <summary>A path and query that are too long.</summary>
    UriLength,

    /// <summary>A query that is too long.</summary>
    QueryLength,

    /// <summary>Too many header fields.</summary>
    HeaderCount,

    /// <summary>Header fields with too many bytes in all.</summary>
    HeaderSize,

    /// <summary>Content with too many bytes.</summary>
    BodySize,

    /// <summary>Content of a type that is not listed.</summary>
    ContentType,

    /// <summary>A path that climbs: dot segments in any spelling, backslashes.</summary>
    PathTraversal,

    /// <summary>Bytes spelled to deceive: percent signs without digits, NUL, other control characters, overlong or broken UTF-8, percent signs encoded again.</summary>
    PathEncoding,

    /// <summary>Header fields that no honest client sends: several of a field that is one, control or broken bytes, names that servers mistake for others.</summary>
    HeaderAnomaly,
}

/// <summary>Rules that a route's requests are held to before they are sent on.</summary>
public sealed record Waf
{
    /// <summary>The rules by the names that they have in files, reasons and metrics.</summary>
    public static ImmutableArray<(string Name, WafRule Rule)> Rules { get; } =
    [
        ("method", WafRule.Method), ("uri-length", WafRule.UriLength), ("query-length", WafRule.QueryLength), ("header-count", WafRule.HeaderCount), ("header-size", WafRule.HeaderSize),
        ("body-size", WafRule.BodySize), ("content-type", WafRule.ContentType), ("path-traversal", WafRule.PathTraversal), ("path-encoding", WafRule.PathEncoding), ("header-anomaly", WafRule.HeaderAnomaly),
    ];

    /// <summary>Of all rules. Default block.</summary>
    public WafMode Mode { get; init; } = WafMode.Block;

    /// <summary>Of single rules, where another.</summary>
    public ImmutableSortedDictionary<WafRule, WafMode> Modes { get; init; } = ImmutableSortedDictionary<WafRule, WafMode>.Empty;

    /// <summary>Methods that pass; empty for all.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Bytes of path and query; zero for no bound but the edge's own.</summary>
    public int MaxUri { get; init; }

    /// <summary>Bytes of the query; zero for no bound.</summary>
    public int MaxQuery { get; init; }

    /// <summary>Header fields; zero for no bound but the edge's own.</summary>
    public int MaxHeaders { get; init; }

    /// <summary>Bytes of all header fields; zero for no bound but the edge's own.</summary>
    public int MaxHeaderBytes { get; init; }

    /// <summary>Bytes of content; zero for no bound.</summary>
    public long MaxBody { get; init; }

    /// <summary>Types of content that pass, <c>*</c> for any run of characters; empty for all.</summary>
    public ImmutableArray<string> ContentTypes { get; init; } = [];

    /// <summary>The mode of a rule.</summary>
    /// <param name="rule">The rule.</param>
    public WafMode ModeOf(WafRule rule) => Mode == WafMode.Off ? WafMode.Off : Modes.GetValueOrDefault(rule, Mode);

    /// <summary>The name of a rule.</summary>
    /// <param name="rule">The rule.</param>
    public static string NameOf(WafRule rule) => Rules[(int)rule].Name;
}
