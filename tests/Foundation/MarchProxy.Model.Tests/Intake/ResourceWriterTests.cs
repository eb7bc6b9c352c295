using System.Text;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Model.Tests.Intake;

/// <summary>What is read, written and read again is the same; secrets are left out on demand.</summary>
public sealed class ResourceWriterTests
{
    private const string Everything = """
        clusters:
          - { name: default, maxProxies: 9, labels: { b: "2", a: "1" } }
        services:
          - { name: one, description: "é \"quoted\"", addresses: [one.test, "*.one.test", 10.0.0.0/8, "::1"], ports: "9000,443,8000-8099", protocol: tcp, collection: group, owners: [ann],
              auth: { type: token, token: first-token, previousToken: older-token, previousUntil: 2026-12-01T10:00:00Z }, resolve: { one.test: [127.0.0.1, "::1"] }, allowAddresses: [127.0.0.0/8] }
          - { name: two, auth: { type: jwt, algorithm: ES256, jwks: "https://keys.test/jwks", issuer: me, audience: you } }
          - { name: three, addresses: [3.3.3.3], protocol: https, tls: { serverName: three.test, ca: "-----BEGIN CERTIFICATE-----\nq\n", certificate: cert, insecureSkipVerify: true },
              circuit: { connections: 11, pending: 12, requests: 13, retries: 14 }, slowStart: { window: 31s, minPercent: 21 }, weights: { 3.3.3.3: 33 }, auth: { type: jwt, secret: shared-secret, previousSecret: secret-before, previousUntil: 2026-12-01T10:00:00Z } }
        mappings:
          - { name: all-fields, sources: [one, "collection:group"], destinations: [three], protocols: [udp, tcp], ports: "53", portMap: { "53": 5353 }, effect: report, priority: 7, auth: none,
              rateLimit: 100, timeout: 1500ms, expiresAt: 2099-01-01T00:00:00Z, justification: because, approval: pending, listen: { address: "::", port: 53, protocol: udp, servicePort: 53 } }
        routes:
          - { name: web, clientNames: ["spiffe://c/d"], hosts: [shop.test, "*.shop.test"], paths: [{ prefix: /a }, { exact: /b }, { regex: "^/c[0-9]+$" }], methods: [GET], backends: [{ service: one, weight: 3 }, three], retries: 0,
              timeout: 5s, stripPrefix: /a, addPrefix: /z, requestHeaders: { set: { X-A: "1" }, add: { X-B: "2" }, remove: [X-C] }, responseHeaders: { remove: [Server] }, priority: 9 }
          - { name: busy, hosts: [busy.test], backends: [one], retryOn: [reset, "503"], tryTimeout: 700ms, timeout: 9s, hedge: { after: 250ms },
              compression: { encodings: [zstd, gzip], types: [text/css], minBytes: 2k, level: 7 },
              cache: { ttl: 61s, staleWhileRevalidate: 62s, staleIfError: 63s, maxObject: 2m, fillWait: 0s },
              mirror: { service: three, percent: 42, maxBody: 3k, timeout: 7s }, rateLimit: { requestsPerSecond: 5, key: "cookie:u", headers: true },
              affinity: { cookie: stick, ttl: 90s, path: /p, httpOnly: false, secure: always, sameSite: none, secret: affinity-secret-of-32-characters },
              waf: { mode: monitor, rules: { path-traversal: block, header-anomaly: off }, methods: [GET, POST], maxUri: 2k, maxQuery: 1k, maxHeaders: 50, maxHeaderBytes: 8k, maxBody: 5m, contentTypes: [application/json] },
              rewrite: { regex: "^/old/(.*)$", with: "/new/$1", host: inner.test } }
        certificates:
          - { name: cert, chain: "-----BEGIN CERTIFICATE-----\nx\n", key: "-----BEGIN PRIVATE KEY-----\ny\n", ocsp: staple }
        listeners:
          - { name: front, address: 0.0.0.0, port: 443, purpose: ingress, protocol: https, maxConnectionsPerAddress: 50, tls: { certificates: [cert], minVersion: "1.3", ciphers: [TLS_AES_128_GCM_SHA256], clientCa: "-----BEGIN CERTIFICATE-----\nz\n", clientNames: ["spiffe://a/b"] } }
          - { name: db, port: 5432, purpose: database, engine: postgresql, database: sales }
          - { name: lines, port: 514, purpose: syslog, source: hosts, protocol: udp, accessLog: { format: combined, sample: 8 } }
          - { name: pings, purpose: transparent, protocol: icmp, queue: 5 }
          - { name: straight, port: 99, purpose: dedicated, service: three, servicePort: 9 }
        databases:
          - { name: sales, engine: postgresql, database: inner, servers: [{ host: db.test, port: 5499, maxConnections: 7 }, { host: 10.0.0.9, role: replica, weight: 50 }], readWriteSplit: true,
              credential: { user: march, password: server-password }, tls: { mode: verify-full, ca: "-----BEGIN CERTIFICATE-----\np\n", serverName: db.test },
              pool: { mode: session, size: 9, warmUpPercent: 0, idleTimeout: 0s, lifetime: 90s, connectTimeout: 2s, queueTimeout: 1s, maxQueue: 5 } }
          - { name: cache, engine: redis, servers: [{ host: 127.0.0.1 }], redisCluster: true }
          - { name: crm, engine: mysql, servers: [{ host: 127.0.0.1 }], credential: { user: march, password: server-password }, localInfile: true }
        accounts:
          - { name: ann, password: ann-password, clientCertificates: [ann.test], requireTls: true, allowFrom: [10.0.0.0/8], rateLimit: 50, quotaPerHour: 1000, expiresAt: 2099-01-01T00:00:00Z, tenant: north,
              keys: [{ name: ci, key: a-key-of-sixteen, expiresAt: 2099-01-01T00:00:00Z, maxUses: 3, uses: 1, database: sales, reason: builds, createdBy: admin, createdAt: 2026-01-01T00:00:00Z }] }
        grants:
          - { account: ann, database: sales, tables: ["orders_*", public.people], actions: [select, admin], until: 2099-01-01T00:00:00Z }
          - { account: ann, database: cache, actions: [read, write, scripting] }
        securityPolicies:
          - { name: strict, databases: [sales], detection: { default: block, time: monitor, ddl: "off" }, blockedObjects: [pg_catalog.pg_authid], allowedFingerprints: [5f0c9a3be1d2476a] }
        """;

