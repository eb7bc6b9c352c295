using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MarchProxy.Control.Tests.Support;

namespace MarchProxy.Control.Tests.Api;

/// <summary>Resources over HTTP: what a client sees of making, changing, listing and deleting them.</summary>
public sealed class ResourceApiTests : IAsyncLifetime
{
    private ManagerRig _rig = null!;

    public async Task InitializeAsync() => _rig = await ManagerRig.StartAsync();

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task An_object_is_made_read_changed_merged_and_deleted()
    {
        (HttpStatusCode status, JsonNode? made) = await _rig.SendAsync("POST", "services", Json("""{"name":"orders","addresses":["orders.test"],"ports":"443"}"""));
        Assert.Equal(HttpStatusCode.Created, status);
        Assert.Equal("created", made!["objects"]![0]!["action"]!.ToString());
        (status, JsonNode? read) = await _rig.SendAsync("GET", "services/orders");
        Assert.Equal(HttpStatusCode.OK, status);
        string etag = read!["etag"]!.ToString();

        // What was read can be sent back as it is.
        (status, JsonNode? same) = await _rig.SendAsync("PUT", "services/orders", read.DeepClone(), $"\"{etag}\"");
        Assert.Equal((HttpStatusCode.OK, "unchanged"), (status, same!["objects"]![0]!["action"]!.ToString()));
        (status, _) = await _rig.SendAsync("PATCH", "services/orders", Json("""{"description":"the orders","ports":null}"""), $"\"{etag}\"");
        Assert.Equal(HttpStatusCode.OK, status);
        (_, read) = await _rig.SendAsync("GET", "services/orders");
        Assert.Equal("the orders", read!["description"]!.ToString());
        Assert.Null(read["ports"]);

        // Somebody else's edit is not overwritten unseen, and is shown.
        (status, JsonNode? stale) = await _rig.SendAsync("PUT", "services/orders", Json("""{"addresses":["x.test"]}"""), $"\"{etag}\"");
        Assert.Equal(HttpStatusCode.PreconditionFailed, status);
        Assert.Equal("the orders", stale!["current"]!["description"]!.ToString());
        (status, _) = await _rig.SendAsync("POST", "services", Json("""{"name":"orders","addresses":["orders.test"]}"""));
        Assert.Equal(HttpStatusCode.PreconditionFailed, status);
        (status, _) = await _rig.SendAsync("DELETE", "services/orders?dryRun=true");
        Assert.Equal(HttpStatusCode.OK, status);
        (status, _) = await _rig.SendAsync("DELETE", "services/orders");
        Assert.Equal(HttpStatusCode.OK, status);
        (status, _) = await _rig.SendAsync("GET", "services/orders");
        Assert.Equal(HttpStatusCode.NotFound, status);
        (_, JsonNode? audit) = await _rig.SendAsync("GET", "audit?name=orders&kind=services");
        Assert.Equal(["delete", "update", "create"], audit!["items"]!.AsArray().Select(i => i!["action"]!.ToString()));
    }

