using System.Collections.Immutable;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Routing;

namespace MarchProxy.Model.Snapshots;

/// <summary>The whole configuration of one cluster, valid and compiled; never changes. A new one replaces it in one swap.</summary>
public sealed class Snapshot
{
    private readonly Lazy<DbAccess> _databases;

    internal Snapshot(string cluster, string version, ResourceSet resources)
    {
        Cluster = cluster;
        Version = version;
        Resources = resources;
        Egress = new EgressPolicy(resources.Services, resources.Mappings);
        Routes = new RouteIndex(resources.Routes);
        _databases = new Lazy<DbAccess>(() => new DbAccess(resources));
        Listeners = [.. resources.Listeners, .. resources.Mappings.Where(m => m.Listen is not null && m.Approval == Approval.Approved).Select(MappingListen.ToListener)];
    }

    /// <summary>The cluster.</summary>
    public string Cluster { get; }

    /// <summary>A hash of the content: the same resources in any order have the same version.</summary>
    public string Version { get; }

    /// <summary>What it was compiled from.</summary>
    public ResourceSet Resources { get; }

    /// <summary>Where to listen: the listeners, and the ports that mappings have of their own.</summary>
    public ImmutableArray<Listener> Listeners { get; }

    /// <summary>Who may reach what.</summary>
    public EgressPolicy Egress { get; }

    /// <summary>The databases, and who may do what to them; compiled when first asked for.</summary>
    public DbAccess Databases => _databases.Value;

    /// <summary>Which route a request takes.</summary>
    public RouteIndex Routes { get; }
}
