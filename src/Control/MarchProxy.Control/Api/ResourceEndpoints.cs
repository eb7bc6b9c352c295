using System.Text.Json.Nodes;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/KIND</c> and <c>/api/v1/KIND/NAME</c>: list, read, make, replace, merge, delete; the same for every kind.</summary>
internal sealed class ResourceEndpoints(Manager manager)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (ResourceKind kind in ResourceKind.All) Map(routes.MapGroup("/api/v1/" + kind.Plural).WithTags(kind.Plural), kind);
        routes.MapPost("/api/v1/services/{name}/rotate-token", RotateAsync).Needs(Permission.Write).WithTags("services").WithName("rotateServiceToken")
            .WithSummary("A new token for a service; the present one holds for the overlap, default 24h.").Produces<RotatedToken>().ProducesProblems(404, 422);
    }

    private void Map(RouteGroupBuilder group, ResourceKind kind)
    {
        string one = Title(kind.Singular), many = Title(kind.Plural);
        Type schema = Schemas.Of(kind);
        group.MapGet("", (HttpContext http, string? cluster, int? limit, string? cursor, string? sort, string? q, string? label, [FromQuery] string[]? filter) =>
                new JsonBytes(Listing.Page(kind.Plural == "clusters" ? AllClusters() : Cluster(cluster ?? "default"), kind, new ListQuery(limit, cursor, sort, q, label, filter))))
            .Needs(Permission.Read).WithName("list" + many).WithSummary(kind.Plural == "clusters" ? "All clusters, a page at a time." : $"The {kind.Plural} of a cluster, a page at a time.").Produces(200, Schemas.PageOf(kind)).ProducesProblems(400, 404);
        group.MapGet("/{name}", (HttpContext http, string name, string? cluster) => Get(http, kind, name, cluster))
            .Needs(Permission.Read).WithName("get" + one).WithSummary($"One {kind.Singular}.").Produces(200, schema).Produces(304).ProducesProblems(404);
        group.MapPost("", (HttpContext http, string? cluster, bool? dryRun) => CreateAsync(http, kind, cluster, dryRun))
            .Needs(Permission.Write).WithName("create" + one).WithSummary($"Make a {kind.Singular} that does not exist yet.").Accepts(schema, "application/json").Produces<Written>(201).ProducesProblems(400, 412, 422);
        group.MapPut("/{name}", (HttpContext http, string name, string? cluster, bool? dryRun) => PutAsync(http, kind, name, cluster, dryRun))
            .Needs(Permission.Write).WithName("put" + one).WithSummary($"Make a {kind.Singular} what the body says. If-Match guards against others' edits.").Accepts(schema, "application/json")
            .Produces<Written>(200).Produces<Written>(201).ProducesProblems(400, 412, 422);
        group.MapPatch("/{name}", (HttpContext http, string name, string? cluster, bool? dryRun) => PatchAsync(http, kind, name, cluster, dryRun))
            .Needs(Permission.Write).WithName("patch" + one).WithSummary("Change some fields: a JSON merge patch (RFC 7396).").Accepts(typeof(JsonObject), "application/merge-patch+json", "application/json")
            .Produces<Written>(200).ProducesProblems(400, 404, 412, 422);
        group.MapDelete("/{name}", (HttpContext http, string name, string? cluster, bool? dryRun) => DeleteAsync(http, kind, name, cluster, dryRun))
            .Needs(Permission.Write).WithName("delete" + one).WithSummary($"Delete a {kind.Singular} that nothing names.").Produces<Written>(200).ProducesProblems(404, 409, 412);
    }

    private IResult Get(HttpContext http, ResourceKind kind, string name, string? cluster)
    {
        Entry entry = Find(kind, name, cluster);
        string etag = $"\"{entry.ETag}\"";
        http.Response.Headers.ETag = etag;
        return http.Request.Headers.IfNoneMatch.ToString() == etag ? Results.StatusCode(304) : new JsonBytes(entry.Body);
    }

    private async Task<IResult> CreateAsync(HttpContext http, ResourceKind kind, string? cluster, bool? dryRun)
    {
        JsonObject body = await ResourceBody.ReadAsync(http);
        Resource resource = ResourceBody.Parse(kind, body, cluster ?? "default", null);
        var key = new ResourceKey(resource.Cluster, kind.Plural, resource.Name);
        IResult made = await ChangeAsync(http, dryRun, $"create {kind.Singular}/{resource.Name}", [resource], [], new() { [key] = null }, created: 201);
        http.Response.Headers.Location = $"/api/v1/{kind.Plural}/{resource.Name}";
        return made;
    }

    private async Task<IResult> PutAsync(HttpContext http, ResourceKind kind, string name, string? cluster, bool? dryRun)
    {
        JsonObject body = await ResourceBody.ReadAsync(http);
        Resource resource = ResourceBody.Parse(kind, body, cluster ?? "default", name);
        var key = new ResourceKey(resource.Cluster, kind.Plural, resource.Name);
        return await ChangeAsync(http, dryRun, $"put {kind.Singular}/{name}", [resource], [], Conditions(http, key), created: 201);
    }

    private async Task<IResult> PatchAsync(HttpContext http, ResourceKind kind, string name, string? cluster, bool? dryRun)
    {
        JsonObject patch = await ResourceBody.ReadAsync(http);
        Entry before = Find(kind, name, cluster);
        Dictionary<ResourceKey, string?> conditions = Conditions(http, before.Key);

        // The patch was merged upon this very state: nobody's edit in between is overwritten unseen.
        conditions.TryAdd(before.Key, before.ETag);
        if (conditions[before.Key] == "*") conditions[before.Key] = before.ETag;
        return await ChangeAsync(http, dryRun, $"patch {kind.Singular}/{name}", [ResourceBody.Merge(before, patch)], [], conditions, created: 200);
    }

    private Task<IResult> DeleteAsync(HttpContext http, ResourceKind kind, string name, string? cluster, bool? dryRun)
    {
        var key = new ResourceKey(kind.Plural == "clusters" ? name : cluster ?? "default", kind.Plural, name);
        return ChangeAsync(http, dryRun, $"delete {kind.Singular}/{name}", [], [key], Conditions(http, key), created: 200);
    }

    private async Task<IResult> RotateAsync(HttpContext http, string name, string? cluster, string? overlap)
    {
        Entry before = Find(ResourceKind.Find("services")!, name, cluster);
        var service = (Service)before.Resource;
        if (service.Auth.Type != AuthType.Token) throw new ControlException(RefusalKind.Invalid, $"service/{name} proves itself by {service.Auth.Type.ToString().ToLowerInvariant()}, not by a token.");
        DateTimeOffset until = manager.Time.GetUtcNow() + Durations.Parse(overlap ?? "24h", "overlap");
        (Service rotated, string token) = KeptSecrets.Rotate(service, until);
        await manager.ChangeAsync(
            new ChangeRequest { Actor = http.Actor(), Comment = $"rotate the token of service/{name}", Put = [rotated], Conditions = new Dictionary<ResourceKey, string?> { [before.Key] = before.ETag }, Permit = Permit(http) },
            http.RequestAborted);
        return Results.Json(new RotatedToken(name, token, until));
    }

    private async Task<IResult> ChangeAsync(
        HttpContext http, bool? dryRun, string comment, IReadOnlyList<Resource> put, IReadOnlyList<ResourceKey> delete, Dictionary<ResourceKey, string?> conditions, int created)
    {
        ChangeResult result = await manager.ChangeAsync(
            new ChangeRequest { Actor = http.Actor(), Comment = comment, Put = put, Delete = delete, Conditions = conditions, DryRun = dryRun == true, Permit = Permit(http) }, http.RequestAborted);
        ObjectChange change = result.Objects[0];
        if (change.ETag is { } etag && !result.DryRun) http.Response.Headers.ETag = $"\"{etag}\"";
        return Results.Json(Written.From(result), statusCode: change.Action == ChangeAction.Created && !result.DryRun ? created : 200);
    }

    /// <summary>If-Match and If-None-Match (RFC 9110, 13.1).</summary>
    private static Dictionary<ResourceKey, string?> Conditions(HttpContext http, ResourceKey key)
    {
        var conditions = new Dictionary<ResourceKey, string?>();
        string match = http.Request.Headers.IfMatch.ToString(), none = http.Request.Headers.IfNoneMatch.ToString();
        if (match.Length > 0) conditions[key] = match.Trim('"');
        else if (none == "*") conditions[key] = null;
        return conditions;
    }

    private static Func<Resource?, Resource?, string?> Permit(HttpContext http)
    {
        Principal who = http.Who();
        return (before, after) => Roles.Refusal(who, before, after);
    }

    /// <summary>Each cluster is an object of its own cluster; a list of them spans all.</summary>
    private ClusterState AllClusters() => ClusterState.Empty("").With(manager.State.Clusters.Values.SelectMany(c => c.Of(ResourceKind.Find("clusters")!)), []);

    private ClusterState Cluster(string name) => manager.State.Cluster(name) ?? throw new ControlException(RefusalKind.NotFound, $"There is no cluster {name}.");

    private Entry Find(ResourceKind kind, string name, string? cluster) =>
        manager.State.Cluster(kind.Plural == "clusters" ? name : cluster ?? "default")?.Find(kind, name)
        ?? throw new ControlException(RefusalKind.NotFound, $"There is no {kind.Singular} \"{name}\" in the cluster {cluster ?? "default"}.");

    private static string Title(string name) => char.ToUpperInvariant(name[0]) + name[1..];
}
