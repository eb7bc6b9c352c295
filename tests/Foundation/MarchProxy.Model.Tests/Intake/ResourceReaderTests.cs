using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Model.Tests.Intake;

public sealed class ResourceReaderTests
{
    [Theory]
    [InlineData("first-steps.yaml")]
    [InlineData("egress.yaml")]
    [InlineData("ingress.yaml")]
    [InlineData("databases.yaml")]
    [InlineData("telemetry.yaml")]
    public void Examples_have_no_fault(string name) => Secrets.Compile(Secrets.Example(name));

    [Fact]
    public void First_steps_mean_what_they_say()
    {
        ResourceSet set = Secrets.Read(Secrets.Example("first-steps.yaml")).Set;
        Mapping mapping = Assert.Single(set.Mappings);
        Assert.Equal(9000, mapping.PortMap[80]);
        Assert.True(mapping.Ports.Contains(443));
        Assert.False(mapping.Ports.Contains(444));
        Assert.Equal(SecretHash.Of("billing-secret"), set.Services[0].Auth.Token);
        Assert.Equal([ListenerPurpose.ForwardProxy, ListenerPurpose.Ingress], set.Listeners.Select(l => l.Purpose));
    }

    [Theory]
    [InlineData("mappings:\n  - name: m\n    sources: [all]\n    destinations: [all]\n    ports: \"80-\"", "test.yaml:5:12: error: mapping/m ports: \"80-\" is not a port or a range; write a port (443)")]
    [InlineData("services:\n  - name: a\n    adresses: [a.test]", "test.yaml:3:5: error: service/a adresses: is not a field of this object; did you mean addresses?")]
    [InlineData("servces: []", "test.yaml:1:1: error: servces: is not a kind of resource; did you mean services?")]
    [InlineData("services:\n  - name: Big_Name", "error: service/Big_Name name: \"Big_Name\" is not a DNS label")]
    [InlineData("services:\n  - name: a\n  - name: a", "another service has this name (test.yaml:2)")]
    [InlineData("services:\n  - name: a\n    addresses: [\"a.*.test\"]", "a '*' stands only for whole leading labels")]
    [InlineData("services:\n  - name: a\n    addresses: [10.0.0.1/8]", "write a network as 10.0.0.0/8")]
    [InlineData("services:\n  - name: a\n    auth: { type: token, token: \"env:NOT_SET\" }", "the environment has no NOT_SET; export NOT_SET=... before this command")]
    [InlineData("services:\n  - name: a\n    auth: { type: token, token: literal-secret }", "warning: service/a auth.token: a secret stands in the file itself")]
    [InlineData("services:\n  - name: a\n    auth: { type: token, token: \"env:BILLING_TOKEN\", secret: \"env:REPORTER_SECRET\" }", "token and jwt exclude each other")]
    [InlineData("services:\n  - { name: web, addresses: [w.test] }\nmappings:\n  - { name: m, sources: [all], destinations: [wb] }", "there is no service \"wb\"; did you mean web?")]
    [InlineData("listeners:\n  - { name: a, port: 80 }\n  - { name: b, port: 80 }", "listener/a listens on 127.0.0.1:80 already")]
    [InlineData("mappings:\n  - { name: m, sources: [all], destinations: [all], priority: 1001 }", "\"1001\" is not a whole number from 1 to 1000")]
    [InlineData("routes:\n  - { name: r, backends: [nobody] }", "there is no service \"nobody\"")]
    [InlineData("routes:\n  - { name: r, backends: [s], compression: { encodings: [deflate] } }", "route/r compression.encodings: \"deflate\" is not offered here; write br, gzip or zstd")]
    [InlineData("routes:\n  - { name: r, backends: [s], compression: { types: [\"text/html; q=1\"] } }", "\"text/html; q=1\" is not a content type")]
    [InlineData("routes:\n  - { name: r, backends: [s], compression: { minBytes: 1q } }", "compression.minBytes: \"1q\" is not a number of bytes from 0 to 1073741824; write 64k, 1m")]
    [InlineData("routes:\n  - { name: r, backends: [s], mirror: { percent: 5 } }", "route/r mirror.service: is missing")]
    [InlineData("services:\n  - { name: shadow, addresses: [1.1.1.1] }\nroutes:\n  - { name: r, backends: [shadow], mirror: { service: shadwo } }", "there is no service \"shadwo\"; did you mean shadow?")]
    [InlineData("services:\n  - { name: s, addresses: [1.1.1.1] }\nroutes:\n  - { name: r, backends: [s], mirror: { service: s } }", "it would see requests twice")]
    [InlineData("routes:\n  - { name: r, backends: [s], affinity: { ttl: 1h } }", "needs a cookie or a header, one of the two")]
    [InlineData("routes:\n  - { name: r, backends: [s], affinity: { cookie: c, sameSite: none, secure: never } }", "browsers drop a cookie with SameSite=None that is not Secure")]
    [InlineData("routes:\n  - { name: r, backends: [s], affinity: { cookie: c } }", "warning: route/r affinity.secret: is missing")]
    [InlineData("routes:\n  - { name: r, backends: [s], retryOn: [gateway-eror] }", "\"gateway-eror\" is nothing to try again after; did you mean gateway-error?")]
    [InlineData("routes:\n  - { name: r, backends: [s], tryTimeout: 5s, timeout: 1s }", "tryTimeout: is longer than timeout")]
    [InlineData("routes:\n  - { name: r, backends: [s], hedge: { } }", "hedge.after: is missing")]
    [InlineData("routes:\n  - { name: r, backends: [s], rewrite: { regex: \"(\", with: x } }", "rewrite.regex: \"(\" is not a regular expression")]
    [InlineData("routes:\n  - { name: r, backends: [s], rewrite: { path: x } }", "\"x\" does not begin with a slash; write /x")]
    [InlineData("routes:\n  - { name: r, backends: [s], waf: { methods: [get] } }", "waf.methods: \"get\" is not a method; write GET")]
    [InlineData("routes:\n  - { name: r, backends: [s], waf: { rules: { path-travesal: off } } }", "waf.rules.path-travesal: is not a field of this object; did you mean path-traversal?")]
    [InlineData("routes:\n  - { name: r, backends: [s], waf: { rules: { body-size: block } } }", "waf.rules.body-size: has no bound to go by; write maxBody")]
    [InlineData("routes:\n  - { name: r, redirect: { host: a }, cache: { } }", "a route that redirects sends nothing on")]
    [InlineData("routes:\n  - { name: r, backends: [s], rateLimit: { requestsPerSecond: 1, key: ip } }", "\"ip\" is no key; write address, route, authorization")]
    [InlineData("services:\n  - { name: s, weights: { a.test: 2 } }", "service/s weights: \"a.test\" is not an IP address")]
    [InlineData("services:\n  - { name: s, addresses: [1.1.1.1], weights: { 1.1.1.2: 2 } }", "1.1.1.2 is not an address of the service")]
    [InlineData("services:\n  - { name: s, slowStart: { minPercent: 5 } }", "slowStart.window: is missing")]
    [InlineData("listeners:\n  - { name: l, accessLog: { format: \"$remote_adr $status\" } }", "accessLog.format: \"$remote_adr\" is not known; did you mean $remote_addr?")]
    [InlineData("listeners:\n  - { name: l, accessLog: { format: jsn } }", "accessLog.format: \"jsn\" is no format; write json, combined, common, or a template")]
    [InlineData("services:\n  - name: a\n    name: b", "the field stands here a second time")]
    [InlineData("services:\n  - name: a\n    auth: { type: jwt, secret: \"env:REPORTER_SECRET\", previousSecret: \"env:BILLING_TOKEN\" }", "auth.previousUntil: is missing")]
    [InlineData("services:\n  - name: a\n    auth: { type: jwt, algorithm: RS256, jwks: /x, previousSecret: \"env:BILLING_TOKEN\", previousUntil: 2099-01-01T00:00:00Z }", "auth.previousSecret: only HS256, HS384 and HS512")]
    [InlineData("listeners:\n  - { name: p, purpose: ingress, protocol: icmp }", "only a transparent listener takes ICMP; write purpose: transparent")]
    [InlineData("listeners:\n  - { name: p, purpose: transparent, protocol: icmp, port: 5 }", "ICMP has no ports; take it out, and write the number of the packet queue as queue")]
    [InlineData("listeners:\n  - { name: p, purpose: transparent, protocol: icmp, queue: 5 }\n  - { name: q, purpose: transparent, protocol: icmp, queue: 5 }", "listener/p has packet queue 5 already")]
    [InlineData("listeners:\n  - { name: p, tls: { certificates: [c], clientNames: [a] } }", "tls.clientNames: nobody has verified the names without a CA")]
    [InlineData("listeners:\n  - { name: p, tls: { certificates: [c], ciphers: [\"HIGH:!MD5\"] } }", "\"HIGH:!MD5\" is not a cipher's name")]
    [InlineData("certificates:\n  - { name: c, ocsp: yes }", "staple")]
    [InlineData("services: [ {", "error: not YAML")]
    [InlineData("databases:\n  - { name: d, engine: oracle }", "database/d engine: \"oracle\" is not known; write postgresql, mysql, redis")]
    [InlineData("databases:\n  - { name: d, engine: mysql, credential: { user: u } }", "database/d servers: is missing")]
    [InlineData("databases:\n  - { name: d, engine: mysql, servers: [{ host: a.test, role: replica }], credential: { user: u } }", "there must be one primary")]
    [InlineData("databases:\n  - { name: d, engine: postgresql, servers: [{ host: a.test }] }", "credential.user: is missing")]
    [InlineData("accounts:\n  - { name: a }", "account/a password: is missing")]
    [InlineData("grants:\n  - { account: a, database: d, actions: [selct] }", "grant/a-d actions: \"selct\" is not an action; did you mean select?")]
    [InlineData("accounts: [{ name: ann, password: x }]\ngrants:\n  - { account: anne, database: d, actions: [select] }", "there is no account \"anne\"; did you mean ann?")]
    [InlineData("databases: [{ name: c, engine: redis, servers: [{ host: a.test }] }]\naccounts: [{ name: a, password: x }]\ngrants: [{ account: a, database: c, actions: [select] }]", "select means nothing to this engine")]
    [InlineData("securityPolicies: [{ name: p, databases: [shp], detection: { default: blok } }]", "\"blok\" is not known; write off, monitor or block")]
    [InlineData("securityPolicies: [{ name: p, databases: [], detection: { tautlogy: block } }]", "\"tautlogy\" is neither a rule nor a category; did you mean tautology?")]
    [InlineData("securityPolicies: [{ name: p, databases: [], allowedFingerprints: [ABC] }]", "\"ABC\" is no fingerprint; write the 16 hexadecimal digits that the refusal names, in lower case")]
    [InlineData("databases: [{ name: d, engine: redis, database: app, servers: [{ host: a.test }] }]", "database/d database: \"app\" is no database of Redis'; write its number, as SELECT takes it")]
    [InlineData("databases: [{ name: d, engine: mysql, redisCluster: true, servers: [{ host: a.test }], credential: { user: u } }]", "database/d redisCluster: is of Redis alone; take it out")]
    [InlineData("databases: [{ name: d, engine: redis, redisCluster: true, servers: [{ host: a.test, role: replica }] }]", "database/d servers: no node is a primary")]
    [InlineData("listeners: [{ name: l, port: 1, purpose: database, engine: redis }]", "listener/l database: is missing: clients of Redis name none")]
    [InlineData("a: &x [1]\nb: *x", "an alias (*name) is not taken")]
    public void Faults_are_named_with_place_and_mend(string yaml, string expected) =>
        Assert.Contains(Secrets.Findings(yaml), f => f.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void All_faults_are_told_at_once()
    {
        string[] findings = Secrets.Findings("services:\n  - name: A\n    ports: x\n    color: red\nroutes:\n  - name: r\n    paths: [{ prefix: api }]\n    backends: [b]");
        Assert.True(findings.Length >= 5, string.Join('\n', findings));
    }

    [Fact]
    public void Json_is_read_and_held_to_its_grammar()
    {
        IntakeResult good = ResourceReader.ReadJson("""{ "services": [ { "name": "a", "ports": "80" } ] }""", "a.json", Secrets.Usual);
        Assert.Empty(good.Diagnostics);
        Assert.Equal("a", Assert.Single(good.Set.Services).Name);
        IntakeResult bad = ResourceReader.ReadJson("{ services: [] }", "a.json", Secrets.Usual);
        Assert.Contains("a.json:1:3: error: not JSON", bad.Diagnostics[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Order_and_places_do_not_change_the_version_and_content_does()
    {
        const string a = "services:\n  - { name: a, addresses: [a.test] }\n  - { name: b, addresses: [b.test] }";
        const string b = "\n\nservices:\n  - { name: b, addresses: [b.test] }\n  - { addresses: [a.test], name: a }";
        Assert.Equal(Secrets.Compile(a).Version, Secrets.Compile(b).Version);
        Assert.NotEqual(Secrets.Compile(a).Version, Secrets.Compile(a.Replace("b.test", "c.test", StringComparison.Ordinal)).Version);
    }

    [Fact]
    public void No_input_throws()
    {
        string[] seeds = [.. new[] { "first-steps.yaml", "egress.yaml", "ingress.yaml", "databases.yaml", "telemetry.yaml" }.Select(Secrets.Example)];
        var random = new Random(20261121);
        const string bits = "{}[]:,-#&*!|>'\"%@` \n\t\r\0\u00e9\ud83d~0x.";
        for (int i = 0; i < 3000; i++)
        {
            var text = new System.Text.StringBuilder(seeds[random.Next(seeds.Length)]);
            for (int edit = random.Next(1, 8); edit > 0; edit--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at)); break;
                    case 1: text.Insert(at, bits[random.Next(bits.Length)]); break;
                    default: text[at] = bits[random.Next(bits.Length)]; break;
                }
            }

            IntakeResult yaml = ResourceReader.ReadYaml(text.ToString(), "f", Secrets.Usual);
            SnapshotCompiler.Compile(yaml.Set);
            ResourceReader.ReadJson(text.ToString(), "f", Secrets.Usual);
        }
    }

    [Fact]
    public void Depth_and_size_are_bounded()
    {
        Assert.Contains("nested deeper", Secrets.Findings("services: " + new string('[', 200) + new string(']', 200))[0], StringComparison.Ordinal);
        Assert.Contains("more than 5 MiB", Secrets.Findings(new string(' ', (5 << 20) + 1))[0], StringComparison.Ordinal);
    }
}
