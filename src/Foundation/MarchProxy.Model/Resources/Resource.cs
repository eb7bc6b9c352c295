namespace MarchProxy.Model.Resources;

/// <summary>What every resource has.</summary>
public abstract record Resource
{
    /// <summary>Unique in its cluster among its kind; a DNS label (RFC 1123).</summary>
    public required string Name { get; init; }

    /// <summary>The cluster it belongs to. Default <c>default</c>.</summary>
    public string Cluster { get; init; } = "default";

    /// <summary>Free labels, for selection and display.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = EmptyLabels;

    /// <summary>A sentence for people.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where it was read; not part of its content.</summary>
    public SourcePosition Position { get; init; }

    /// <summary>Its kind in the singular, as messages name it: <c>mapping</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>How messages name it: <c>mapping/billing-to-orders</c>.</summary>
    public string Reference => $"{Kind}/{Name}";

    private static readonly IReadOnlyDictionary<string, string> EmptyLabels = new Dictionary<string, string>();
}

/// <summary>A place in a file.</summary>
/// <param name="File">The file's name as given.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
public readonly record struct SourcePosition(string File, int Line, int Column);
