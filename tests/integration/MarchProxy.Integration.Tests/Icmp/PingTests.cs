using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Icmp;

/// <summary>Real pings of a client through a router on which the firewall asks the edge, in network namespaces of the test's own, and through an upgrade of the edge.</summary>
public sealed class PingTests
{
    [Fact]
    public async Task A_ping_passes_where_a_mapping_lets_it()
    {
        using var folder = new TempFolder();
        string file = folder.Write("edge.yaml", """
            services:
              - { name: client, addresses: [10.1.0.0/24, "fd00:1::/64"] }
              - { name: orders, addresses: [10.2.0.2, "fd00:2::2"] }
              - { name: other, addresses: [10.2.0.3], ports: "443" }
              - { name: watched, addresses: [10.2.0.2], ports: "80", health: { type: icmp, interval: 200ms, timeout: 1s } }
              - { name: gone, addresses: [10.2.0.9], ports: "80", health: { type: icmp, interval: 200ms, timeout: 1s } }
            mappings:
              - { name: pings, sources: [client], destinations: [orders], protocols: [icmp], ports: "443" }
              - { name: no-pings, sources: [client], destinations: [other], protocols: [tcp] }
            routes:
              - { name: watched, hosts: [watched.test], backends: [watched] }
              - { name: gone, hosts: [gone.test], backends: [gone] }
            listeners:
              - { name: pings, purpose: transparent, protocol: icmp, queue: 5 }
            """);
        (string program, string[] arguments) = Proxy.Command(["run", "edge", "--file", file, "--admin-listen", "127.0.0.1:9901", "--log-format", "text", "--ready-file", folder["ready.json"], "--run-folder", folder["run"], "--udp-idle-timeout", "1s"]);
        string script = Path.Combine(AppContext.BaseDirectory, "Icmp", "world.sh");
        (int code, string output) = await Child.RunAsync("unshare", ["-rnmpf", "--mount-proc", "--kill-child", "sh", script, folder.Path, program, .. arguments]);
        string said = output + await File.ReadAllTextAsync(folder["proxy.log"]);
        Assert.True(code == 0, said);
        string[] lines = output.Split('\n');
        foreach (string name in new[] { "before", "before-ipv6", "upgraded" }) Assert.True(Line(name).Contains(" 0% packet loss", StringComparison.Ordinal), name + "\n" + said);
        foreach (string name in new[] { "other-address", "no-mapping", "nobody-decides" }) Assert.True(Line(name).Contains("100% packet loss", StringComparison.Ordinal), name + "\n" + said);
        Assert.Equal("0", Line("lost-in-upgrade"));
        Assert.Contains("marchproxy_upstream_up{upstream=\"watched 10.2.0.2:80\"} 1", said, StringComparison.Ordinal);
        Assert.Contains("marchproxy_upstream_up{upstream=\"gone 10.2.0.9:80\"} 0", said, StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"icmp\",\"listener\":\"pings\",\"client\":\"10.1.0.2\"", said, StringComparison.Ordinal);
        Assert.Contains("\"decision\":\"allow\",\"rule\":\"pings\"", said, StringComparison.Ordinal);
        Assert.Contains("\"decision\":\"deny\",\"reason\":\"no-mapping\"", said, StringComparison.Ordinal);
        Assert.True(!said.Contains("defect", StringComparison.Ordinal), said);

        string Line(string name) => lines.FirstOrDefault(l => l.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..] ?? "none\n" + said;
    }
}
