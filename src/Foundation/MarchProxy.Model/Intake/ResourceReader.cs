using System.Text;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>What an intake came to.</summary>
/// <param name="Set">The resources that could be read; complete only without errors.</param>
/// <param name="Diagnostics">All findings.</param>
public sealed record IntakeResult(ResourceSet Set, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether the whole must be refused.</summary>
    public bool HasErrors => Diagnostics.Any(d => d.Severity == Severity.Error);
}

/// <summary>What readers of one intake share.</summary>
internal sealed record IntakeContext(DiagnosticList Diagnostics, ISecretSource Secrets);

/// <summary>Reads resource files: YAML or JSON, grouped by plural. Every fault is found in one reading and none is thrown.</summary>
public static class ResourceReader
{
    /// <summary>Kinds of the suite that other roles serve: read past, and said so.</summary>
    private static readonly string[] s_elsewhere =
    [
        "sources", "retention", "alertRules", "users", "qosPolicies", "routeTables", "policies", "threatFeeds",
    ];

    private static readonly string[] s_here = [.. ResourceKind.All.Select(k => k.Plural)];

    /// <summary>Reads YAML.</summary>
    /// <param name="text">The document.</param>
    /// <param name="fileName">How messages name it.</param>
    /// <param name="secrets">Where its secrets are.</param>
    public static IntakeResult ReadYaml(string text, string fileName, ISecretSource secrets)
    {
        var diagnostics = new DiagnosticList();
        Node? root = new NodeReader(fileName, diagnostics).Read(text);
        ResourceSet set = root is null ? ResourceSet.Empty : Bind(root, new IntakeContext(diagnostics, secrets));
        return new IntakeResult(set, diagnostics.Items);
    }

    /// <summary>Reads JSON: strictly what RFC 8259 allows.</summary>
    /// <param name="text">The document.</param>
    /// <param name="fileName">How messages name it.</param>
    /// <param name="secrets">Where its secrets are.</param>
    public static IntakeResult ReadJson(string text, string fileName, ISecretSource secrets)
    {
        var diagnostics = new DiagnosticList();
        Node? root = JsonNodeReader.Read(Encoding.UTF8.GetBytes(text), fileName, diagnostics);
        ResourceSet set = root is null ? ResourceSet.Empty : Bind(root, new IntakeContext(diagnostics, secrets));
        return new IntakeResult(set, diagnostics.Items);
    }

    /// <summary>Reads one object of one kind from JSON, as an API or a control plane sends it.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="json">The object, UTF-8.</param>
    /// <param name="source">How messages name where it came from.</param>
    /// <param name="secrets">Where its secrets are.</param>
    /// <returns>The resource, null when it could not be read at all, and all findings.</returns>
    public static (Resource? Resource, IReadOnlyList<Diagnostic> Diagnostics) ReadObject(ResourceKind kind, ReadOnlySpan<byte> json, string source, ISecretSource secrets)
    {
        var diagnostics = new DiagnosticList();
        switch (JsonNodeReader.Read(json, source, diagnostics))
        {
            case MapNode map:
                return (One(map, kind, new IntakeContext(diagnostics, secrets)), diagnostics.Items);
            case { } node:
                diagnostics.Error(node.Position, kind.Singular, "", "is not an object", "write { \"name\": ... }");
                return (null, diagnostics.Items);
            default:
                return (null, diagnostics.Items);
        }
    }

    private static ResourceSet Bind(Node root, IntakeContext context)
    {
        if (root is not MapNode map)
        {
            if (root is not ScalarNode { IsNull: true }) context.Diagnostics.Error(root.Position, "", "", "the file is not a map of resource kinds", "begin with services:, mappings:, routes: or listeners:");
            return ResourceSet.Empty;
        }

        foreach ((ScalarNode key, Node _) in map.Entries)
        {
            if (ResourceKind.Find(key.Value)?.Plural == key.Value) continue;
            if (s_elsewhere.Contains(key.Value))
            {
                context.Diagnostics.Warning(key.Position, "", key.Value, "are served by another role of the suite; the edge leaves them alone");
                continue;
            }

            string? near = Suggestion.For(key.Value, s_here);
            context.Diagnostics.Error(key.Position, "", key.Value, "is not a kind of resource", near is null ? $"write {string.Join(", ", s_here)}" : $"did you mean {near}?");
        }

        ResourceSet set = ResourceSet.Empty;
        foreach (ResourceKind kind in ResourceKind.All) set = kind.Replace(set, Each(map, kind, context));
        return set;
    }

    private static List<Resource> Each(MapNode root, ResourceKind kind, IntakeContext context)
    {
        var result = new List<Resource>();
        var all = new FieldReader(root, context, "");
        foreach (Node item in all.Items(kind.Plural))
        {
            if (item is MapNode map) result.Add(One(map, kind, context));
            else all.Wrong(item, kind.Plural, "an item is not a map of fields", "write - name: ...");
        }

        return result;
    }

    private static Resource One(MapNode map, ResourceKind kind, IntakeContext context)
    {
        var fields = new FieldReader(map, context, kind.Singular);
        string name = fields.Text("name");
        if (name.Length == 0 && kind.NameOf is { } nameOf) name = nameOf(fields);
        fields.Subject = name.Length > 0 ? $"{kind.Singular}/{name}" : kind.Singular;
        if (name.Length == 0) fields.Missing("name", "give it a name of lower-case letters, digits and dashes");
        var header = new Header(name, fields.Text("cluster", "default"), fields.Text("description"), Labels(fields), map.Position);
        Resource resource = kind.Bind(fields, header);
        fields.Finish();
        return resource;
    }

    private static Dictionary<string, string> Labels(FieldReader fields)
    {
        var labels = new Dictionary<string, string>();
        foreach ((ScalarNode key, Node value) in fields.Entries("labels"))
        {
            if (value is ScalarNode scalar) labels[key.Value] = scalar.Value;
            else fields.Wrong(value, "labels", "a label is not a single value");
        }

        return labels;
    }
}

/// <summary>The fields that every resource has.</summary>
internal readonly record struct Header(string Name, string Cluster, string Description, IReadOnlyDictionary<string, string> Labels, SourcePosition Position);
