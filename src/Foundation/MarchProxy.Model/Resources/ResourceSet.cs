using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>All resources of a file, a folder or a store.</summary>
public sealed record ResourceSet
{
    /// <summary>Nothing.</summary>
    public static ResourceSet Empty { get; } = new();

    /// <summary>Clusters.</summary>
    public ImmutableArray<Cluster> Clusters { get; init; } = [];

    /// <summary>Services.</summary>
    public ImmutableArray<Service> Services { get; init; } = [];

    /// <summary>Mappings.</summary>
    public ImmutableArray<Mapping> Mappings { get; init; } = [];

    /// <summary>Routes.</summary>
    public ImmutableArray<Route> Routes { get; init; } = [];

    /// <summary>Listeners.</summary>
    public ImmutableArray<Listener> Listeners { get; init; } = [];

    /// <summary>Certificates.</summary>
    public ImmutableArray<Certificate> Certificates { get; init; } = [];

    /// <summary>Databases.</summary>
    public ImmutableArray<Database> Databases { get; init; } = [];

    /// <summary>Accounts of databases.</summary>
    public ImmutableArray<DbAccount> Accounts { get; init; } = [];

    /// <summary>What accounts may do to databases.</summary>
    public ImmutableArray<Grant> Grants { get; init; } = [];

    /// <summary>How statements are judged.</summary>
    public ImmutableArray<SecurityPolicy> SecurityPolicies { get; init; } = [];

    /// <summary>Every resource, kind by kind.</summary>
    public IEnumerable<Resource> All => [.. Clusters, .. Services, .. Mappings, .. Routes, .. Listeners, .. Certificates, .. Databases, .. Accounts, .. Grants, .. SecurityPolicies];
}
