using System.Net;
using System.Text.Json.Nodes;
using MarchProxy.Control.Storage;
using MarchProxy.Control.Tests.Support;
using MarchProxy.Control.Tests.Xds;
using MarchProxy.Rpc.Client;
using MarchProxy.Tests;

namespace MarchProxy.Control.Tests.Storage;

/// <summary>Two managers on one PostgreSQL: one truth, and an edit through either reaches the planes of both.</summary>
[Collection(PostgresCollection.Name)]
public sealed class TwoManagersTests(PostgresServer server)
{
    [Fact]
    public async Task An_edit_through_one_reaches_the_planes_of_the_other_and_neither_overwrites_the_other()
    {
        var store = new StoreOptions { Type = "postgresql", Url = await server.NewDatabaseAsync() };
        await using ManagerRig one = await ManagerRig.StartAsync(store: store);
        await using ManagerRig two = await ManagerRig.StartAsync(store: store);
        string key = (await one.Server.Keys.AddAsync("default")).Key;
        using var channel = new RpcChannel(two.Server.XdsAddress);
        var plane = new DeltaPlane(channel, key, new Random(1));
        await MarchProxy.Tests.Eventually.HoldsAsync(() => two.Server.Keys.Verify(key, out _) == "default", () => "the key is not known to the other");
        await plane.ConnectAsync();
        await one.ApplyAsync("services: [{ name: a, addresses: [a.test] }]");
        await MarchProxy.Tests.Eventually.HoldsAsync(() => plane.Held.ContainsKey("services/a"), () => "services/a did not come");

        // A plane that tells one how it is, is seen through the other too.
        await one.Server.Planes.ReportAsync("default", new Rpc.Discovery.PlaneReport { Name = "p", Kind = "edge", RunningVersion = "v" });
        await MarchProxy.Tests.Eventually.HoldsAsync(() => two.Server.Planes.Of("default", two.Server.Manager.State).Any(p => p.Name == "p"), () => "the plane is not known to the other");
        await one.Server.Planes.ReportAsync("default", new Rpc.Discovery.PlaneReport { Name = "p", Kind = "edge", RunningVersion = "w" });
        await MarchProxy.Tests.Eventually.HoldsAsync(() => two.Server.Planes.Of("default", two.Server.Manager.State).Single(p => p.Name == "p") is { State: "active", RunningVersion: "w" }, () => "the plane is not active for the other");

        // Twenty edits of the same object through both at once: each is made on what stands, and both end with the same.
        string etag = (await one.SendAsync("GET", "services/a")).Body!["etag"]!.ToString();
        HttpStatusCode[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
            (await (i % 2 == 0 ? one : two).SendAsync("PATCH", "services/a", new JsonObject { ["description"] = "edit " + i }, $"\"{etag}\"")).Status));
        Assert.Equal(1, answers.Count(a => a == HttpStatusCode.OK));
        Assert.Equal(19, answers.Count(a => a == HttpStatusCode.PreconditionFailed));
        await MarchProxy.Tests.Eventually.HoldsAsync(
            () => one.Server.Manager.State.Cluster("default")!.Version == two.Server.Manager.State.Cluster("default")!.Version, () => "two truths");
        await plane.CloseAsync();
        Assert.Null(plane.Fault);
    }
}
