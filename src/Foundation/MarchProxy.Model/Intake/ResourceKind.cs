using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>A kind of resource: its names, and how it is read from a file, found in a set and put into one.</summary>
public sealed class ResourceKind
{
    private readonly Func<FieldReader, Header, Resource> _bind;
    private readonly Func<ResourceSet, IReadOnlyList<Resource>> _of;
    private readonly Func<ResourceSet, IEnumerable<Resource>, ResourceSet> _with;

    private ResourceKind(
        string plural, string singular, Func<FieldReader, Header, Resource> bind, Func<ResourceSet, IReadOnlyList<Resource>> of, Func<ResourceSet, IEnumerable<Resource>, ResourceSet> with)
    {
        Plural = plural;
        Singular = singular;
        _bind = bind;
        _of = of;
        _with = with;
    }

    /// <summary>Every kind that is kept, in the order in which one can name another.</summary>
    public static IReadOnlyList<ResourceKind> All { get; } =
    [
        new("clusters", "cluster", PlatformBinders.Cluster, s => s.Clusters, (s, r) => s with { Clusters = [.. r.Cast<Cluster>()] }),
        new("certificates", "certificate", PlatformBinders.Certificate, s => s.Certificates, (s, r) => s with { Certificates = [.. r.Cast<Certificate>()] }),
        new("services", "service", ServiceBinder.Bind, s => s.Services, (s, r) => s with { Services = [.. r.Cast<Service>()] }),
        new("mappings", "mapping", MappingBinder.Bind, s => s.Mappings, (s, r) => s with { Mappings = [.. r.Cast<Mapping>()] }),
        new("routes", "route", RouteBinder.Bind, s => s.Routes, (s, r) => s with { Routes = [.. r.Cast<Route>()] }),
        new("listeners", "listener", PlatformBinders.Listener, s => s.Listeners, (s, r) => s with { Listeners = [.. r.Cast<Listener>()] }),
        new("databases", "database", DatabaseBinders.Database, s => s.Databases, (s, r) => s with { Databases = [.. r.Cast<Database>()] }),
        new("accounts", "account", DatabaseBinders.Account, s => s.Accounts, (s, r) => s with { Accounts = [.. r.Cast<DbAccount>()] }),
        new("grants", "grant", DatabaseBinders.Grant, s => s.Grants, (s, r) => s with { Grants = [.. r.Cast<Grant>()] }) { NameOf = DatabaseBinders.GrantName },
        new("securityPolicies", "securityPolicy", DatabaseBinders.SecurityPolicy, s => s.SecurityPolicies, (s, r) => s with { SecurityPolicies = [.. r.Cast<SecurityPolicy>()] }),
    ];

    /// <summary>As files and paths name it: <c>mappings</c>.</summary>
    public string Plural { get; }

    /// <summary>As messages name it: <c>mapping</c>.</summary>
    public string Singular { get; }

    /// <summary>The kind of a plural or singular name, or null.</summary>
    /// <param name="name">The name.</param>
    public static ResourceKind? Find(string name) => All.FirstOrDefault(k => k.Plural == name || k.Singular == name);

    /// <summary>The kind of a resource.</summary>
    /// <param name="resource">The resource.</param>
    public static ResourceKind Of(Resource resource) => All.First(k => k.Singular == resource.Kind);

    /// <summary>The resources of this kind.</summary>
    /// <param name="set">All resources.</param>
    public IReadOnlyList<Resource> In(ResourceSet set) => _of(set);

    /// <summary>The set with other resources of this kind.</summary>
    /// <param name="set">All resources.</param>
    /// <param name="resources">Those of this kind.</param>
    public ResourceSet Replace(ResourceSet set, IEnumerable<Resource> resources) => _with(set, resources);

    /// <summary>Makes the name of an object that was given none; null where each must have one.</summary>
    internal Func<FieldReader, string>? NameOf { get; private init; }

    internal Resource Bind(FieldReader fields, Header header) => _bind(fields, header);
}
