using System.Text;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Model.Intake;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/apply</c>: whole files, all of it or nothing.</summary>
internal sealed class ApplyEndpoints(Manager manager)
{
    private static readonly string[] s_pruned = [.. ResourceKind.All.Select(k => k.Plural).Where(p => p != "clusters")];

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/apply", ApplyAsync)
        .Needs(Permission.Write).WithTags("apply").WithName("apply").WithSummary("Make the cluster what a resource file says; prune deletes what it does not name.")
        .Accepts<ResourceFileBody>("application/json", "application/yaml").Produces<Written>().ProducesProblems(400, 409, 422);

    private async Task<IResult> ApplyAsync(HttpContext http, bool? dryRun, bool? prune, string? comment)
    {
        string text = Encoding.UTF8.GetString(await ResourceBody.BytesAsync(http));
        string type = http.Request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() ?? "";
        IntakeResult read = type switch
        {
            "application/json" => ResourceReader.ReadJson(text, "body", StoredSecrets.Instance),
            "application/yaml" or "text/yaml" or "application/x-yaml" => ResourceReader.ReadYaml(text, "body", StoredSecrets.Instance),
            _ => throw new BadHttpRequestException("Send application/json or application/yaml.", 415),
        };
        ResourceBody.Demand(read.Diagnostics);
        Principal who = http.Who();
        ChangeResult result = await manager.ChangeAsync(
            new ChangeRequest
            {
                Actor = http.Actor(),
                Comment = string.IsNullOrWhiteSpace(comment) ? "apply" : comment.Length > 200 ? comment[..200] : comment,
                Put = [.. read.Set.All],
                Prune = prune == true,
                PruneKinds = s_pruned,
                DryRun = dryRun == true,
                Permit = (before, after) => Roles.Refusal(who, before, after),
            },
            http.RequestAborted);
        return Results.Json(Written.From(result));
    }
}