    [Fact]
    public void Every_field_survives_the_way_out_and_back()
    {
        ResourceSet set = Read(Everything);
        Assert.Equal(20, set.All.Count());
        foreach (Resource resource in set.All)
        {
            byte[] written = ResourceWriter.ToJson(resource);
            (Resource? again, IReadOnlyList<Diagnostic> diagnostics) = ResourceReader.ReadObject(ResourceKind.Of(resource), written, "again", new Secrets());
            Assert.DoesNotContain(diagnostics, d => d.Severity == Severity.Error);
            Assert.Equal(Encoding.UTF8.GetString(written), Encoding.UTF8.GetString(ResourceWriter.ToJson(again!)));
        }

        // What a reader takes and the writer leaves out would be lost without a sound: every field of the file is looked for in what was written.
        string all = string.Concat(set.All.Select(r => Encoding.UTF8.GetString(ResourceWriter.ToJson(r))));
        foreach (string field in new[]
        {
            "maxProxies", "maxUses", "uses", "reason", "createdBy", "createdAt", "labels", "description", "addresses", "9000,443,8000-8099", "protocol", "collection", "owners", "tokenHash", "previousTokenHash", "previousUntil", "resolve", "allowAddresses",
            "algorithm", "jwks", "issuer", "audience", "secret", "sources", "destinations", "portMap", "effect", "priority", "rateLimit", "1500ms", "expiresAt", "justification", "approval", "listen",
            "servicePort", "hosts", "prefix", "exact", "regex", "methods", "weight", "retries", "5s", "stripPrefix", "addPrefix", "requestHeaders", "responseHeaders", "remove", "chain", "key", "purpose", "serverName", "insecureSkipVerify",
            "certificates", "minVersion", "clientCa", "previousSecret", "maxConnectionsPerAddress", "queue\":5", "ciphers", "clientNames\":[\"spiffe://a/b", "clientNames\":[\"spiffe://c/d", "ocsp", "engine", "database\":\"sales", "source\":\"hosts",
            "database\":\"inner", "maxConnections", "replica", "credential", "verify-full", "ca\":", "session", "size", "warmUpPercent", "idleTimeout", "lifetime", "connectTimeout", "queueTimeout", "maxQueue", "readWriteSplit", "localInfile", "redisCluster",
            "requireTls", "allowFrom", "quotaPerHour", "tenant", "tables", "until", "scripting", "detection", "monitor", "blockedObjects", "allowedFingerprints",
            "retryOn", "tryTimeout\":\"700ms", "after\":\"250ms", "zstd", "text/css", "minBytes\":2048", "level\":7", "ttl\":\"61000ms", "62000ms", "63000ms", "maxObject\":2097152", "fillWait\":\"0ms",
            "mirror\":{\"service\":\"three\",\"percent\":42,\"maxBody\":3072", "headers\":true", "cookie\":\"stick", "ttl\":\"90000ms", "path\":\"/p", "httpOnly\":false", "secure\":\"always", "sameSite\":\"none", "affinity-secret",
            "mode\":\"monitor", "path-traversal\":\"block", "header-anomaly\":\"off", "maxUri\":2048", "maxQuery\":1024", "maxHeaders\":50", "maxHeaderBytes\":8192", "maxBody\":5242880", "contentTypes", "rewrite", "with\":\"/new/$1", "inner.test",
            "connections\":11", "pending\":12", "requests\":13", "retries\":14", "window\":\"31000ms", "minPercent\":21", "3.3.3.3\":33", "accessLog\":{\"format\":\"combined\",\"sample\":8",
        }) Assert.Contains(field, all, StringComparison.Ordinal);
        Assert.DoesNotContain("first-token", all, StringComparison.Ordinal);
    }

