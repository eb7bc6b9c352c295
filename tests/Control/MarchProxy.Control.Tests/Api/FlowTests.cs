using System.Net;
using System.Text.Json.Nodes;
using MarchProxy.Control.Tests.Support;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Control.Tests.Api;

/// <summary>The flows in the API: listed, paged, and asked about by a dry run.</summary>
public sealed class FlowTests : IAsyncLifetime
{
    private ManagerRig _rig = null!;

    public async Task InitializeAsync()
    {
        _rig = await ManagerRig.StartAsync();
        await _rig.ApplyAsync("""
            services: [{ name: office, addresses: [10.0.0.0/8] }, { name: api, addresses: [api.test] }, { name: news, addresses: [news.test] }]
            mappings: [{ name: office-api, sources: [office], destinations: [api], protocols: [http], ports: "80" }]
            """);
        _rig.Server.Manager.Flows.Add("default", [Count("api.test", allowed: 7), Count("news.test", denied: 3), Count("other.test", denied: 1)]);
    }

    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    public async Task Flows_are_listed_by_page_and_filter()
    {
        (HttpStatusCode status, JsonNode? page) = await _rig.SendAsync("GET", "flows?limit=2");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(3, page!["total"]!.GetValue<int>());
        (_, JsonNode? rest) = await _rig.SendAsync("GET", "flows?limit=2&cursor=" + page["next"]);
        Assert.Null(rest!["next"]);
        Assert.Equal(["api.test", "news.test", "other.test"], ((JsonArray)page["items"]!).Concat((JsonArray)rest["items"]!).Select(f => f!["host"]!.ToString()).Order());

        (_, JsonNode? denied) = await _rig.SendAsync("GET", "flows?decision=deny&host=NEWS&source=office");
        JsonNode one = Assert.Single((JsonArray)denied!["items"]!)!;
        Assert.Equal(3, one["denied"]!.GetValue<int>());
        Assert.Equal("http", one["protocols"]![0]!.ToString());
        Assert.Empty((JsonArray)(await _rig.SendAsync("GET", "flows?source=nobody")).Body!["items"]!);
        foreach (string wrong in new[] { "limit=0", "decision=maybe", "cursor=%21", "cursor=YQ" }) Assert.Equal(HttpStatusCode.BadRequest, (await _rig.SendAsync("GET", "flows?" + wrong)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _rig.SendAsync("GET", "flows?cluster=none")).Status);
    }

    [Fact]
    public async Task A_dry_run_tells_the_flows_that_it_would_decide_otherwise()
    {
        JsonNode told = await _rig.ApplyAsync("""
            services: [{ name: news, addresses: [news.test] }]
            mappings:
              - { name: office-api, sources: [office], destinations: [api], protocols: [https], ports: "443" }
              - { name: office-news, sources: [office], destinations: [news], protocols: [http], ports: "80", effect: report }
            """, "?dryRun=true");
        JsonNode flows = told["flows"]!;
        Assert.Equal(3, flows["asked"]!.GetValue<int>());
        JsonNode denied = Assert.Single((JsonArray)flows["newlyDenied"]!)!, allowed = Assert.Single((JsonArray)flows["newlyAllowed"]!)!;
        Assert.Equal(("api.test", 7, "protocol-or-port"), (denied["flow"]!["host"]!.ToString(), denied["flow"]!["allowed"]!.GetValue<int>(), denied["reason"]!.ToString()));
        Assert.Equal(("news.test", "report", "office-news"), (allowed["flow"]!["host"]!.ToString(), allowed["effect"]!.ToString(), allowed["mapping"]!.ToString()));

        JsonNode gone = (await _rig.SendAsync("DELETE", "mappings/office-api?dryRun=true")).Body!;
        Assert.Equal("no-mapping", Assert.Single((JsonArray)gone["flows"]!["newlyDenied"]!)!["reason"]!.ToString());
        JsonNode label = await _rig.ApplyAsync("routes: [{ name: r, hosts: [r.test], backends: [{ service: api }] }]", "?dryRun=true");
        Assert.Null(label["flows"]);
    }

    private static FlowCount Count(string host, long allowed = 0, long denied = 0) => new()
    {
        Flow = new Flow("office", AuthType.None, EgressProtocols.Http, host, 80).ToString(),
        Allowed = allowed,
        Denied = denied,
        Reason = "none",
        LastSeen = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
    };
}
