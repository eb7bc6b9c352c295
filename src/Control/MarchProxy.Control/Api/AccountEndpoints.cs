using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary>Signing in and out, accounts, and the API keys of clusters.</summary>
internal sealed class AccountEndpoints(Manager manager, Accounts accounts, ClusterKeys keys, LoginLimiter limiter)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder auth = routes.MapGroup("/api/v1/auth").WithTags("auth");
        auth.MapPost("/login", LoginAsync).ForAnybody().WithName("login").WithSummary("Sign in: an access token for 15 minutes, a refresh token for 14 days.").Produces<TokenPair>().ProducesProblems(400, 429);
        auth.MapPost("/refresh", RefreshAsync).ForAnybody().WithName("refresh").WithSummary("A new pair for a refresh token, which is used once.").Produces<TokenPair>().ProducesProblems(400, 429);
        auth.MapPost("/logout", (RefreshRequest body) => accounts.LogoutAsync(body.RefreshToken ?? "")).ForAnybody().WithName("logout").WithSummary("End a sign-in.").Produces(200).ProducesProblems(400);
        auth.MapGet("/me", (HttpContext http) => Info(http.Who())).Needs(Permission.Self).WithName("me").WithSummary("Who the access token proves.").Produces<AccountInfo>().ProducesProblems();
        auth.MapPost("/password", (HttpContext http, PasswordRequest body) => PasswordAsync(http, body)).Needs(Permission.Self).WithName("changePassword").WithSummary("Change one's password.").Produces(200).ProducesProblems(422, 429);

        RouteGroupBuilder users = routes.MapGroup("/api/v1/users").WithTags("users");
        users.MapGet("", async () => (await manager.Store.UsersAsync()).Select(Info)).Needs(Permission.Users).WithName("listUsers").WithSummary("All accounts.").Produces<List<AccountInfo>>().ProducesProblems();
        users.MapPut("/{email}", async (HttpContext http, string email, AccountRequest body) => Info(await PutUserAsync(http, email, body))).Needs(Permission.Users).WithName("putUser")
            .WithSummary("Make an account, or change its role or password.").Produces<AccountInfo>().ProducesProblems(400, 422);
        users.MapDelete("/{email}", DeleteUserAsync).Needs(Permission.Users).WithName("deleteUser").WithSummary("Delete an account.").Produces(200).ProducesProblems(404, 409);

        RouteGroupBuilder of = routes.MapGroup("/api/v1/clusters/{name}/keys").WithTags("clusters");
        of.MapGet("", (HttpContext http, string name) => Keys(http, name)).Needs(Permission.Keys).WithName("listClusterKeys").WithSummary("The API keys of a cluster that hold, without their secrets.").Produces<List<KeyInfo>>().ProducesProblems(404);
        of.MapPost("", RotateAsync).Needs(Permission.Keys).WithName("rotateClusterKey").WithSummary("A new API key, shown once; those before hold for the overlap, default 24h.").Produces<IssuedKey>().ProducesProblems(404, 422);
        of.MapDelete("/{id}", EndKeyAsync).Needs(Permission.Keys).WithName("endClusterKey").WithSummary("End a key now.").Produces(200).ProducesProblems(404);
    }

    private async Task<TokenPair> LoginAsync(HttpContext http, LoginRequest body)
    {
        limiter.Demand(http.From());
        return await accounts.LoginAsync(body.Email ?? "", body.Password ?? "", http.From());
    }

    private async Task<TokenPair> RefreshAsync(HttpContext http, RefreshRequest body)
    {
        limiter.Demand(http.From());
        return await accounts.RefreshAsync(body.RefreshToken ?? "", http.From());
    }

    private Task PasswordAsync(HttpContext http, PasswordRequest body)
    {
        limiter.Demand(http.From());
        return accounts.ChangePasswordAsync(http.Who().Email, body.CurrentPassword ?? "", body.NewPassword ?? "", http.From());
    }

    private async Task<Storage.StoredUser> PutUserAsync(HttpContext http, string email, AccountRequest body)
    {
        if (email == http.Who().Email && body.Role != Roles.Admin) throw new ControlException(RefusalKind.Conflict, "You cannot take the administrator's role from yourself; ask another administrator.");
        Storage.StoredUser user = await accounts.PutAsync(email, body.Role ?? "", body.Cluster, body.Password);
        await AuditAsync(http, "put", "users", email, "");
        return user;
    }

    private async Task DeleteUserAsync(HttpContext http, string email)
    {
        if (email == http.Who().Email) throw new ControlException(RefusalKind.Conflict, "You cannot delete yourself; ask another administrator.");
        if (!await manager.Store.DeleteUserAsync(email)) throw new ControlException(RefusalKind.NotFound, $"There is no account {email}.");
        await AuditAsync(http, "delete", "users", email, "");
    }

    private IEnumerable<KeyInfo> Keys(HttpContext http, string name)
    {
        Demand(http, name);
        return keys.Of(name).Select(k => new KeyInfo(k.Id, k.CreatedAt, k.ExpiresAt));
    }

    private async Task<IssuedKey> RotateAsync(HttpContext http, string name, string? overlap)
    {
        Demand(http, name);
        IssuedKey key = await keys.RotateAsync(name, Durations.Parse(overlap ?? "24h", "overlap"));
        await AuditAsync(http, "rotate-key", "clusters", name, name);
        return key;
    }

    private async Task EndKeyAsync(HttpContext http, string name, string id)
    {
        Demand(http, name);
        await keys.EndAsync(name, id);
        await AuditAsync(http, "end-key", "clusters", name, name);
    }

    private void Demand(HttpContext http, string cluster)
    {
        if (http.Who().Cluster is { } own && own != cluster) throw new ControlException(RefusalKind.Forbidden, $"Your role holds in the cluster {own} alone.");
        if (manager.State.Cluster(cluster) is null) throw new ControlException(RefusalKind.NotFound, $"There is no cluster {cluster}.");
    }

    private Task AuditAsync(HttpContext http, string action, string kind, string name, string cluster) =>
        manager.Store.WriteAuditAsync(new Storage.AuditRecord(0, manager.Time.GetUtcNow(), http.Who().Email, http.From(), action, cluster, kind, name, null, null, "ok"));

    private static AccountInfo Info(Principal who) => new(who.Email, who.Role, who.Cluster, who.MustChangePassword, null);

    private static AccountInfo Info(Storage.StoredUser user) => new(user.Email, user.Role, user.Cluster, user.MustChangePassword, user.LockedUntil);
}
