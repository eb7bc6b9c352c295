using System.Net;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/databases/NAME/access</c> and <c>/api/v1/accounts/NAME/keys</c>: secrets that are given and taken away.</summary>
internal sealed class AccessEndpoints(Manager manager, AccessDesk desk)
{
    private const int MostMinutes = 30 * 24 * 60;

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder access = routes.MapGroup("/api/v1/databases/{name}/access").WithTags("databases");
        access.MapGet("", List).Needs(Permission.Read).WithName("listDatabaseAccess").WithSummary("Temporary access to a database.").Produces<List<AccessInfo>>().ProducesProblems(404);
        access.MapPost("", GiveAsync).Needs(Permission.Write).WithName("giveDatabaseAccess").WithSummary("Let somebody in for a while; the secret is shown this once.").Produces<AccessGiven>(201).ProducesProblems(404, 412, 422);
        access.MapDelete("/{id}", RevokeAsync).Needs(Permission.Write).WithName("revokeDatabaseAccess").WithSummary("End it: open sessions end within seconds.").Produces(200).ProducesProblems(404, 412);
        RouteGroupBuilder keys = routes.MapGroup("/api/v1/accounts/{name}/keys").WithTags("accounts");
        keys.MapPost("", AddKeyAsync).Needs(Permission.Write).WithName("createAccountKey").WithSummary("Make an API key, given as the account's password; shown this once.").Produces<KeyGiven>(201).ProducesProblems(404, 409, 412, 422);
        keys.MapDelete("/{key}", RemoveKeyAsync).Needs(Permission.Write).WithName("deleteAccountKey").WithSummary("End an API key: sessions opened by it end within seconds.").Produces(200).ProducesProblems(404, 412);
    }

    private IEnumerable<AccessInfo> List(string name, string? cluster)
    {
        Find(cluster, name);
        DateTimeOffset now = manager.Time.GetUtcNow();
        return desk.List(cluster ?? "default", name).Select(a => new AccessInfo(
            a.Key.Name, a.Account.Name, [.. DbActionNames.Of(a.Grant?.Actions ?? DbActions.None)], a.Grant?.Tables ?? [], a.Key.ExpiresAt, a.Key.MaxUses, a.Key.Uses,
            a.Key.ExpiresAt <= now ? "expired" : a.Key.IsUsedUp(0) ? "used-up" : "active", a.Key.Reason, a.Key.CreatedBy, a.Key.CreatedAt));
    }

    private async Task<IResult> GiveAsync(HttpContext http, AccessRequest body, string name, string? cluster)
    {
        Database database = Find(cluster, name);
        AccessWish wish = Wish(body, database);
        (string id, string account, string secret) = await desk.GiveAsync(wish, http.Actor(), Permit(http), http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(new AccessGiven(id, account, secret, wish.Until, [.. Connections(database, account, secret, http.Request.Host.Host)]), statusCode: 201);
    }

    private async Task RevokeAsync(HttpContext http, string name, string id, string? cluster)
    {
        Find(cluster, name);
        await desk.RevokeAsync(cluster ?? "default", name, id, http.Actor(), Permit(http), http.RequestAborted);
    }

    private async Task<IResult> AddKeyAsync(HttpContext http, KeyRequest body, string name, string? cluster)
    {
        if (body.ExpiresAt <= manager.Time.GetUtcNow()) throw Wrong("expiresAt", "is over", "write a time to come, or leave it out");
        string key = await desk.AddKeyAsync(cluster ?? "default", name, body.Name, body.ExpiresAt?.ToUniversalTime(), body.Reason ?? "", http.Actor(), Permit(http), http.RequestAborted);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(new KeyGiven(name, body.Name, key, body.ExpiresAt), statusCode: 201);
    }

    private Task RemoveKeyAsync(HttpContext http, string name, string key, string? cluster) =>
        desk.RemoveKeyAsync(cluster ?? "default", name, key, http.Actor(), Permit(http), http.RequestAborted);

    private AccessWish Wish(AccessRequest body, Database database)
    {
        if (body is { Account: not null, Name: not null }) throw Wrong("name", "and account exclude each other", "account for one that exists, name for a new one");
        DbActions actions = DbActions.None;
        foreach (string word in body.Actions ?? [])
        {
            DbActions found = DbActionNames.Find(word);
            actions |= found != DbActions.None ? found : throw Wrong("actions", $"\"{word}\" is not an action", "write " + string.Join(", ", DbActionNames.All));
        }

        if (actions == DbActions.None && body.Account is null) throw Wrong("actions", "is missing", "write actions: [\"select\"]");
        if (actions == DbActions.None && body.Tables is { Count: > 0 }) throw Wrong("tables", "stands without actions", "write actions too: the account has its own grants, which this cannot narrow");
        if (body.Account is not null && body.AllowFrom is { Count: > 0 }) throw Wrong("allowFrom", "is a new account's", "leave it out: the account has its own");
        if (body.MaxUses is < 1 or > 1_000_000) throw Wrong("maxUses", $"{body.MaxUses} is not from 1 to 1000000", "write 1 for access that is used up by its first log-in");
        return new AccessWish
        {
            Database = database.Name,
            Cluster = database.Cluster,
            Account = body.Account,
            Name = body.Name,
            Actions = actions,
            Tables = body.Tables is { Count: > 0 } tables ? [.. tables] : ["*"],
            Until = Until(body),
            MaxUses = body.MaxUses ?? 0,
            AllowFrom = [.. (body.AllowFrom ?? []).Select(n => HostPattern.TryNetwork(n, out IPNetwork network) ? network : throw Wrong("allowFrom", $"\"{n}\" is not a network", "write 10.0.0.0/8 or 10.1.2.3"))],
            Reason = body.Reason ?? "",
        };
    }

    private DateTimeOffset Until(AccessRequest body)
    {
        DateTimeOffset now = manager.Time.GetUtcNow();
        if (body.Minutes is null == body.ExpiresAt is null) throw Wrong("minutes", "or expiresAt must say when it ends", "write minutes: 30");
        DateTimeOffset until = body.ExpiresAt?.ToUniversalTime() ?? now.AddMinutes(Math.Clamp(body.Minutes!.Value, -1, MostMinutes + 1));
        return until > now && until <= now.AddMinutes(MostMinutes) ? until : throw Wrong(body.Minutes is null ? "expiresAt" : "minutes", "is not within 30 days from now", "write 1 to 43200 minutes; what is to last longer is an account");
    }

    /// <summary>How clients connect, by each listener that leads to the database.</summary>
    private IEnumerable<string> Connections(Database database, string account, string secret, string host)
    {
        string engine = DbEngines.Name(database.Engine);
        foreach (Listener listener in manager.State.Cluster(database.Cluster)!.Set().Listeners.Where(l => l.Purpose == ListenerPurpose.Database && l.Engine == engine && l.Port > 0 && (l.Database.Length == 0 || l.Database == database.Name)))
        {
            if (!IPAddress.TryParse(listener.Address, out IPAddress? address)) continue;

            // A listener on every address is reached by the name that this request was sent to, as far as we can know.
            bool any = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
            string where = any ? host : address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
            string target = FormattableString.Invariant($"{account}:{secret}@{where}:{listener.Port}");
            bool tls = listener.Tls is not null;
            yield return database.Engine switch
            {
                DbEngine.MySql => $"mysql://{target}/{database.Name}{(tls ? "?ssl-mode=REQUIRED" : "")}",
                DbEngine.Redis => $"{(tls ? "rediss" : "redis")}://{target}/0",
                _ => $"postgresql://{target}/{database.Name}{(tls ? "?sslmode=require" : "")}",
            };
        }
    }

    private Database Find(string? cluster, string name) =>
        manager.State.Cluster(cluster ?? "default")?.Find(Model.Intake.ResourceKind.Find("databases")!, name)?.Resource as Database
        ?? throw new ControlException(RefusalKind.NotFound, $"There is no database \"{name}\" in the cluster {cluster ?? "default"}.");

    private static Func<Resource?, Resource?, string?> Permit(HttpContext http)
    {
        Principal who = http.Who();
        return (before, after) => Roles.Refusal(who, before, after);
    }

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Invalid, $"{field} {message}.", new Fault("body", field, message, mend));
}
