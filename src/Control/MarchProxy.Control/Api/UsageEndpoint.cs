using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/databases/usage</c>: what accounts and tenants used, for whoever sends the bill.</summary>
internal sealed class UsageEndpoint(Manager manager)
{
    private static readonly string[] s_keys = ["account", "tenant", "database", "hour"];

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/databases/usage", ListAsync).Needs(Permission.Read).WithTags("databases").WithName("listDatabaseUsage")
        .WithSummary("What was used of databases: connections, statements, rows, bytes; by account, tenant, database, hour. Kept for 100 days.").Produces<List<UsageInfo>>().ProducesProblems(400, 404);

    private async Task<IEnumerable<UsageInfo>> ListAsync(string? cluster, DateTimeOffset? from, DateTimeOffset? to, string? by, CancellationToken cancellation)
    {
        string name = cluster ?? "default";
        if (manager.State.Cluster(name) is null) throw new ControlException(RefusalKind.NotFound, $"There is no cluster {name}.");
        string[] keys = (by ?? "account,tenant,database").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (keys.FirstOrDefault(k => !s_keys.Contains(k)) is { } strange) throw new ControlException(RefusalKind.Malformed, $"by: \"{strange}\" is not known.", new Fault("query", "by", $"\"{strange}\" is not known", "write account, tenant, database or hour, joined by commas"));
        DateTimeOffset until = to ?? manager.Time.GetUtcNow().AddHours(1), since = from ?? until.AddHours(-24);
        return (await manager.Store.UsageAsync(name, StoredFlow.HourOf(since), StoredFlow.HourOf(until.AddSeconds(3599)), keys, cancellation)).Select(u => new UsageInfo(
            keys.Contains("hour") ? DateTimeOffset.UnixEpoch.AddHours(u.Hour) : null, keys.Contains("account") ? u.Account : null, keys.Contains("tenant") ? u.Tenant : null, keys.Contains("database") ? u.Database : null,
            u.Connections, u.Queries, u.Denied, u.Rows, u.BytesIn, u.BytesOut));
    }
}
