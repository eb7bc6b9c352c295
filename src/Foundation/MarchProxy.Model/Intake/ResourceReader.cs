using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
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
        "databases", "accounts", "grants", "securityPolicies", "sources", "retention", "alertRules", "users", "qosPolicies", "routeTables", "policies", "threatFeeds",
    ];

    private static readonly string[] s_here = ["clusters", "services", "mappings", "routes", "listeners", "certificates"];

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
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = 64 });
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            var position = new SourcePosition(fileName, (int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1);
            return new IntakeResult(ResourceSet.Empty, [new Diagnostic(Severity.Error, position, "", "", "not JSON: " + e.Message.Split(" LineNumber")[0], "")]);
        }

        return ReadYaml(text, fileName, secrets);
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
            if (s_here.Contains(key.Value)) continue;
            if (s_elsewhere.Contains(key.Value))
            {
                context.Diagnostics.Warning(key.Position, "", key.Value, "are served by another role of the suite; the edge leaves them alone");
                continue;
            }

            string? near = Suggestion.For(key.Value, s_here);
            context.Diagnostics.Error(key.Position, "", key.Value, "is not a kind of resource", near is null ? $"write {string.Join(", ", s_here)}" : $"did you mean {near}?");
        }

        return new ResourceSet
        {
            Clusters = Each(map, "clusters", "cluster", context, PlatformBinders.Cluster),
            Services = Each(map, "services", "service", context, ServiceBinder.Bind),
            Mappings = Each(map, "mappings", "mapping", context, MappingBinder.Bind),
            Routes = Each(map, "routes", "route", context, RouteBinder.Bind),
            Listeners = Each(map, "listeners", "listener", context, PlatformBinders.Listener),
            Certificates = Each(map, "certificates", "certificate", context, PlatformBinders.Certificate),
        };
    }

    private static ImmutableArray<T> Each<T>(MapNode root, string plural, string kind, IntakeContext context, Func<FieldReader, Header, T> bind)
        where T : Resource
    {
        var result = ImmutableArray.CreateBuilder<T>();
        var all = new FieldReader(root, context, "");
        foreach (Node item in all.Items(plural))
        {
            if (item is not MapNode map)
            {
                all.Wrong(item, plural, "an item is not a map of fields", "write - name: ...");
                continue;
            }

            var fields = new FieldReader(map, context, kind);
            string name = fields.Text("name");
            fields.Subject = name.Length > 0 ? $"{kind}/{name}" : kind;
            if (name.Length == 0) fields.Missing("name", "give it a name of lower-case letters, digits and dashes");
            var header = new Header(name, fields.Text("cluster", "default"), fields.Text("description"), Labels(fields), map.Position);
            result.Add(bind(fields, header));
            fields.Finish();
        }

        return result.ToImmutable();
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
