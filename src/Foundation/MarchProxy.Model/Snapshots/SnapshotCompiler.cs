using System.Collections.Immutable;
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
    /// <summary>Validates a set and compiles one cluster of it.</summary>
    /// <param name="set">All resources.</param>
    /// <param name="cluster">The cluster.</param>
    public static CompileResult Compile(ResourceSet set, string cluster = "default")
    {
        IReadOnlyList<Diagnostic> diagnostics = Validator.Validate(set);
        if (diagnostics.Any(d => d.Severity == Severity.Error)) return new CompileResult(null, diagnostics);
        return new CompileResult(CompileValid(set, cluster), diagnostics);
    }

    /// <summary>Compiles one cluster of a set that is known to be valid, as one from a manager is.</summary>
    /// <param name="set">All resources.</param>
    /// <param name="cluster">The cluster.</param>
    public static Snapshot CompileValid(ResourceSet set, string cluster)
    {
        var own = new ResourceSet
        {
            Clusters = Sorted(set.Clusters, cluster),
            Services = Sorted(set.Services, cluster),
            Mappings = Sorted(set.Mappings, cluster),
            Routes = Sorted(set.Routes, cluster),
            Listeners = Sorted(set.Listeners, cluster),
            Certificates = Sorted(set.Certificates, cluster),
            Databases = Sorted(set.Databases, cluster),
            Accounts = Sorted(set.Accounts, cluster),
            Grants = Sorted(set.Grants, cluster),
            SecurityPolicies = Sorted(set.SecurityPolicies, cluster),
        };
        return new Snapshot(cluster, own.All.Aggregate(default(ContentDigest), (sum, r) => sum + ContentDigest.Of(r)).ToString(), own);
    }

    private static ImmutableArray<T> Sorted<T>(ImmutableArray<T> items, string cluster)
        where T : Resource
    {
        bool ready = true;
        for (int i = 0; i < items.Length && ready; i++)
        {
            ready = items[i].Cluster == cluster && (i == 0 || string.CompareOrdinal(items[i - 1].Name, items[i].Name) < 0);
        }

        return ready ? items : [.. items.Where(r => r.Cluster == cluster).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }
}
