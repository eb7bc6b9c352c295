using MarchProxy.Control.Changes;

namespace MarchProxy.Control.Api.Schema;

/// <summary>What an edit did.</summary>
/// <param name="Objects">Each object, in the order asked for.</param>
/// <param name="NewlyDenied">Traffic that was allowed and is no longer.</param>
/// <param name="Versions">The versions that it made.</param>
/// <param name="DryRun">Whether nothing was changed.</param>
/// <param name="Warnings">What should be looked at.</param>
/// <param name="Flows">Of a dry run: what it would do to the flows of the last 24 hours; left out when it could do nothing to them.</param>
public sealed record Written(
    IReadOnlyList<WrittenObject> Objects, IReadOnlyList<string> NewlyDenied, IReadOnlyList<ClusterVersion> Versions, bool DryRun, IReadOnlyList<string> Warnings, FlowForecastInfo? Flows)
{
    internal static Written From(ChangeResult result) => new(
        [.. result.Objects.Select(o => new WrittenObject(o.Key.Cluster, o.Key.Kind, o.Key.Name, o.Action.ToString().ToLowerInvariant(), result.DryRun ? null : o.Token, o.ETag))],
        result.NewlyDenied, result.Versions, result.DryRun, result.Warnings, FlowForecastInfo.Of(result.Flows));
}

/// <summary>One object of an edit.</summary>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Kind">Its kind in the plural.</param>
/// <param name="Name">Its name.</param>
/// <param name="Action">created, changed, unchanged or deleted.</param>
/// <param name="Token">The token that was made for it; shown this once.</param>
/// <param name="Etag">Its ETag afterwards.</param>
public sealed record WrittenObject(string Cluster, string Kind, string Name, string Action, string? Token, string? Etag);

/// <summary>A new token.</summary>
/// <param name="Service">The service.</param>
/// <param name="Token">The token; shown this once.</param>
/// <param name="PreviousUntil">Until when the one before holds.</param>
public sealed record RotatedToken(string Service, string Token, DateTimeOffset PreviousUntil);

/// <summary>A version of a cluster's configuration.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Version">The content hash that planes run.</param>
/// <param name="Author">Who made it.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="Comment">How.</param>
public sealed record VersionInfo(long Number, string Version, string Author, DateTimeOffset CreatedAt, string Comment);

/// <summary>A page of versions.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="Next">For <c>before</c> of the next page.</param>
public sealed record VersionPage(IReadOnlyList<VersionInfo> Items, long? Next);

/// <summary>One object between two versions, without secrets.</summary>
/// <param name="Kind">Its kind in the plural.</param>
/// <param name="Name">Its name.</param>
/// <param name="Action">created, changed or deleted.</param>
/// <param name="Before">As it stood.</param>
/// <param name="After">As it stands.</param>
/// <param name="SecretChanged">Whether a secret changed that is not shown.</param>
public sealed record ObjectDiff(string Kind, string Name, string Action, System.Text.Json.Nodes.JsonNode? Before, System.Text.Json.Nodes.JsonNode? After, bool SecretChanged);

/// <summary>What lies between two versions.</summary>
/// <param name="From">One.</param>
/// <param name="To">The other.</param>
/// <param name="Objects">What differs.</param>
public sealed record VersionDiff(long From, long To, IReadOnlyList<ObjectDiff> Objects);

/// <summary>May this party reach that destination?</summary>
/// <param name="Source">A service's name.</param>
/// <param name="Destination">A host name or an address.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Protocol">tcp, udp, icmp, http or https; default https.</param>
/// <param name="Cluster">Default <c>default</c>.</param>
public sealed record ExplainRequest(string Source, string Destination, int Port, string? Protocol = null, string? Cluster = null);

/// <summary>The decision, and why.</summary>
/// <param name="Effect">allow, deny or report.</param>
/// <param name="Reason">A code; <c>allowed</c> when nothing speaks against it.</param>
/// <param name="Mapping">The mapping that decided, or the one that nearly fitted.</param>
/// <param name="Source">The source that it matched.</param>
/// <param name="Destination">The destination service.</param>
/// <param name="Port">The port that would be dialled.</param>
/// <param name="Text">In words.</param>
public sealed record ExplainAnswer(string Effect, string Reason, string? Mapping, string? Source, string? Destination, int Port, string Text);

/// <summary>A sign-in.</summary>
/// <param name="Email">The account; <c>admin</c> for the first.</param>
/// <param name="Password">Its password.</param>
public sealed record LoginRequest(string Email, string Password);

/// <summary>A refresh token.</summary>
/// <param name="RefreshToken">The token.</param>
public sealed record RefreshRequest(string RefreshToken);

/// <summary>A change of one's password.</summary>
/// <param name="CurrentPassword">The present one.</param>
/// <param name="NewPassword">The new one; at least 10 characters.</param>
public sealed record PasswordRequest(string CurrentPassword, string NewPassword);

/// <summary>An account.</summary>
/// <param name="Email">The name to sign in with.</param>
/// <param name="Role">admin, maintainer, viewer or service-owner.</param>
/// <param name="Cluster">Where the role holds; null for everywhere.</param>
/// <param name="MustChangePassword">Whether nothing else is allowed before.</param>
/// <param name="LockedUntil">No sign-in before.</param>
public sealed record AccountInfo(string Email, string Role, string? Cluster, bool MustChangePassword, DateTimeOffset? LockedUntil);

/// <summary>An account to make or change.</summary>
/// <param name="Role">admin, maintainer, viewer or service-owner.</param>
/// <param name="Cluster">Where the role holds; null for everywhere.</param>
/// <param name="Password">A first or new password; must be changed at the next sign-in.</param>
public sealed record AccountRequest(string Role, string? Cluster, string? Password);

/// <summary>An API key of a cluster, without its secret.</summary>
/// <param name="Id">Its public part.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">When it ends; null for never.</param>
public sealed record KeyInfo(string Id, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt);

/// <summary>A registered data plane.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Kind">edge, articdbm or killkrill.</param>
/// <param name="Host">The host that it runs on.</param>
/// <param name="Version">Of the program.</param>
/// <param name="Capabilities">What it can.</param>
/// <param name="State">pending, active, degraded or offline.</param>
/// <param name="RunningVersion">The configuration that it runs.</param>
/// <param name="CurrentVersion">The one that it should run.</param>
/// <param name="Nack">Why it refused the last one; null when it did not.</param>
/// <param name="RegisteredAt">When it first came.</param>
/// <param name="LastSeen">When it was last heard.</param>
/// <param name="Counters">Live counters, by name.</param>
public sealed record ProxyInfo(
    string Name, string Cluster, string Kind, string Host, string Version, IReadOnlyList<string> Capabilities, string State, string? RunningVersion, string CurrentVersion, string? Nack,
    DateTimeOffset RegisteredAt, DateTimeOffset LastSeen, IReadOnlyDictionary<string, double> Counters);

/// <summary>A page of the audit trail.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="Next">For <c>before</c> of the next page.</param>
public sealed record AuditPage(IReadOnlyList<Storage.AuditRecord> Items, long? Next);
