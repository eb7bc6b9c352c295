using System.Net;
using System.Text.Json.Nodes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.Tests.Support;

namespace MarchProxy.Control.Tests.Api;

/// <summary>Who may do what: signing in, and every endpoint as every role.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private ManagerRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ManagerRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task Every_operation_of_the_document_refuses_strangers_and_lesser_roles()
    {
        HttpClient viewer = await MakeAsync("viewer@test", "viewer");
        using var document = new HttpClient();
        JsonNode openApi = JsonNode.Parse(await document.GetStringAsync(new Uri(_rig.Server.Address, "/openapi/v1.json")))!;
        int operations = 0;
        using var nobody = new HttpClient { BaseAddress = _rig.Server.Address };
        foreach ((string path, JsonNode? methods) in openApi["paths"]!.AsObject())
        {
            foreach ((string method, JsonNode? _) in methods!.AsObject())
            {
                operations++;
                string concrete = path.Replace("{name}", "x", StringComparison.Ordinal).Replace("{email}", "x", StringComparison.Ordinal).Replace("{id}", "x", StringComparison.Ordinal)
                    .Replace("{from}", "1", StringComparison.Ordinal).Replace("{to}", "1", StringComparison.Ordinal).Replace("{number}", "1", StringComparison.Ordinal);
                if (path.StartsWith("/api/v1/auth/log", StringComparison.Ordinal) || path.EndsWith("/refresh", StringComparison.Ordinal)) continue;
                (HttpStatusCode status, _) = await ManagerRig.SendAsync(nobody, method.ToUpperInvariant(), concrete, method is "get" or "delete" ? null : new JsonObject());
                Assert.True(status == HttpStatusCode.Unauthorized, $"{method} {path}: {status}");
                bool reads = method == "get" || path.EndsWith("/explain", StringComparison.Ordinal) || path.StartsWith("/api/v1/auth", StringComparison.Ordinal);
                bool hidden = path.Contains("/users", StringComparison.Ordinal) || path.Contains("/keys", StringComparison.Ordinal) || path.Contains("/audit", StringComparison.Ordinal);
                if (reads && !hidden) continue;
                (status, _) = await ManagerRig.SendAsync(viewer, method.ToUpperInvariant(), concrete, method is "get" or "delete" ? null : new JsonObject());
                Assert.True(status == HttpStatusCode.Forbidden, $"viewer {method} {path}: {status}");
            }
        }

        Assert.True(operations > 45, operations.ToString());
    }

    [Fact]
    public async Task A_service_owner_changes_owned_services_alone_and_a_cluster_role_stays_there()
    {
        HttpClient owner = await MakeAsync("owner@test", "service-owner");
        HttpClient local = await MakeAsync("local@test", "maintainer", "other");
        await _rig.ApplyAsync("""
            clusters: [{ name: other }]
            services: [{ name: mine, addresses: [a.test], owners: [owner@test] }, { name: theirs, addresses: [b.test] }]
            """);
        Assert.Equal(HttpStatusCode.OK, (await ManagerRig.SendAsync(owner, "PATCH", "services/mine", new JsonObject { ["description"] = "x" })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(owner, "PATCH", "services/theirs", new JsonObject { ["description"] = "x" })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(owner, "PATCH", "services/theirs", new JsonObject { ["owners"] = new JsonArray("owner@test") })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(owner, "PUT", "mappings/m", new JsonObject { ["sources"] = new JsonArray("mine"), ["destinations"] = new JsonArray("theirs") })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(local, "PUT", "services/x", new JsonObject { ["addresses"] = new JsonArray("x.test") })).Status);
        Assert.Equal(HttpStatusCode.Created, (await ManagerRig.SendAsync(local, "PUT", "services/x?cluster=other", new JsonObject { ["addresses"] = new JsonArray("x.test") })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(local, "PUT", "clusters/more", new JsonObject())).Status);
    }

    [Fact]
    public async Task A_new_account_must_change_its_password_first()
    {
        await _rig.SendAsync("PUT", "users/new@test", new JsonObject { ["role"] = "viewer", ["password"] = "first password" });
        HttpClient client = await _rig.ClientAsync("new@test", "first password");
        Assert.Equal(HttpStatusCode.Forbidden, (await ManagerRig.SendAsync(client, "GET", "services")).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await ManagerRig.SendAsync(client, "POST", "auth/password", new JsonObject { ["currentPassword"] = "first password", ["newPassword"] = "short" })).Status);
        Assert.Equal(HttpStatusCode.OK, (await ManagerRig.SendAsync(client, "POST", "auth/password", new JsonObject { ["currentPassword"] = "first password", ["newPassword"] = "second password" })).Status);
        client = await _rig.ClientAsync("new@test", "second password");
        Assert.Equal(HttpStatusCode.OK, (await ManagerRig.SendAsync(client, "GET", "services")).Status);
    }

    [Fact]
    public async Task A_refresh_token_that_comes_twice_ends_the_sign_in()
    {
        using var client = new HttpClient { BaseAddress = new Uri(_rig.Server.Address, "/api/v1/") };
        (_, JsonNode? pair) = await ManagerRig.SendAsync(client, "POST", "auth/login", new JsonObject { ["email"] = "admin", ["password"] = ManagerRig.Password });
        string first = pair!["refreshToken"]!.ToString();
        (HttpStatusCode status, JsonNode? next) = await RefreshAsync(first);
        Assert.Equal(HttpStatusCode.OK, status);
        (status, _) = await RefreshAsync(first);
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        (status, _) = await RefreshAsync(next!["refreshToken"]!.ToString());
        Assert.Equal(HttpStatusCode.Unauthorized, status);

        Task<(HttpStatusCode, JsonNode?)> RefreshAsync(string token) => ManagerRig.SendAsync(client, "POST", "auth/refresh", new JsonObject { ["refreshToken"] = token });
    }

    [Fact]
    public async Task Guessing_locks_the_account_and_then_the_address_and_tells_nothing()
    {
        using var client = new HttpClient { BaseAddress = new Uri(_rig.Server.Address, "/api/v1/") };
        await MakeAsync("victim@test", "viewer");
        (_, JsonNode? unknown) = await LoginAsync("nobody@test", "wrong password");
        string? told = null;
        for (int i = 0; i < 6; i++) told = (await LoginAsync("victim@test", "wrong password")).Item2!["detail"]!.ToString();
        Assert.Equal(unknown!["detail"]!.ToString(), told);
        Assert.Equal(HttpStatusCode.Unauthorized, (await LoginAsync("victim@test", "second password")).Item1);
        HttpStatusCode last = default;
        for (int i = 0; i < 25; i++) last = (await LoginAsync("nobody@test", "wrong password")).Item1;
        Assert.Equal(HttpStatusCode.TooManyRequests, last);

        Task<(HttpStatusCode, JsonNode?)> LoginAsync(string email, string password) => ManagerRig.SendAsync(client, "POST", "auth/login", new JsonObject { ["email"] = email, ["password"] = password });
    }

    [Fact]
    public void Tokens_that_were_altered_or_are_over_prove_nobody()
    {
        var time = new MarchProxy.Tests.ManualTimeProvider();
        var tokens = new AccessTokens(new byte[32], time);
        var who = new Principal("ann", "admin", null, false);
        string token = tokens.Issue(who);
        Assert.Equal(who, tokens.Verify(token));
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            char[] altered = token.ToCharArray();
            int at = random.Next(altered.Length - 1);
            altered[at] = altered[at] == 'A' ? 'B' : 'A';
            Assert.Null(tokens.Verify(altered));
            Assert.Null(tokens.Verify(token.AsSpan(0, at)));
        }

        Assert.Null(new AccessTokens([.. Enumerable.Repeat((byte)1, 32)], time).Verify(token));
        Assert.Null(tokens.Verify("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."));
        time.Advance(AccessTokens.Lifetime);
        Assert.Null(tokens.Verify(token));
    }

    private async Task<HttpClient> MakeAsync(string email, string role, string? cluster = null)
    {
        await _rig.SendAsync("PUT", "users/" + email, new JsonObject { ["role"] = role, ["cluster"] = cluster, ["password"] = "first password" });
        HttpClient client = await _rig.ClientAsync(email, "first password");
        await ManagerRig.SendAsync(client, "POST", "auth/password", new JsonObject { ["currentPassword"] = "first password", ["newPassword"] = "second password" });
        return await _rig.ClientAsync(email, "second password");
    }
}
