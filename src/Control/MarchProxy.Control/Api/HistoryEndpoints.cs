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
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/versions</c>: the history of a cluster, differences, the way back; and the audit trail.</summary>
internal sealed class HistoryEndpoints(Manager manager)
{
    private readonly History _history = new(manager);

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder versions = routes.MapGroup("/api/v1/versions").WithTags("versions");
        versions.MapGet("", ListAsync).Needs(Permission.Read).WithName("listVersions").WithSummary("The newest 100 versions of a cluster.").Produces<VersionPage>().ProducesProblems(400);
        versions.MapGet("/{from:long}/diff/{to:long}", DiffAsync).Needs(Permission.Read).WithName("diffVersions").WithSummary("What lies between two versions.").Produces<VersionDiff>().ProducesProblems(404);
        versions.MapPost("/{number:long}/rollback", RollbackAsync).Needs(Permission.Rollback).WithName("rollback")
            .WithSummary("Make the cluster what it was at a version; a new version, which can be undone itself.").Produces<Written>().ProducesProblems(404, 409, 422);
        routes.MapGet("/api/v1/audit", AuditAsync).Needs(Permission.Audit).WithTags("audit").WithName("listAudit").WithSummary("Who did what, newest first.").Produces<AuditPage>().ProducesProblems(400);
    }

    private async Task<VersionPage> ListAsync(string? cluster, long? before, int? limit, CancellationToken cancellation)
    {
        int most = Limit(limit, 100);
        IReadOnlyList<StoredSnapshot> found = await manager.Store.SnapshotsAsync(cluster ?? "default", before, most, cancellation);
        return new VersionPage([.. found.Select(s => new VersionInfo(s.Number, s.Version, s.Author, s.CreatedAt, s.Comment))], found.Count == most ? found[^1].Number : null);
    }

    private async Task<VersionDiff> DiffAsync(long from, long to, string? cluster, CancellationToken cancellation) =>
        new(from, to, [.. (await _history.DiffAsync(cluster ?? "default", from, to, cancellation)).Select(Diff)]);

    private async Task<Written> RollbackAsync(HttpContext http, long number, string? cluster, bool? dryRun)
    {
        string name = cluster ?? "default";
        if (http.Who().Cluster is { } own && own != name) throw new ControlException(RefusalKind.Forbidden, $"Your role holds in the cluster {own} alone.");
        return Written.From(await _history.RollbackAsync(name, number, http.Actor(), dryRun == true, http.RequestAborted));
    }

    private async Task<AuditPage> AuditAsync(
        string? actor, string? cluster, string? kind, string? name, DateTimeOffset? since, DateTimeOffset? until, long? before, int? limit, CancellationToken cancellation)
    {
        int most = Limit(limit, 1000);
        var filter = new AuditFilter { Actor = actor, Cluster = cluster, Kind = kind, Name = name, Since = since, Until = until, BeforeId = before, Limit = most };
        IReadOnlyList<AuditRecord> found = await manager.Store.AuditAsync(filter, cancellation);
        return new AuditPage(found, found.Count == most ? found[^1].Id : null);
    }

    private static ObjectDiff Diff(ObjectDelta delta)
    {
        JsonNode? before = Shown(delta.Before), after = Shown(delta.After);
        string action = delta.Before is null ? "created" : delta.After is null ? "deleted" : "changed";
        bool secret = action == "changed" && Secrets(delta.Before!) != Secrets(delta.After!);
        return new ObjectDiff(delta.Key.Kind, delta.Key.Name, action, before, after, secret);
    }

    private static JsonNode? Shown(Resource? resource) => resource is null ? null : JsonNode.Parse(ResourceWriter.ToJson(resource, redact: true));

    private static (SecretHash?, SecretHash?, string?, string?) Secrets(Resource resource) => resource switch
    {
        Service service => (service.Auth.Token, service.Auth.PreviousToken, service.Auth.Secret, service.Auth.PreviousSecret),
        Certificate certificate => (null, null, certificate.Key, null),
        _ => default,
    };

    private static int Limit(int? asked, int most) => asked is < 1 || asked > most
        ? throw new ControlException(RefusalKind.Malformed, $"limit: {asked} is not from 1 to {most}.", new Fault("query", "limit", "is out of range", $"write 1 to {most}"))
        : asked ?? 100;
}
