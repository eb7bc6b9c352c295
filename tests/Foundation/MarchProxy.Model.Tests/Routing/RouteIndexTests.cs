using System.Text;
using MarchProxy.Model.Routing;

namespace MarchProxy.Model.Tests.Routing;

public sealed class RouteIndexTests
{
    private readonly RouteIndex _index = Secrets.Compile("""
        services:
          - { name: s, addresses: [10.0.0.1] }
        routes:
          - { name: root, hosts: [shop.test], paths: [{ prefix: / }], backends: [s] }
          - { name: api, hosts: [shop.test], paths: [{ prefix: /api }], backends: [s] }
          - { name: api-v2, hosts: [shop.test], paths: [{ prefix: /api/v2/ }], backends: [s] }
          - { name: health, hosts: [shop.test], paths: [{ exact: /api/health }], backends: [s] }
          - { name: pictures, hosts: [shop.test], paths: [{ regex: "^/p/[0-9]+$" }], backends: [s] }
          - { name: writes, hosts: [shop.test], paths: [{ prefix: /api }], methods: [POST], backends: [s] }
          - { name: urgent, hosts: [shop.test], paths: [{ prefix: /api/urgent }], priority: 200, backends: [s] }
          - { name: wild, hosts: ["*.shop.test"], backends: [s] }
          - { name: deep, hosts: ["*.eu.shop.test"], backends: [s] }
          - { name: rest, paths: [{ prefix: /any }], backends: [s] }
        """).Routes;

    [Theory]
    [InlineData("shop.test", "/", "GET", "root")]
    [InlineData("shop.test", "/apix", "GET", "root")]
    [InlineData("shop.test", "/api", "GET", "api")]
    [InlineData("shop.test", "/api/x", "GET", "api")]
    [InlineData("shop.test", "/api/x", "POST", "writes")]
    [InlineData("shop.test", "/api/v2", "GET", "api-v2")]
    [InlineData("shop.test", "/api/v2/x/y", "GET", "api-v2")]
    [InlineData("shop.test", "/api/health", "GET", "health")]
    [InlineData("shop.test", "/api/health/x", "GET", "api")]
    [InlineData("shop.test", "/p/42", "GET", "pictures")]
    [InlineData("shop.test", "/p/x", "GET", "root")]
    [InlineData("shop.test", "/api/urgent", "GET", "api")]
    [InlineData("a.shop.test", "/", "GET", "wild")]
    [InlineData("a.eu.shop.test", "/", "GET", "deep")]
    [InlineData("other.test", "/any/thing", "GET", "rest")]
    [InlineData("other.test", "/", "GET", null)]
    public void The_most_specific_route_is_found(string host, string path, string method, string? expected) =>
        Assert.Equal(expected, _index.Match(host, Encoding.ASCII.GetBytes(path), Encoding.ASCII.GetBytes(method))?.Name);

    [Fact]
    public void Matching_allocates_nothing()
    {
        RouteIndex index = Secrets.Compile("services: [{ name: s, addresses: [10.0.0.1] }]\nroutes: [{ name: r, hosts: [\"*.a.test\"], paths: [{ prefix: /api }], backends: [s] }]").Routes;
        byte[] path = "/api/v1/things"u8.ToArray(), method = "GET"u8.ToArray();
        for (int warm = 0; warm < 2; warm++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) Assert.NotNull(index.Match("x.a.test", path, method));
            if (warm == 1) Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }
}
