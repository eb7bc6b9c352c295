using MarchProxy.Control.Storage;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Changes;

/// <summary>Who asks.</summary>
/// <param name="Name">An account, or <c>system</c>.</param>
/// <param name="From">The address that the request came from.</param>
public sealed record Actor(string Name, string From)
{
    /// <summary>The manager itself.</summary>
    public static Actor System { get; } = new("system", "");
}

/// <summary>An edit as it is asked for: everything in it happens together or not at all.</summary>
public sealed record ChangeRequest
{
    /// <summary>Who asks.</summary>
    public required Actor Actor { get; init; }

    /// <summary>How the history tells of it: apply, an edit, a rollback.</summary>
    public required string Comment { get; init; }

    /// <summary>To be made or changed; as wanted, whole.</summary>
    public IReadOnlyList<Resource> Put { get; init; } = [];

    /// <summary>To be deleted.</summary>
    public IReadOnlyList<ResourceKey> Delete { get; init; } = [];

    /// <summary>Delete what is not among <see cref="Put"/>, of its clusters and kinds.</summary>
    public bool Prune { get; init; }

    /// <summary>Kinds that a prune reaches, in the plural.</summary>
    public IReadOnlyCollection<string> PruneKinds { get; init; } = [];

    /// <summary>ETags that objects must have; <c>*</c> for any, null for an object that must not exist yet.</summary>
    public IReadOnlyDictionary<ResourceKey, string?> Conditions { get; init; } = new Dictionary<ResourceKey, string?>();

    /// <summary>Plan and check, and change nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Take secrets as they are given instead of keeping those that are left out: for a rollback.</summary>
    public bool Exact { get; init; }

    /// <summary>Asked of each object that would change; an answer is the reason why this actor may not.</summary>
    public Func<Resource?, Resource?, string?>? Permit { get; init; }
}

/// <summary>What an edit does to one object.</summary>
public enum ChangeAction
{
    /// <summary>Nothing.</summary>
    Unchanged,

    /// <summary>Makes it.</summary>
    Created,

    /// <summary>Changes it.</summary>
    Changed,

    /// <summary>Deletes it.</summary>
    Deleted,
}

/// <summary>One object of an edit.</summary>
/// <param name="Key">Which.</param>
/// <param name="Action">What happens to it.</param>
/// <param name="Token">The token that was made for it; shown this once.</param>
/// <param name="ETag">Its ETag afterwards; null when deleted.</param>
public sealed record ObjectChange(ResourceKey Key, ChangeAction Action, string? Token, string? ETag);

/// <summary>What an edit came to.</summary>
/// <param name="Objects">In the order asked for.</param>
/// <param name="NewlyDenied">Traffic that was allowed and is no longer.</param>
/// <param name="Versions">The version of each cluster that it touched, with its number in the history; 0 for a dry run or no change.</param>
/// <param name="DryRun">Whether nothing was changed.</param>
/// <param name="Warnings">What should be looked at.</param>
public sealed record ChangeResult(
    IReadOnlyList<ObjectChange> Objects, IReadOnlyList<string> NewlyDenied, IReadOnlyList<ClusterVersion> Versions, bool DryRun, IReadOnlyList<string> Warnings)
{
    /// <summary>Of a dry run: what it would do to the flows of the last 24 hours; null when it could do nothing to them.</summary>
    public FlowForecastResult? Flows { get; init; }
}

/// <summary>A version of a cluster.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Version">Its content hash.</param>
/// <param name="Number">Its number in the history.</param>
public sealed record ClusterVersion(string Cluster, string Version, long Number);