    [Fact]
    public void A_redacted_resource_holds_no_secret()
    {
        string all = string.Concat(Read(Everything).All.Select(r => Encoding.UTF8.GetString(ResourceWriter.ToJson(r, redact: true))));
        foreach (string secret in new[] { "sha256:", "shared-secret", "secret-before", "PRIVATE KEY", "server-password", "ann-password", "SCRAM", "affinity-secret" }) Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_knows_the_content_and_not_its_order_or_place()
    {
        ResourceSet set = Read(Everything);
        string version = Compile(set);
        Assert.Equal(version, Compile(set with { Services = [.. set.Services.Reverse()] }));
        Assert.Equal(version, Compile(Read("# moved\n" + Everything)));
        Assert.NotEqual(version, Compile(Read(Everything.Replace("weight: 3", "weight: 4", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("{\n \"name\": \"x\",\n \"port\": 1 }", 3, 2, "did you mean ports?")]
    [InlineData("{\"name\":\"x\",\"name\":\"y\"}", 1, 13, "stands here a second time")]
    [InlineData("[]", 1, 1, "is not an object")]
    [InlineData("{\"name\":", 1, 9, "not JSON")]
    [InlineData("{} {}", 1, 4, "not JSON")]
    public void Faults_of_an_object_have_their_place(string json, int line, int column, string told)
    {
        (_, IReadOnlyList<Diagnostic> diagnostics) = ResourceReader.ReadObject(ResourceKind.Find("services")!, Encoding.UTF8.GetBytes(json), "body", new Secrets());
        Assert.Contains(diagnostics, d => d.ToString().Contains(told, StringComparison.Ordinal) && d.Position.Line == line && d.Position.Column == column);
    }

    [Fact]
    public void Garbage_is_never_an_exception()
    {
        var random = new Random(3);
        byte[] good = Encoding.UTF8.GetBytes("""{"name":"x","addresses":["a.test",1,null,true],"auth":{"type":"token","token":"abcd"},"resolve":{"a":["::1"]},"labels":{"k":"\u00e9\ud800"}}""");
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int k = random.Next(1, 4); k > 0; k--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            int length = random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length;
            foreach (ResourceKind kind in ResourceKind.All) ResourceReader.ReadObject(kind, bytes.AsSpan(0, length), "fuzz", new Secrets());
        }
    }

    private static ResourceSet Read(string yaml)
    {
        IntakeResult read = ResourceReader.ReadYaml(yaml, "all.yaml", new Secrets());
        Assert.False(read.HasErrors, string.Join('\n', read.Diagnostics));
        return read.Set;
    }

    private static string Compile(ResourceSet set)
    {
        CompileResult result = SnapshotCompiler.Compile(set);
        Assert.True(result.Snapshot is not null, string.Join('\n', result.Diagnostics));
        return result.Snapshot.Version;
    }
}
