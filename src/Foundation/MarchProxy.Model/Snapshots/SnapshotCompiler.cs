using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
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
    /// <summary>Resources never change, and most of a set is the same as in the one before: each is written once.</summary>
    private static readonly ConditionalWeakTable<Resource, byte[]> s_written = [];

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

    /// <summary>SHA-256 over what the writer makes of each resource, in order.</summary>
    private static string Hash(ResourceSet set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Resource resource in set.All)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(resource.Kind));
            hash.AppendData(s_written.GetValue(resource, static r => ResourceWriter.ToJson(r)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12));
    }
}
