using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>Disks that are full: under the manager's store, and under a plane's last good configuration.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_manager_whose_disk_is_full_refuses_edits_and_loses_nothing()
    {
        // A small file system of its own, in a mount namespace of its own.
        Directory.CreateDirectory(_folder["data"]);
        int port = NginxServer.FreePort();
        string manager = $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";
        (string program, string[] arguments) = Proxy.Command(["run", "manager", "--data", _folder["data"], "--manager-listen", manager, "--xds-listen", "127.0.0.1:0", "--log-format", "text"]);
        await using Child child = Child.Start(
            "unshare", ["-rm", "sh", "-c", "mount -t tmpfs -o size=3m none \"$0\" && exec \"$@\"", _folder["data"], program, .. arguments], ("MARCHPROXY_ADMIN_PASSWORD", Suite.Password));
        (int Code, string Output) ran = default;
        await Wait.UntilAsync(async () => (ran = await RunAsync("login", "http://" + manager)).Code == 0, () => child.Output + ran.Output);
        Assert.Equal(0, (await RunAsync("apply", "-f", _folder.Write("kept.yaml", "services: [{ name: kept, addresses: [kept.test] }]"))).Code);

        string filler = new('x', 900);
        for (int i = 0; i < 40 && ran.Code == 0; i++)
        {
            string services = string.Join('\n', Enumerable.Range(0, 400).Select(n => $"  - {{ name: s{n}, addresses: [s{n}.test], description: {i}{filler} }}"));
            ran = await RunAsync("apply", "-f", _folder.Write("much.yaml", "services:\n" + services));
        }

        Assert.True(ran.Code != 0, "the disk never filled");
        Assert.Contains("nothing was changed", ran.Output, StringComparison.Ordinal);
        await Wait.UntilAsync(() => child.Output.Contains("full", StringComparison.Ordinal), () => child.Output);
        ran = await RunAsync("get", "services", "-o", "yaml");
        Assert.True(ran.Code == 0 && ran.Output.Contains("name: kept", StringComparison.Ordinal), ran.Output);
    }

    [Fact]
    public async Task A_plane_that_cannot_save_its_configuration_serves_it_and_says_so()
    {
        Directory.CreateDirectory(_folder["data"]);
        File.CreateSymbolicLink(Path.Combine(_folder["data"], "edge.snapshot.new"), "/dev/full");
        await using Suite up = await Suite.StartAsync(_folder, "up", "--data", _folder["data"], "--manager-listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
        Assert.Equal(0, (await RunAsync("login", up.Manager)).Code);
        Assert.Equal(0, (await RunAsync("apply", "-f", _folder.Write("a.yaml", $"listeners: [{{ name: forward, port: {NginxServer.FreePort()}, purpose: forward-proxy }}]"))).Code);
        await Wait.UntilAsync(() => up.Process.Output.Contains("could not be saved for the next start; free some space", StringComparison.Ordinal), () => up.Process.Output);
        await Wait.UntilAsync(async () => (await RunAsync("get", "proxies")).Output.Contains("active", StringComparison.Ordinal), () => up.Process.Output);
    }

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => Suite.RunAsync(_folder, arguments);
}
