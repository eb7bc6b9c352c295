using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Control.Xds;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/proxies</c>: the data planes.</summary>
internal sealed class PlaneEndpoints(Manager manager, PlaneRegistry planes)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/api/v1/proxies").WithTags("proxies");
        group.MapGet("", (string? cluster) => planes.Of(cluster, manager.State)).Needs(Permission.Read).WithName("listProxies").WithSummary("The data planes, what they run and how they are.").Produces<List<ProxyInfo>>().ProducesProblems();
        group.MapGet("/{name}", (string name, string? cluster) => Find(name, cluster ?? "default")).Needs(Permission.Read).WithName("getProxy").WithSummary("One data plane.").Produces<ProxyInfo>().ProducesProblems(404);
        group.MapDelete("/{name}", ForgetAsync).Needs(Permission.Keys).WithName("forgetProxy").WithSummary("Forget a data plane; one that lives registers again.").Produces(200).ProducesProblems(404);
    }

    private ProxyInfo Find(string name, string cluster) =>
        planes.Of(cluster, manager.State).FirstOrDefault(p => p.Name == name) ?? throw new ControlException(RefusalKind.NotFound, $"There is no proxy {name} in the cluster {cluster}.");

    private async Task ForgetAsync(HttpContext http, string name, string? cluster)
    {
        if (!await planes.ForgetAsync(cluster ?? "default", name)) throw new ControlException(RefusalKind.NotFound, $"There is no proxy {name} in the cluster {cluster ?? "default"}.");
        await manager.Store.WriteAuditAsync(new Storage.AuditRecord(0, manager.Time.GetUtcNow(), http.Who().Email, http.From(), "forget", cluster ?? "default", "proxies", name, null, null, "ok"));
    }
}
