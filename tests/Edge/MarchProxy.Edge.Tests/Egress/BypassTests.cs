using System.Net;
using System.Net.Sockets;
using MarchProxy.Edge.Tests.Server;
using MarchProxy.Net.Dns;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Egress;

/// <summary>Ways around the egress policy by names and addresses, each through the whole proxy with its own resolver. 127.0.0.1 plays the outer world; all other inner addresses are refused.</summary>
public sealed class BypassTests : IAsyncLifetime
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private readonly ScriptedDns _dns = new(static (name, number) => name switch
    {
        "rebind.test" => number == 1 ? ["127.0.0.1"] : ["10.0.0.1"],
        "mixed.test" => ["10.0.0.1", "127.0.0.1", "169.254.169.254"],
        "bad-mixed.test" => ["10.0.0.1", "169.254.169.254"],
        "chain.test" => ["one.elsewhere.test", "two.elsewhere.test", "10.0.0.1"],
        "good-chain.test" => ["one.elsewhere.test", "127.0.0.1"],
        "meta.test" => ["169.254.169.254"],
        "self.test" => ["127.0.0.1"],
        _ => ["127.0.0.1"],
    });
    private readonly ScriptedOrigin _origin = ScriptedOrigin.Always(Ok, close: false);
    private readonly TcpListener _inner = new(IPAddress.Parse("127.0.0.3"), 0);
    private readonly ManualTimeProvider _time = new();
    private EdgeRig _rig = null!;
    private int Inner => ((IPEndPoint)_inner.LocalEndpoint).Port;

    public async Task InitializeAsync()
    {
        _inner.Start();
        _rig = await EdgeRig.StartAsync(
            $$"""
            services:
              - { name: here, addresses: [127.0.0.0/8] }
              - { name: outer, addresses: ["*.test", rebind.test], allowAddresses: [127.0.0.1/32] }
              - { name: wide, addresses: [self.test], allowAddresses: [127.0.0.0/8] }
              - { name: single, addresses: [really-self.test], allowAddresses: [127.0.0.1] }
            mappings:
              - { name: all, sources: [here], destinations: [outer], protocols: [http, tcp, https], ports: "1-65535" }
              - { name: wide, sources: [here], destinations: [wide], protocols: [http, tcp], priority: 50 }
              - { name: single, sources: [here], destinations: [single], protocols: [http, tcp], priority: 50 }
            listeners:
              - { name: forward, port: 0, purpose: forward-proxy }
              - { name: everywhere, port: 0, address: 0.0.0.0, purpose: ingress }
            """,
            null, new DnsResolver(new DnsResolverOptions { Servers = [_dns.Address], UseHostsFile = false, TimeProvider = _time }));
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _origin.Dispose();
        _inner.Dispose();
        _dns.Dispose();
    }

    [Fact]
    public async Task A_name_that_turns_to_an_inner_address_is_refused_when_it_does()
    {
        Assert.StartsWith("HTTP/1.1 200", await GetAsync("rebind.test"), StringComparison.Ordinal);

        // The first answer is kept for a moment, whatever its lifetime says; what is dialled meanwhile is what was checked.
        _time.Advance(TimeSpan.FromMinutes(1));
        Refused(await GetAsync("rebind.test"), "address-refused");
        Refused(await ConnectAsync("rebind.test"), "address-refused");
    }

    [Fact]
    public async Task Of_mixed_answers_only_the_outer_one_is_dialled()
    {
        Assert.StartsWith("HTTP/1.1 200", await GetAsync("mixed.test"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => _rig.Lines.Any(l => l.Contains("\"upstream\":\"127.0.0.1\"", StringComparison.Ordinal)));

        // Nobody listens on that port there: the inner ones are no second choice.
        string answer = await EdgeRig.AskAsync(Forward, "GET http://mixed.test:1/ HTTP/1.1\r\nHost: mixed.test:1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 502", answer, StringComparison.Ordinal);
        Refused(await GetAsync("bad-mixed.test"), "address-refused");
    }

    [Fact]
    public async Task An_alias_is_judged_by_where_it_ends()
    {
        Refused(await GetAsync("chain.test"), "address-refused");
        Refused(await GetAsync("meta.test"), "address-refused");
        Assert.StartsWith("HTTP/1.1 200", await GetAsync("good-chain.test"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.1")]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.0.0.01")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("[::127.0.0.1]")]
    [InlineData("[::1]")]
    [InlineData("[0:0:0:0:0:0:0:1]")]
    [InlineData("[64:ff9b::7f00:1]")]
    [InlineData("[2002:7f00:1::]")]
    [InlineData("[2001:0:7f00:1::]")]
    [InlineData("[fe80::1%25lo]")]
    [InlineData("0.0.0.0")]
    [InlineData("0")]
    [InlineData("169.254.169.254")]
    [InlineData("[::ffff:a9fe:a9fe]")]
    [InlineData("[fd00:ec2::254]")]
    public async Task Addresses_in_every_notation_are_no_way_in(string host)
    {
        foreach (string answer in new[] { await GetAsync(host), await ConnectAsync(host) })
        {
            Assert.True(answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), answer);
        }
    }

    [Theory]
    [InlineData("http://orders.test@127.0.0.3/")]
    [InlineData("http://127.0.0.3#@orders.test/")]
    [InlineData("http://127.0.0.3\\@orders.test/")]
    [InlineData("http://orders.test%00.127.0.0.3/")]
    [InlineData("http://127.0.0.3%2f.test/")]
    public async Task A_url_of_two_readings_is_refused(string url)
    {
        string answer = await EdgeRig.AskAsync(Forward, $"GET {url} HTTP/1.1\r\nHost: orders.test\r\nConnection: close\r\n\r\n");
        Assert.True(answer.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal), answer);
        Assert.False(_inner.Pending());
    }

    [Theory]
    [InlineData("Orders.TEST.")]
    [InlineData("ORDERS.test")]
    public async Task A_trailing_dot_and_capitals_are_the_same_name(string host) => Assert.StartsWith("HTTP/1.1 200", await GetAsync(host), StringComparison.Ordinal);

    [Fact]
    public async Task A_uri_and_a_host_field_that_differ_are_refused()
    {
        foreach ((string uri, string host) in new[] { ("orders.test", "elsewhere.example"), ("elsewhere.example", "orders.test"), ("orders.test:80", "orders.test:81") })
        {
            Assert.StartsWith("HTTP/1.1 400", await EdgeRig.AskAsync(Forward, $"GET http://{uri}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
            Assert.StartsWith("HTTP/1.1 400", await EdgeRig.AskAsync(Forward, $"CONNECT {(uri.Contains(':', StringComparison.Ordinal) ? uri : uri + ":80")} HTTP/1.1\r\nHost: {host}\r\n\r\n"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_proxy_is_no_destination_unless_its_very_address_is_named()
    {
        foreach (string listener in new[] { "forward", "everywhere" })
        {
            int own = IPEndPoint.Parse(_rig.Server.Listeners[listener]).Port;
            string request = $"GET http://self.test:{own}/ HTTP/1.1\r\nHost: self.test:{own}\r\nConnection: close\r\n\r\n";
            Refused(await EdgeRig.AskAsync(Forward, request), "address-refused");
            Assert.DoesNotContain("address-refused", await EdgeRig.AskAsync(Forward, request.Replace("self", "really-self", StringComparison.Ordinal)), StringComparison.Ordinal);
        }

        var admin = new IPEndPoint(IPAddress.Loopback, _origin.Port);
        Assert.StartsWith("HTTP/1.1 200", await GetAsync("self.test"), StringComparison.Ordinal);
        _rig.Server.AddOwn(admin);
        Refused(await GetAsync("self.test"), "address-refused");
    }

    private IPEndPoint Forward => IPEndPoint.Parse(_rig.Server.Listeners["forward"]);

    private Task<string> GetAsync(string host) => EdgeRig.AskAsync(Forward, $"GET http://{host}:{_origin.Port}/ HTTP/1.1\r\nHost: {host}:{_origin.Port}\r\nConnection: close\r\n\r\n");

    private Task<string> ConnectAsync(string host) => EdgeRig.AskAsync(Forward, $"CONNECT {host}:{_origin.Port} HTTP/1.1\r\nHost: {host}:{_origin.Port}\r\nConnection: close\r\n\r\n");

    private static void Refused(string answer, string reason)
    {
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains("X-MarchProxy-Reason: " + reason, answer, StringComparison.Ordinal);
    }
}
