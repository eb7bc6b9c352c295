using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Validation;

namespace MarchProxy.Model.Snapshots;

/// <summary>What a compilation came to.</summary>
/// <param name="Snapshot">The snapshot, or null when there are errors.</param>
/// <param name="Diagnostics">All findings.</param>
public sealed record CompileResult(Snapshot? Snapshot, IReadOnlyList<Diagnostic> Diagnostics);

/// <summary>Makes snapshots of resources.</summary>
public static class SnapshotCompiler
{
    private static readonly JsonSerializerOptions s_canonical = new() { Converters = { new TextConverter<PortSet>(), new TextConverter<System.Net.IPAddress>(), new TextConverter<System.Net.IPNetwork>() } };

    /// <summary>Validates a set and compiles one cluster of it.</summary>
    /// <param name="set">All resources.</param>
    /// <param name="cluster">The cluster.</param>
    public static CompileResult Compile(ResourceSet set, string cluster = "default")
    {
        IReadOnlyList<Diagnostic> diagnostics = Validator.Validate(set);
        if (diagnostics.Any(d => d.Severity == Severity.Error)) return new CompileResult(null, diagnostics);
        var own = new ResourceSet
        {
            Clusters = Sorted(set.Clusters, cluster),
            Services = Sorted(set.Services, cluster),
            Mappings = Sorted(set.Mappings, cluster),
            Routes = Sorted(set.Routes, cluster),
            Listeners = Sorted(set.Listeners, cluster),
            Certificates = Sorted(set.Certificates, cluster),
        };
        return new CompileResult(new Snapshot(cluster, Hash(own), own), diagnostics);
    }

    private static ImmutableArray<T> Sorted<T>(ImmutableArray<T> items, string cluster)
        where T : Resource => [.. items.Where(r => r.Cluster == cluster).OrderBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>SHA-256 over canonical JSON: kinds and objects in order, members of free maps sorted, places in files left out.</summary>
    private static string Hash(ResourceSet set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Resource resource in set.All)
        {
            JsonNode node = JsonSerializer.SerializeToNode(resource, resource.GetType(), s_canonical)!;
            node.AsObject().Remove(nameof(Resource.Position));
            hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(Canonical(node)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12));
    }

    private static JsonNode? Canonical(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, Canonical(p.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Canonical)]),
        _ => node?.DeepClone(),
    };

    private sealed class TextConverter<T> : System.Text.Json.Serialization.JsonConverter<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Snapshots are only written.");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value?.ToString());
    }
}
