using MarchProxy.Control.Storage;
using MarchProxy.Control.Tests.Support;
using MarchProxy.Control.Xds;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Tests;

namespace MarchProxy.Control.Tests.Xds;

/// <summary>How planes are seen as time goes by, also when a clock is wrong.</summary>
public sealed class PlaneRegistryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-planes-").FullName;
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Silence_is_degraded_and_then_offline_whatever_the_wall_clock_does()
    {
        await using IControlStore store = ControlStores.Open(new StoreOptions { File = Path.Combine(_folder, "m.db") });
        await store.MigrateAsync();
        var planes = new PlaneRegistry(store, _time, new ProcessLog(TextWriter.Null, json: false, LogLevel.Info, _time));
        await using ManagerRig rig = await ManagerRig.StartAsync();
        Assert.Equal("pending", await planes.ReportAsync("default", new PlaneReport { Name = "p", Kind = "edge" }));
        Assert.Equal("active", await planes.ReportAsync("default", new PlaneReport { Name = "p", Kind = "edge", RunningVersion = "v" }));
        _time.SetClock(TimeSpan.FromHours(5));
        Assert.Equal("active", State());
        _time.SetClock(TimeSpan.FromHours(-50));
        _time.Advance(TimeSpan.FromSeconds(13));
        Assert.Equal("degraded", State());
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("offline", State());
        Assert.Equal("active", await planes.ReportAsync("default", new PlaneReport { Name = "p", Kind = "edge", RunningVersion = "v" }));
        planes.Left("default", "p");
        Assert.Equal("offline", State());

        string State() => Assert.Single(planes.Of("default", rig.Server.Manager.State)).State;
    }
}
