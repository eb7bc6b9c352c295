using MarchProxy.Control.Changes;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Control.Tests.Support;
using MarchProxy.Model.Resources;
using MarchProxy.Rpc;
using MarchProxy.Rpc.Client;
using MarchProxy.Rpc.Discovery;
using Resource = MarchProxy.Model.Resources.Resource;

namespace MarchProxy.Control.Tests.Xds;

/// <summary>Random edits, refusals and reconnects over the real stream: planes converge, see no dangling name, and are never sent what they have.</summary>
public sealed class AdsConvergenceTests
{
    private const int Steps = 120;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Delta_converges(int seed)
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        string key = (await rig.Server.Keys.AddAsync("default")).Key;
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        var random = new Random(seed);
        var plane = new DeltaPlane(channel, key, random);
        await plane.ConnectAsync();
        for (int step = 0; step < Steps; step++)
        {
            await EditAsync(rig.Server.Manager, random);
            if (random.Next(8) == 0) await plane.ConnectAsync();
            plane.RefusalRate = random.Next(3) == 0 ? 0.4 : 0;
        }

        plane.RefusalRate = 0;
        await rig.Server.Manager.ChangeAsync(new ChangeRequest { Actor = Actor.System, Comment = "last", Put = [new Service { Name = "last", Addresses = ["last.test"] }] });
        Dictionary<string, string> wanted = Wanted(rig);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => plane.Matches(wanted), () => plane.Fault ?? $"held {plane.Held.Count}, wanted {wanted.Count}");
        Assert.Null(plane.Fault);
        Assert.Equal(rig.Server.Manager.State.Cluster("default")!.Version, plane.Version);

        // A plane that has everything is sent nothing when it comes back.
        int before = plane.Responses;
        await plane.ConnectAsync();
        await rig.Server.Manager.ChangeAsync(new ChangeRequest { Actor = Actor.System, Comment = "more", Put = [new Service { Name = "more", Addresses = ["more.test"] }] });
        wanted = Wanted(rig);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => plane.Matches(wanted), () => plane.Fault ?? "no more");
        Assert.Equal(before + 1, plane.Responses);
        Assert.Equal(1, plane.LastSize);
        await plane.CloseAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task State_of_the_world_converges(int seed)
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        string key = (await rig.Server.Keys.AddAsync("default")).Key;
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        var random = new Random(seed);
        var everything = new WorldPlane(channel, key, random);
        var chosen = new WorldPlane(channel, key, random);
        await everything.ConnectAsync();
        await chosen.ConnectAsync("services/s1", "services/s2");
        for (int step = 0; step < Steps; step++)
        {
            await EditAsync(rig.Server.Manager, random);
            if (random.Next(8) == 0) await everything.ConnectAsync();
            if (random.Next(8) == 0) await chosen.ConnectAsync("services/s1", "services/s2");
            everything.RefusalRate = chosen.RefusalRate = random.Next(3) == 0 ? 0.4 : 0;
        }

        everything.RefusalRate = chosen.RefusalRate = 0;
        await rig.Server.Manager.ChangeAsync(new ChangeRequest { Actor = Actor.System, Comment = "last", Put = [new Service { Name = "s1", Addresses = ["last.test"] }, new Service { Name = "s2", Addresses = ["last.test"] }] });
        Dictionary<string, string> all = rig.Server.Manager.State.Cluster("default")!.All.ToDictionary(e => $"{e.Kind.Plural}/{e.Name}", e => System.Text.Encoding.UTF8.GetString(e.Content.Span));
        await MarchProxy.Tests.Eventually.HoldsAsync(() => Same(everything.Held, all), () => everything.Fault ?? $"held {everything.Held.Count}, wanted {all.Count}");
        await MarchProxy.Tests.Eventually.HoldsAsync(
            () => Same(chosen.Held, all.Where(a => a.Key is "services/s1" or "services/s2").ToDictionary()), () => chosen.Fault ?? $"held {chosen.Held.Count}");
        Assert.Null(everything.Fault);
        Assert.Null(chosen.Fault);
        await everything.CloseAsync();
        await chosen.CloseAsync();

        static bool Same(IReadOnlyDictionary<string, string> held, Dictionary<string, string> wanted) => held.Count == wanted.Count && wanted.All(w => held.GetValueOrDefault(w.Key) == w.Value);
    }

    [Fact]
    public async Task State_of_the_world_lets_names_be_chosen()
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        await rig.ApplyAsync("services: [{ name: a, addresses: [a.test] }, { name: b, addresses: [b.test] }]");
        string key = (await rig.Server.Keys.AddAsync("default")).Key;
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        await using RpcCall<DiscoveryRequest, DiscoveryResponse> call = channel.Call(DiscoveryMethods.Stream, Options(key));
        await call.WriteAsync(new DiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, Node = new Node { Id = "sotw" } });
        DiscoveryResponse first = (await call.ReadAsync())!;
        Assert.Equal(3, first.Resources.Count);

        // Refused: the same is not sent again; the next edit brings everything, under another version.
        await call.WriteAsync(new DiscoveryRequest { TypeUrl = first.TypeUrl, ResponseNonce = first.Nonce, ErrorDetail = new Status { Message = "no" } });
        await rig.ApplyAsync("services: [{ name: c, addresses: [c.test] }]");
        DiscoveryResponse second = (await call.ReadAsync())!;
        Assert.Equal(4, second.Resources.Count);
        Assert.NotEqual(first.VersionInfo, second.VersionInfo);

        // An old nonce says nothing.
        await call.WriteAsync(new DiscoveryRequest { TypeUrl = first.TypeUrl, ResponseNonce = first.Nonce });
        var chosen = new DiscoveryRequest { TypeUrl = first.TypeUrl, ResponseNonce = second.Nonce, VersionInfo = second.VersionInfo };
        chosen.ResourceNames.Add(["services/a", "services/none"]);
        await call.WriteAsync(chosen);
        await rig.ApplyAsync("services: [{ name: b, addresses: [b2.test] }]");
        await rig.ApplyAsync("services: [{ name: a, addresses: [a2.test] }]");
        DiscoveryResponse third = (await call.ReadAsync())!;
        Assert.Equal(["a"], third.Resources.Select(r => DomainResource.Parser.ParseFrom(r.Value).Name));
    }

    [Fact]
    public async Task A_subscription_that_changes_with_an_old_nonce_is_not_lost()
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        await rig.ApplyAsync("services: [{ name: a, addresses: [a.test] }, { name: b, addresses: [b.test] }]");
        string key = (await rig.Server.Keys.AddAsync("default")).Key;
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        await using RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call = channel.Call(DiscoveryMethods.Delta, Options(key));
        var hello = new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType };
        hello.ResourceNamesSubscribe.Add("services/a");
        await call.WriteAsync(hello);
        DeltaDiscoveryResponse first = (await call.ReadAsync())!;
        Assert.Equal("services/a", Assert.Single(first.Resources).Name);
        var stale = new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, ResponseNonce = "stale" };
        stale.ResourceNamesSubscribe.Add("services/b");
        await call.WriteAsync(stale);
        await call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, ResponseNonce = first.Nonce });
        Assert.Equal("services/b", Assert.Single((await call.ReadAsync())!.Resources).Name);
    }

    [Theory]
    [InlineData("mpk_000000000000_00", "not known")]
    [InlineData("", "no key was brought")]
    public async Task A_wrong_key_is_refused_and_told(string key, string told)
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        await using RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call = channel.Call(DiscoveryMethods.Delta, Options(key));
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => call.ReadAsync());
        Assert.Equal(RpcCode.Unauthenticated, refused.Status.Code);
        Assert.Contains(told, refused.Status.Message, StringComparison.Ordinal);
        Assert.Contains("a plane was refused", rig.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_one_cluster_shows_nothing_of_another_and_a_rotated_one_holds_for_its_overlap()
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        await rig.ApplyAsync("clusters: [{ name: other }]\nservices: [{ name: secret, addresses: [s.test] }]");
        string key = (await rig.Server.Keys.AddAsync("other")).Key;
        using var channel = new RpcChannel(rig.Server.XdsAddress);
        await using RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call = channel.Call(DiscoveryMethods.Delta, Options(key));
        await call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType });
        Assert.Equal("clusters/other", Assert.Single((await call.ReadAsync())!.Resources).Name);
        await rig.Server.Keys.RotateAsync("other", TimeSpan.FromHours(1));
        Assert.Equal("other", rig.Server.Keys.Verify(key, out _));
        await rig.Server.Keys.RotateAsync("other", TimeSpan.Zero);
        Assert.Null(rig.Server.Keys.Verify(key, out string why));
        Assert.Contains("rotated out", why, StringComparison.Ordinal);
    }

    internal static RpcCallOptions Options(string key) => new() { Metadata = new Dictionary<string, string> { ["authorization"] = "Bearer " + key } };

    private static Dictionary<string, string> Wanted(ManagerRig rig) =>
        rig.Server.Manager.State.Cluster("default")!.All.ToDictionary(e => $"{e.Kind.Plural}/{e.Name}", e => e.Digest.ToString());

    private static async Task EditAsync(Manager manager, Random random)
    {
        string service = "s" + random.Next(8), mapping = "m" + random.Next(8);
        ClusterState cluster = manager.State.Cluster("default")!;
        try
        {
            await manager.ChangeAsync(random.Next(5) switch
            {
                0 or 1 => Change([new Service { Name = service, Addresses = [$"{service}-{random.Next(4)}.test"] }], []),
                2 => Change([new Service { Name = service, Addresses = [service + ".test"] }, new Mapping { Name = mapping, Sources = [service], Destinations = [service], Priority = random.Next(1, 5) }], []),
                3 => Change([], [new ResourceKey("default", "mappings", mapping)]),
                _ => Change([], [new ResourceKey("default", "services", service)]),
            });
        }
        catch (ControlException)
        {
            // Deleting what is not there or in use: refused, and nothing changes.
        }

        static ChangeRequest Change(Resource[] put, ResourceKey[] delete) => new() { Actor = Actor.System, Comment = "random", Put = put, Delete = delete };
    }
}
