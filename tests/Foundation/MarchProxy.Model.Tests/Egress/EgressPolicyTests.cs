using System.Collections.Immutable;
using System.Net;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Egress;

public sealed class EgressPolicyTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    private const string Yaml = """
        services:
          - { name: app, collection: front, auth: { type: token, token: "env:BILLING_TOKEN", previousToken: "env:REPORTER_SECRET", previousUntil: 2026-12-01T00:00:00Z } }
          - { name: office, addresses: [10.0.0.0/8] }
          - { name: api, addresses: [api.test, "*.api.test"] }
          - { name: meta, addresses: [169.254.169.254] }
        mappings:
          - { name: allow-api, sources: ["collection:front"], destinations: [api], protocols: [https], ports: "443,8000-8010" }
          - { name: deny-admin, sources: [all], destinations: [api], protocols: [https], ports: "8005", effect: deny, priority: 100 }
          - { name: office-report, sources: [office], destinations: [api], protocols: [http], ports: "80", effect: report }
          - { name: no-meta, sources: [all], destinations: [meta], protocols: [tcp, https], ports: "1-65535", effect: deny, priority: 1 }
          - { name: ended, sources: [app], destinations: [api], protocols: [http], ports: "81", expiresAt: 2026-01-01T00:00:00Z }
          - { name: waiting, sources: [app], destinations: [api], protocols: [http], ports: "82", approval: pending }
        """;

    private readonly EgressPolicy _policy = Secrets.Compile(Yaml).Egress;

    [Theory]
    [InlineData("api.test", 443, EgressProtocols.Https, DenyReason.None, "allow-api")]
    [InlineData("eu.api.test", 443, EgressProtocols.Https, DenyReason.None, "allow-api")]
    [InlineData("a.b.api.test", 8010, EgressProtocols.Https | EgressProtocols.Tcp, DenyReason.None, "allow-api")]
    [InlineData("eviapi.test", 443, EgressProtocols.Https, DenyReason.NoMapping, null)]
    [InlineData("api.test", 8005, EgressProtocols.Https, DenyReason.ExplicitDeny, "deny-admin")]
    [InlineData("api.test", 22, EgressProtocols.Https, DenyReason.ProtocolOrPort, "ended")]
    [InlineData("api.test", 443, EgressProtocols.Tcp, DenyReason.ProtocolOrPort, "ended")]
    [InlineData("api.test", 81, EgressProtocols.Http, DenyReason.Expired, "ended")]
    [InlineData("api.test", 82, EgressProtocols.Http, DenyReason.NotApproved, "waiting")]
    public void The_token_holder_is_judged_by_its_mappings(string host, int port, EgressProtocols protocols, DenyReason reason, string? mapping)
    {
        ServiceIdentity app = _policy.FindByToken("app", "billing-secret", s_now)!.Value;
        EgressDecision decision = _policy.Decide(new EgressRequest { Authenticated = app, Host = host, Port = port, Protocols = protocols, Now = s_now });
        Assert.Equal(reason, decision.Reason);
        Assert.Equal(mapping, decision.Mapping?.Name);
        Assert.Equal(reason == DenyReason.None, decision.Passes);
    }

    [Fact]
    public void Without_proof_there_is_nothing_and_a_deny_holds_for_all()
    {
        EgressDecision nothing = _policy.Decide(new EgressRequest { Host = "api.test", Port = 443, Protocols = EgressProtocols.Https, Now = s_now });
        Assert.Equal(DenyReason.ProtocolOrPort, nothing.Reason);
        EgressDecision denied = _policy.Decide(new EgressRequest { Address = IPAddress.Parse("169.254.169.254"), Port = 80, Protocols = EgressProtocols.Tcp, Now = s_now });
        Assert.Equal("no-meta", denied.Mapping?.Name);
        Assert.Equal(DenyReason.ExplicitDeny, denied.Reason);
    }

    [Fact]
    public void An_address_makes_a_source_and_report_lets_through()
    {
        ImmutableArray<Service> office = _policy.FindByAddress(IPAddress.Parse("10.9.8.7"));
        EgressDecision decision = _policy.Decide(new EgressRequest { ByAddress = office, Host = "api.test", Port = 80, Protocols = EgressProtocols.Http, Now = s_now });
        Assert.Equal(MappingEffect.Report, decision.Effect);
        Assert.True(decision.Passes);
        Assert.Empty(_policy.FindByAddress(IPAddress.Parse("11.0.0.1")));
    }

    [Fact]
    public void A_rotated_token_holds_until_its_overlap_ends()
    {
        Assert.NotNull(_policy.FindByToken("app", "billing-secret", s_now));
        Assert.NotNull(_policy.FindByToken("app", "reporter-secret", s_now));
        Assert.Null(_policy.FindByToken("app", "reporter-secret", s_now.AddDays(30)));
        Assert.Null(_policy.FindByToken("app", "billing-secreu", s_now));
        Assert.Null(_policy.FindByToken("app", "", s_now));
        Assert.Null(_policy.FindByToken("office", "", s_now));
        Assert.Null(_policy.FindByToken("nobody", "billing-secret", s_now));
    }

    [Fact]
    public void A_name_that_leads_to_a_denied_or_inner_address_is_refused()
    {
        ServiceIdentity app = _policy.FindByToken("app", "billing-secret", s_now)!.Value;
        var request = new EgressRequest { Authenticated = app, Host = "api.test", Port = 443, Protocols = EgressProtocols.Https | EgressProtocols.Tcp, Now = s_now };
        EgressDecision byName = _policy.Decide(request);
        Assert.True(_policy.DecideAddress(request, IPAddress.Parse("93.184.216.34"), byName).Passes);
        Assert.Equal("no-meta", _policy.DecideAddress(request, IPAddress.Parse("169.254.169.254"), byName).Mapping?.Name);
        Assert.Equal(DenyReason.AddressRefused, _policy.DecideAddress(request, IPAddress.Parse("127.0.0.1"), byName).Reason);
        Assert.Equal(DenyReason.AddressRefused, _policy.DecideAddress(request, IPAddress.Parse("::ffff:10.0.0.1"), byName).Reason);
    }

    [Fact]
    public void A_decision_allocates_nothing()
    {
        ServiceIdentity app = _policy.FindByToken("app", "billing-secret", s_now)!.Value;
        for (int warm = 0; warm < 2; warm++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                _policy.FindByToken("app", "billing-secret", s_now);
                _policy.Decide(new EgressRequest { Authenticated = app, Host = "eu.api.test", Port = 443, Protocols = EgressProtocols.Https, Now = s_now });
            }

            if (warm == 1) Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    /// <summary>The index agrees with reading all mappings one by one, on random policies and requests.</summary>
    [Fact]
    public void The_index_decides_as_a_plain_reading_does()
    {
        var random = new Random(7);
        string[] hosts = ["a.test", "b.test", "x.a.test", "y.x.a.test", "c.test"];
        for (int round = 0; round < 150; round++)
        {
            Service[] services = [.. Enumerable.Range(0, 6).Select(i => RandomService(random, i, hosts))];
            Mapping[] mappings = [.. Enumerable.Range(0, random.Next(1, 25)).Select(i => RandomMapping(random, i))];
            var policy = new EgressPolicy([.. services], [.. mappings]);
            for (int ask = 0; ask < 40; ask++)
            {
                Service source = services[random.Next(services.Length)];
                var identity = new ServiceIdentity(source, AuthType.Token);
                string host = hosts[random.Next(hosts.Length)];
                int port = random.Next(1, 12);
                EgressProtocols protocols = random.Next(2) == 0 ? EgressProtocols.Http : EgressProtocols.Https | EgressProtocols.Tcp;
                EgressDecision decision = policy.Decide(new EgressRequest { Authenticated = identity, Host = host, Port = port, Protocols = protocols, Now = s_now });
                Mapping? expected = Plain(services, mappings, source, host, port, protocols);
                Assert.Equal(expected?.Name, decision.Reason is DenyReason.None or DenyReason.ExplicitDeny ? decision.Mapping?.Name : null);
                Assert.Equal(expected is not null && expected.Effect != MappingEffect.Deny, decision.Passes);
            }
        }
    }

    private static Mapping? Plain(Service[] services, Mapping[] mappings, Service source, string host, int port, EgressProtocols protocols) => mappings
        .Where(m => m.Sources.Any(s => Names(s, source)))
        .Where(m => services.Any(d => m.Destinations.Any(n => Names(n, d)) && d.Addresses.Any(a => a == host || (a.StartsWith("*.", StringComparison.Ordinal) && host.EndsWith(a[1..], StringComparison.Ordinal)))))
        .Where(m => (m.Protocols & protocols) != 0 && m.Ports.Contains(port) && !(m.ExpiresAt <= s_now) && m.Approval == Approval.Approved)
        .OrderBy(m => m.Priority).ThenBy(m => m.Effect == MappingEffect.Deny ? 0 : 1).ThenBy(m => m.Name, StringComparer.Ordinal)
        .FirstOrDefault();

    private static bool Names(string party, Service service) => party == "all" || party == service.Name || party == "collection:" + service.Collection;

    private static Service RandomService(Random random, int number, string[] hosts) => new()
    {
        Name = "s" + number,
        Collection = "c" + random.Next(3),
        Auth = new ServiceAuth { Type = AuthType.Token, Token = SecretHash.Of("token" + number) },
        Addresses = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => random.Next(3) == 0 ? "*.a.test" : hosts[random.Next(hosts.Length)])],
    };

    private static Mapping RandomMapping(Random random, int number)
    {
        string Party() => random.Next(5) switch { 0 => "all", 1 => "collection:c" + random.Next(3), _ => "s" + random.Next(6) };
        int first = random.Next(1, 10);
        Assert.True(PortSet.TryParse($"{first}-{first + random.Next(3)},{random.Next(1, 12)}", out PortSet ports, out _));
        return new Mapping
        {
            Name = "m" + number.ToString("00"),
            Sources = [Party()],
            Destinations = [Party(), Party()],
            Ports = ports,
            Protocols = (EgressProtocols)random.Next(1, 32),
            Priority = random.Next(1, 4),
            Effect = (MappingEffect)random.Next(3),
            ExpiresAt = random.Next(6) == 0 ? s_now.AddSeconds(-1) : null,
            Approval = random.Next(8) == 0 ? Approval.Pending : Approval.Approved,
        };
    }
}
