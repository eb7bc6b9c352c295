using System.Collections.Frozen;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Identity;

/// <summary>What an endpoint may demand.</summary>
public enum Permission
{
    /// <summary>Read resources, versions, planes.</summary>
    Read,

    /// <summary>Change resources; which ones the role says.</summary>
    Write,

    /// <summary>Go back to an earlier version.</summary>
    Rollback,

    /// <summary>See, make and end API keys of clusters; forget planes.</summary>
    Keys,

    /// <summary>Read the audit trail.</summary>
    Audit,

    /// <summary>See and change accounts.</summary>
    Users,

    /// <summary>One's own account.</summary>
    Self,
}

/// <summary>Who asks, proven.</summary>
/// <param name="Email">The account.</param>
/// <param name="Role">Its role.</param>
/// <param name="Cluster">The cluster that the role holds in; null for all.</param>
/// <param name="MustChangePassword">Until then only the password may be changed.</param>
public sealed record Principal(string Email, string Role, string? Cluster, bool MustChangePassword);

/// <summary>The one table of who may do what.</summary>
public static class Roles
{
    /// <summary>Everything.</summary>
    public const string Admin = "admin";

    /// <summary>Resources, not accounts, keys or clusters.</summary>
    public const string Maintainer = "maintainer";

    /// <summary>Reads.</summary>
    public const string Viewer = "viewer";

    /// <summary>The services that name them as owner, and the mappings from those.</summary>
    public const string ServiceOwner = "service-owner";

    private static readonly FrozenDictionary<string, FrozenSet<Permission>> s_table = new Dictionary<string, FrozenSet<Permission>>
    {
        [Admin] = Enum.GetValues<Permission>().ToFrozenSet(),
        [Maintainer] = FrozenSet.Create([Permission.Read, Permission.Write, Permission.Rollback, Permission.Audit, Permission.Self]),
        [Viewer] = FrozenSet.Create([Permission.Read, Permission.Self]),
        [ServiceOwner] = FrozenSet.Create([Permission.Read, Permission.Write, Permission.Self]),
    }.ToFrozenDictionary();

    /// <summary>Every role.</summary>
    public static IReadOnlyCollection<string> All { get; } = [Admin, Maintainer, Viewer, ServiceOwner];

    /// <summary>Whether a role holds a permission.</summary>
    /// <param name="role">The role.</param>
    /// <param name="permission">The permission.</param>
    public static bool Holds(string role, Permission permission) => s_table.TryGetValue(role, out FrozenSet<Permission>? held) && held.Contains(permission);

    /// <summary>Why somebody may not make this change to an object, or null when they may.</summary>
    /// <param name="who">Who.</param>
    /// <param name="before">The object as it stands; null when it is made.</param>
    /// <param name="after">The object as wanted; null when it is deleted.</param>
    public static string? Refusal(Principal who, Resource? before, Resource? after)
    {
        Resource subject = (after ?? before)!;
        if (who.Cluster is { } cluster && subject.Cluster != cluster) return $"your role holds in the cluster {cluster} alone";
        if (subject is Cluster && who.Role != Admin) return "clusters are made and changed by administrators";
        if (who.Role != ServiceOwner) return null;
        return subject switch
        {
            Service when before is not Service old || !old.Owners.Contains(who.Email) => "you do not own this service",
            Service when after is Service fresh && !fresh.Owners.Contains(who.Email) => "an owner cannot give the service away",
            Service => null,
            Mapping => "mappings of your services are changed by a maintainer",
            _ => "service owners change services alone",
        };
    }
}