    [Fact]
    public async Task A_routes_secret_is_kept_unseen_and_its_mirror_is_not_deleted()
    {
        await _rig.ApplyAsync("""
            services: [{ name: shop, addresses: [10.0.0.1] }, { name: shadow, addresses: [10.0.0.2] }]
            routes: [{ name: web, backends: [shop], mirror: { service: shadow }, affinity: { cookie: stick, secret: a-secret-of-many-characters } }]
            """);
        (_, JsonNode? read) = await _rig.SendAsync("GET", "routes/web");
        Assert.Equal("stick", read!["affinity"]!["cookie"]!.ToString());
        Assert.Null(read["affinity"]!["secret"]);

        // What was read and sent back changes nothing: the secret that nobody sees stays.
        (HttpStatusCode status, JsonNode? same) = await _rig.SendAsync("PUT", "routes/web", read.DeepClone(), $"\"{read["etag"]}\"");
        Assert.Equal((HttpStatusCode.OK, "unchanged"), (status, same!["objects"]![0]!["action"]!.ToString()));
        (status, JsonNode? refused) = await _rig.SendAsync("DELETE", "services/shadow");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("route/web", refused!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cached_answer_is_confirmed_by_its_etag()
    {
        await _rig.ApplyAsync("services: [{ name: a, addresses: [a.test] }]");
        using HttpResponseMessage first = await _rig.Http.GetAsync("services/a");
        using var again = new HttpRequestMessage(HttpMethod.Get, "services/a");
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using HttpResponseMessage second = await _rig.Http.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    [Fact]
    public async Task Secrets_are_shown_once_and_kept_when_left_out()
    {
        (_, JsonNode? made) = await _rig.SendAsync("POST", "services", Json("""{"name":"billing","auth":{"type":"token"}}"""));
        string token = made!["objects"]![0]!["token"]!.ToString();
        Assert.True(token.Length > 40);
        (_, JsonNode? read) = await _rig.SendAsync("GET", "services/billing");
        Assert.DoesNotContain("sha256", read!.ToJsonString(), StringComparison.Ordinal);
        read["description"] = "x";
        (_, JsonNode? changed) = await _rig.SendAsync("PUT", "services/billing", read.DeepClone());
        Assert.Null(changed!["objects"]![0]!["token"]);
        Assert.True(Accepts(token));
        (_, JsonNode? rotated) = await _rig.SendAsync("POST", "services/billing/rotate-token?overlap=1h");
        Assert.True(Accepts(token));
        Assert.True(Accepts(rotated!["token"]!.ToString()));
        Assert.False(Accepts("another"));
        await _rig.SendAsync("PATCH", "services/billing", Json("""{"auth":{"token":"chosen-by-me"}}"""));
        Assert.True(Accepts("chosen-by-me"));

        bool Accepts(string given) => _rig.Server.Manager.State.Cluster("default")!.Snapshot.Egress.FindByToken("billing", given, DateTimeOffset.UtcNow) is not null;
    }

    [Fact]
    public async Task Lists_are_paged_sorted_and_filtered()
    {
        var all = new StringBuilder("services:\n");
        for (int i = 0; i < 25; i++) all.Append(System.Globalization.CultureInfo.InvariantCulture, $"  - {{ name: s{i:00}, addresses: [s{i}.test], protocol: {(i % 2 == 0 ? "tcp" : "http")}, labels: {{ team: t{i % 5} }} }}\n");
        await _rig.ApplyAsync(all.ToString());
        foreach (string sort in new[] { "name", "-name", "updatedAt", "-createdAt" })
        {
            var names = new List<string>();
            for (string? cursor = ""; cursor is not null;)
            {
                (_, JsonNode? page) = await _rig.SendAsync("GET", $"services?limit=7&sort={sort}{(cursor.Length > 0 ? "&cursor=" + cursor : "")}");
                names.AddRange(page!["items"]!.AsArray().Select(i => i!["name"]!.ToString()));
                cursor = page["next"]?.ToString();
                Assert.Equal(25, page["total"]!.GetValue<int>());
            }

            Assert.Equal(25, names.Distinct().Count());
            Assert.Equal(25, names.Count);
            Assert.Equal(sort.StartsWith('-') ? "s24" : "s00", names[0]);
        }

        Assert.Equal(13, await CountAsync("filter=protocol:tcp"));
        Assert.Equal(5, await CountAsync("label=team=t1"));
        Assert.Equal(1, await CountAsync("filter=addresses:s3.test"));
        Assert.Equal(10, await CountAsync("q=s1"));

        async Task<int> CountAsync(string query) => (await _rig.SendAsync("GET", "services?limit=1000&" + query)).Body!["items"]!.AsArray().Count;
    }

    [Fact]
    public async Task What_is_in_use_is_not_deleted_and_its_users_are_told()
    {
        await _rig.ApplyAsync("""
            services: [{ name: a, collection: group }, { name: b, addresses: [b.test] }]
            mappings: [{ name: by-name, sources: [a], destinations: [b] }, { name: by-group, sources: ["collection:group"], destinations: [b] }]
            """);
        (HttpStatusCode status, JsonNode? refused) = await _rig.SendAsync("DELETE", "services/a");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("mapping/by-name", refused!["faults"]![0]!["message"]!.ToString(), StringComparison.Ordinal);
        Assert.Contains("mapping/by-group", refused["faults"]![0]!["message"]!.ToString(), StringComparison.Ordinal);
        JsonNode pruned = await _rig.ApplyAsync("services: [{ name: b, addresses: [b.test] }]", "?prune=true");
        Assert.Equal(3, pruned["objects"]!.AsArray().Count(o => o!["action"]!.ToString() == "deleted"));
    }

    [Fact]
    public async Task A_removed_mapping_tells_what_it_would_newly_deny()
    {
        await _rig.ApplyAsync("""
            services: [{ name: a, auth: { type: token, token: "secret-of-a" } }, { name: b, addresses: [b.test] }]
            mappings: [{ name: m, sources: [a], destinations: [b], protocols: [https], ports: "443" }, { name: n, sources: [a], destinations: [b], protocols: [tcp], ports: "22" }]
            """);
        (_, JsonNode? dry) = await _rig.SendAsync("DELETE", "mappings/m?dryRun=true");
        Assert.Equal(["a to b (https 443)"], dry!["newlyDenied"]!.AsArray().Select(d => d!.ToString()));
        Assert.Equal(HttpStatusCode.OK, (await _rig.SendAsync("GET", "mappings/m")).Status);
    }

    [Theory]
    [InlineData("POST", "services", """{"name":"x","port":1}""", 422, "did you mean ports?")]
    [InlineData("POST", "services", """{"name":"x","cluster":"nowhere"}""", 422, "there is no cluster")]
    [InlineData("POST", "mappings", """{"name":"x","sources":["a"],"destinations":["b"]}""", 422, "there is no service")]
    [InlineData("POST", "services", """{"name":"../x"}""", 422, "is not a DNS label")]
    [InlineData("POST", "services", """{"name":""}""", 422, "is missing")]
    [InlineData("POST", "services", """[1]""", 400, "not a JSON object")]
    [InlineData("POST", "services", """{"name":""", 400, "not JSON")]
    [InlineData("PUT", "services/y", """{"name":"x"}""", 422, "name in the body")]
    [InlineData("PUT", "certificates/c", """{"chain":"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----","key":"-----BEGIN PRIVATE KEY-----\nx"}""", 422, "cannot be read")]
    [InlineData("GET", "services?limit=0", null, 400, "limit")]
    [InlineData("GET", "services?limit=abc", null, 400, "limit")]
    [InlineData("GET", "services?cursor=nonsense", null, 400, "cursor")]
    [InlineData("GET", "services?sort=colour", null, 400, "sort")]
    [InlineData("GET", "services/none", null, 404, "There is no service")]
    [InlineData("GET", "services?cluster=none", null, 404, "There is no cluster")]
    [InlineData("GET", "nothing", null, 404, "There is nothing")]
    [InlineData("DELETE", "clusters/default", null, 422, "cannot be deleted")]
    [InlineData("POST", "versions/99/rollback", null, 404, "no version 99")]
    [InlineData("POST", "explain", """{"source":"none","destination":"x","port":1}""", 404, "There is no service")]
    [InlineData("POST", "explain", """{"source":1}""", 400, "")]
    public async Task Bad_input_is_a_clear_refusal(string method, string path, string? body, int status, string told)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _rig.Http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == status, text);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains(told, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_and_deep_bodies_and_other_media_are_refused()
    {
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await PostAsync(new string(' ', (5 << 20) + 10), "application/json"));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(string.Concat(Enumerable.Repeat("{\"a\":", 100)), "application/json"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, await PostAsync("x", "text/plain"));

        async Task<HttpStatusCode> PostAsync(string body, string type)
        {
            using HttpResponseMessage response = await _rig.Http.PostAsync("services", new StringContent(body, Encoding.UTF8, type));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Hostile_strings_are_only_strings()
    {
        string[] hostile = ["'; DROP TABLE resources; --", "../../etc/passwd", "%00", "\"}{", "😀\u202e", "${jndi:x}", "<script>alert(1)</script>", new string('a', 5000), "a\u0000b", "file:/etc/passwd", "env:PATH"];
        foreach (string text in hostile)
        {
            var body = new JsonObject { ["name"] = "x", ["addresses"] = new JsonArray("x.test"), ["description"] = text, ["labels"] = new JsonObject { [text.Length > 60 ? "k" : text] = text }, ["owners"] = new JsonArray(text) };
            (HttpStatusCode status, JsonNode? answer) = await _rig.SendAsync("PUT", "services/x", body);
            Assert.True((int)status < 500, answer?.ToJsonString());
            Assert.Equal(text, (await _rig.SendAsync("GET", "services/x")).Body!["description"]!.ToString());
            foreach (string path in new[] { "services/" + Uri.EscapeDataString(text), "audit?actor=" + Uri.EscapeDataString(text), "services?q=" + Uri.EscapeDataString(text), "services?filter=" + Uri.EscapeDataString(text + ":x"), "users/" + Uri.EscapeDataString(text) })
            {
                (status, _) = await _rig.SendAsync("GET", path);
                Assert.True((int)status < 500, path);
            }
        }

        // A secret that names a file of the manager's is not read.
        (HttpStatusCode refused, JsonNode? told) = await _rig.SendAsync("PUT", "services/y", Json("""{"auth":{"type":"token","token":"file:/etc/hostname"}}"""));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused);
        Assert.Contains("cannot be read", told!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Versions_differ_and_lead_back()
    {
        await _rig.ApplyAsync("services: [{ name: a, addresses: [a.test], auth: { type: token, token: first-token } }, { name: b, addresses: [b.test] }]");
        await _rig.ApplyAsync("services: [{ name: a, addresses: [a.test], description: x, auth: { type: token, token: second-token } }]", "?prune=true");
        (_, JsonNode? diff) = await _rig.SendAsync("GET", "versions/2/diff/3");
        JsonArray objects = diff!["objects"]!.AsArray();
        Assert.Equal(["changed", "deleted"], objects.Select(o => o!["action"]!.ToString()));
        Assert.True(objects[0]!["secretChanged"]!.GetValue<bool>());
        Assert.DoesNotContain("sha256", diff.ToJsonString(), StringComparison.Ordinal);
        (_, JsonNode? versions) = await _rig.SendAsync("GET", "versions");
        await _rig.SendAsync("POST", "versions/2/rollback");
        (_, JsonNode? after) = await _rig.SendAsync("GET", "versions");
        Assert.Equal(versions!["items"]![1]!["version"]!.ToString(), after!["items"]![0]!["version"]!.ToString());
        Assert.NotNull(_rig.Server.Manager.State.Cluster("default")!.Snapshot.Egress.FindByToken("a", "first-token", DateTimeOffset.UtcNow));
    }

    [Fact]
    public async Task A_manager_that_starts_again_knows_everything()
    {
        await _rig.ApplyAsync("""
            clusters: [{ name: other }]
            services: [{ name: a, addresses: [a.test], auth: { type: token, token: secret-of-a } }, { name: a, cluster: other, addresses: [a.test] }]
            """);
        string version = _rig.Server.Manager.State.Cluster("default")!.Version;
        string folder = await _rig.StopAsync();
        Assert.DoesNotContain("sha256", await File.ReadAllTextAsync(Path.Combine(folder, "manager.db"), Encoding.Latin1), StringComparison.Ordinal);
        _rig = await ManagerRig.StartAsync(folder);
        Assert.Equal(version, _rig.Server.Manager.State.Cluster("default")!.Version);
        Assert.Equal(HttpStatusCode.OK, (await _rig.SendAsync("GET", "services/a?cluster=other")).Status);
        Assert.Equal(2, (await _rig.SendAsync("GET", "clusters")).Body!["items"]!.AsArray().Count);
    }

    private static JsonNode Json(string text) => JsonNode.Parse(text)!;
}
