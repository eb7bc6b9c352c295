using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Transparent;

/// <summary>Connections caught by real nftables rules, in network namespaces of the test's own: TPROXY and REDIRECT, IPv4 and IPv6.</summary>
public sealed class TransparentTests
{
    [Fact]
    public async Task What_the_kernel_catches_is_decided_by_name_and_by_address()
    {
        using var folder = new TempFolder();
        TestCertificate.Write(folder, "tls", "orders.test");
        string file = folder.Write("edge.yaml", """
            services:
              - { name: client, addresses: [10.1.0.0/24, "fd00:1::/64"] }
              - name: orders
                addresses: [orders.test]
                resolve: { orders.test: [10.2.0.2, "fd00:2::2"] }
                allowAddresses: [10.2.0.0/24, "fd00:2::/64"]
              - { name: greeter, addresses: [10.2.0.2/32], ports: "2222", allowAddresses: [10.2.0.0/24] }
            mappings:
              - { name: client-to-orders, sources: [client], destinations: [orders], protocols: [http, https], ports: "80,443,8080" }
              - { name: client-to-greeter, sources: [client], destinations: [greeter], protocols: [tcp], ports: "2222" }
            listeners:
              - { name: caught, purpose: transparent, address: 127.0.0.1, port: 15001 }
              - { name: caught6, purpose: transparent, address: "::1", port: 15003 }
              - { name: redirected, purpose: transparent, via: redirect, address: "::", port: 15002 }
            """);
        (string program, string[] arguments) = Proxy.Command(["run", "edge", "--file", file, "--admin-listen", "127.0.0.1:0", "--log-format", "text", "--ready-file", folder["ready.json"]]);
        string script = Path.Combine(AppContext.BaseDirectory, "Transparent", "world.sh");
        (int code, string output) = await Child.RunAsync("unshare", ["-rnmpf", "--mount-proc", "--kill-child", "sh", script, folder.Path, program, .. arguments]);
        string said = output + await File.ReadAllTextAsync(folder["proxy.log"]);
        Assert.True(code == 0, said);
        string[] lines = output.Split('\n');
        foreach (string name in new[] { "tproxy-http", "tproxy-https", "tproxy-ipv6", "tproxy-ipv6-https", "redirect", "redirect-ipv6" }) Assert.True(Line(name).StartsWith("origin for orders.test", StringComparison.Ordinal), name + "\n" + said);
        Assert.Contains("no-mapping", Line("other-name"), StringComparison.Ordinal);
        Assert.Contains("no-mapping", Line("second-request"), StringComparison.Ordinal);
        Assert.Contains("name-address-mismatch", Line("other-address"), StringComparison.Ordinal);
        Assert.Contains("not-a-proxy", Line("not-a-proxy"), StringComparison.Ordinal);
        foreach (string name in new[] { "other-name-https", "other-address-https" }) Assert.True(Line(name).StartsWith("curl:", StringComparison.Ordinal), name + "\n" + said);
        Assert.StartsWith("HTTP/1.1 200 HTTP/1.1 403", Line("second-request"), StringComparison.Ordinal);
        Assert.True(Line("server-first") == "hello" && !said.Contains("defect", StringComparison.Ordinal), said);

        string Line(string name) => lines.FirstOrDefault(l => l.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..] ?? "none\n" + said;
    }
}
