using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>Who a client proves to be and how it is told no, with real clients: curl in its proxy modes, OpenSSL's s_client, ncat.</summary>
public sealed class EgressIdentityTests : IAsyncLifetime
{
    private const string JwtSecret = "the shared secret of reports, which is long enough";
    private readonly TempFolder _folder = new();
    private readonly RSA _rsa = RSA.Create(2048);
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        RSAParameters key = _rsa.ExportParameters(false);
        string jwks = _folder.Write("jwks.json", $$"""{"keys":[{"kty":"RSA","kid":"k1","use":"sig","n":"{{Url(key.Modulus!)}}","e":"{{Url(key.Exponent!)}}"}]}""");
        WriteCa();
        _proxy = await Proxy.StartAsync($$"""
            services:
              - { name: billing, auth: { type: token, token: {{Proxy.Token}} } }
              - { name: reports, auth: { type: jwt, algorithm: HS256, secret: "{{JwtSecret}}", issuer: idp, audience: egress } }
              - { name: batch, auth: { type: jwt, algorithm: RS256, jwks: {{jwks}} } }
              - { name: ledger, auth: { type: mtls, names: ["spiffe://prod/ledger"] } }
              - { name: slow, auth: { type: token, token: slow-token }, limits: { requestsPerSecond: 2 } }
              - { name: narrow, auth: { type: token, token: narrow-token }, limits: { tunnels: 1 } }
              - { name: orders, addresses: [orders.test], resolve: { orders.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
              - { name: tls-only, addresses: [secure.test, "*.secure.test"], resolve: { secure.test: [127.0.0.1], "*.secure.test": [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
            mappings:
              - { name: to-orders, sources: [billing, reports, batch, ledger, slow, narrow], destinations: [orders], portMap: { "80": {{_nginx.Port}}, "443": {{_nginx.TlsPort}} } }
              - { name: to-tls, sources: [billing], destinations: [tls-only], protocols: [https], portMap: { "443": {{_nginx.TlsPort}}, "80": {{_nginx.Port}} } }
            certificates:
              - { name: proxy, chain: "file:{{_folder["proxy.pem"]}}", key: "file:{{_folder["proxy.key"]}}" }
            listeners:
              - { name: forward, port: 0, purpose: forward-proxy }
              - { name: behind, port: 0, purpose: forward-proxy, proxyProtocol: true }
              - { name: secure, port: 0, purpose: forward-proxy, tls: { certificates: [proxy], clientCa: "file:{{_folder["ca.pem"]}}" } }
            """);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
        _rsa.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("socks5h://billing:" + Proxy.Token + "@", "http://orders.test/", "HTTP/1.1 200")]
    [InlineData("socks5h://billing:" + Proxy.Token + "@", "https://orders.test/", "HTTP/1.1 200")]
    [InlineData("socks5h://billing:wrong@", "http://orders.test/", "curl: (97)")]
    [InlineData("socks5h://billing:" + Proxy.Token + "@", "http://elsewhere.test/", "curl: (97) Can't complete SOCKS5 connection to elsewhere.test. (2)")]
    [InlineData("socks5://billing:" + Proxy.Token + "@", "http://127.0.0.1/", "curl: (97) Can't complete SOCKS5 connection to 127.0.0.1. (2)")]
    [InlineData("socks5h://", "http://orders.test/", "curl: (97)")]
    [InlineData("http://billing:" + Proxy.Token + "@", "http://orders.test/", "HTTP/1.1 200")]
    [InlineData("http://billing:" + Proxy.Token + "@", "https://orders.test/", "HTTP/1.1 200")]
    [InlineData("http://billing:" + Proxy.Token + "@", "https://secure.test/", "HTTP/1.1 200")]
    public async Task Curl_in_its_proxy_modes(string scheme, string url, string told)
    {
        string output = await CurlAsync("-k", "-x", scheme + _proxy["forward"], url);
        Assert.True(output.Contains(told, StringComparison.Ordinal), output + _proxy.Output);
    }

    [Fact]
    public async Task A_jwt_proves_a_service_by_bearer_and_as_the_password()
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string good = Hmac(new { sub = "reports", iss = "idp", aud = "egress", exp = now + 60 });
        Assert.Contains("HTTP/1.1 200", await BearerAsync(good), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await CurlAsync("-x", $"http://reports:{good}@{_proxy["forward"]}", "http://orders.test/"), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await BearerAsync(Rsa(new { sub = "batch", exp = now + 60 }, "k1")), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await BearerAsync(Proxy.Token), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await BearerAsync(Hmac(new { sub = "reports", iss = "idp", aud = new[] { "x", "egress" }, exp = now - 30 })), StringComparison.Ordinal);
        foreach (string bad in new[]
        {
            Hmac(new { sub = "reports", iss = "idp", aud = "egress", exp = now - 90 }), Hmac(new { sub = "reports", iss = "idp", aud = "egress" }), Hmac(new { sub = "reports", iss = "other", aud = "egress", exp = now + 60 }),
            Hmac(new { sub = "reports", iss = "idp", aud = "other", exp = now + 60 }), Hmac(new { sub = "billing", iss = "idp", aud = "egress", exp = now + 60 }), Hmac(new { sub = "batch", exp = now + 60 }),
            Rsa(new { sub = "batch", exp = now + 60 }, "unknown"), good[..^2] + "AA", "eyJhbGciOiJub25lIn0." + good.Split('.')[1] + ".", "x",
        })
        {
            Assert.Contains("HTTP/1.1 407", await BearerAsync(bad), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_client_certificate_proves_a_service()
    {
        string[] proxy = ["--proxy-cacert", _folder["ca.pem"], "-x", $"https://{_proxy["secure"]}", "--proxy-insecure"];
        Assert.Contains("HTTP/1.1 200", await CurlAsync([.. proxy, "--proxy-cert", _folder["ledger.pem"], "--proxy-key", _folder["ledger.key"], "http://orders.test/"]), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 407", await CurlAsync([.. proxy, "--proxy-cert", _folder["other.pem"], "--proxy-key", _folder["other.key"], "http://orders.test/"]), StringComparison.Ordinal);
        Assert.Contains("curl: (", await CurlAsync([.. proxy, "http://orders.test/"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("orders.test:443", "orders.test", true)]
    [InlineData("orders.test:443", "evil.test", false)]
    [InlineData("orders.test:443", "", true)]
    [InlineData("secure.test:443", "secure.test", true)]
    [InlineData("a.secure.test:443", "A.Secure.test", true)]
    [InlineData("a.secure.test:443", "b.secure.test", false)]
    [InlineData("secure.test:443", "evil.test", false)]
    [InlineData("secure.test:443", "", false)]
    public async Task A_tunnel_carries_tls_for_the_host_that_was_asked_for(string host, string name, bool passes)
    {
        string[] servername = name.Length > 0 ? ["-servername", name] : ["-noservername"];
        (_, string output) = await Child.RunAsync(
            "timeout", ["10", "openssl", "s_client", "-proxy", _proxy["forward"], "-proxy_user", "billing", "-proxy_pass", "pass:" + Proxy.Token, "-connect", host, .. servername]);
        Assert.True(output.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal) == passes, output + _proxy.Output);
        if (!passes) await Wait.UntilAsync(() => _proxy.Output.Contains("sni-mismatch", StringComparison.Ordinal), () => _proxy.Output);
    }

    [Fact]
    public async Task A_tunnel_for_tls_alone_carries_nothing_else()
    {
        string output = (await Child.RunAsync("/bin/sh", ["-c", $"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 10 ncat --proxy {_proxy["forward"]} --proxy-type http --proxy-auth billing:{Proxy.Token} secure.test 80"])).Output;
        Assert.DoesNotContain("HTTP/1.1 200", output, StringComparison.Ordinal);
        await Wait.UntilAsync(() => _proxy.Output.Contains("not-tls", StringComparison.Ordinal), () => _proxy.Output);
    }

    [Fact]
    public async Task Limits_of_a_service_are_kept_and_told()
    {
        string all = "";
        for (int i = 0; i < 6; i++) all += await CurlAsync("-x", $"http://slow:slow-token@{_proxy["forward"]}", "http://orders.test/");
        Assert.Contains("HTTP/1.1 200", all, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 429", all, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 1", all, StringComparison.OrdinalIgnoreCase);
        await using Child first = Child.Start("/bin/sh", ["-c", $"sleep 20 | ncat --proxy {_proxy["forward"]} --proxy-type http --proxy-auth narrow:narrow-token orders.test 80"]);
        await Wait.UntilAsync(async () => (await CurlAsync($"http://{_proxy.Admin}/metrics")).Contains("marchproxy_egress_open_tunnels{source=\"narrow\"} 1", StringComparison.Ordinal), () => first.Output + _proxy.Output);
        Assert.Contains("429", await CurlAsync("-p", "-x", $"http://narrow:narrow-token@{_proxy["forward"]}", "http://orders.test/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Guessing_is_slowed_for_the_address()
    {
        string last = "";
        for (int i = 0; i < 40 && !last.Contains("429", StringComparison.Ordinal); i++) last = await CurlAsync("--haproxy-protocol", "-x", $"http://billing:wrong@{_proxy["behind"]}", "http://orders.test/");
        Assert.Contains("too-many-failures", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tunnel_that_the_policy_no_longer_allows_ends_and_others_go_on()
    {
        await using Child tunnel = Child.Start("/bin/sh", ["-c", $"sleep 30 | ncat --proxy {_proxy["forward"]} --proxy-type http --proxy-auth billing:{Proxy.Token} orders.test 80; echo ended"]);
        await Wait.UntilAsync(async () => (await CurlAsync($"http://{_proxy.Admin}/metrics")).Contains("marchproxy_egress_open_tunnels{source=\"billing\"} 1", StringComparison.Ordinal), () => _proxy.Output);
        string text = await File.ReadAllTextAsync(_proxy.File);
        await File.WriteAllTextAsync(_proxy.File, text.Replace("name: to-tls, sources: [billing]", "name: to-tls, sources: [reports]", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await CurlAsync("-k", "-x", $"http://billing:{Proxy.Token}@{_proxy["forward"]}", "https://secure.test/")).Contains("403", StringComparison.Ordinal), () => _proxy.Output);
        Assert.Contains("open_tunnels{source=\"billing\"} 1", await CurlAsync($"http://{_proxy.Admin}/metrics"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(_proxy.File, text.Replace("sources: [billing, reports", "sources: [reports", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await CurlAsync($"http://{_proxy.Admin}/metrics")).Contains("marchproxy_egress_open_tunnels{source=\"billing\"} 0", StringComparison.Ordinal), () => _proxy.Output);
    }

    private Task<string> BearerAsync(string token) => CurlAsync("-x", "http://" + _proxy["forward"], "--proxy-header", "Proxy-Authorization: Bearer " + token, "http://orders.test/");

    private static async Task<string> CurlAsync(params string[] arguments) => (await Curl.RunAsync(["-m", "10", .. arguments])).Output;

    private static string Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static string Hmac(object claims)
    {
        string body = Url("{\"alg\":\"HS256\"}"u8.ToArray()) + "." + Url(JsonSerializer.SerializeToUtf8Bytes(claims));
        return body + "." + Url(HMACSHA256.HashData(Encoding.UTF8.GetBytes(JwtSecret), Encoding.ASCII.GetBytes(body)));
    }

    private string Rsa(object claims, string keyId)
    {
        string body = Url(Encoding.ASCII.GetBytes($$"""{"alg":"RS256","kid":"{{keyId}}"}""")) + "." + Url(JsonSerializer.SerializeToUtf8Bytes(claims));
        return body + "." + Url(_rsa.SignData(Encoding.ASCII.GetBytes(body), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private void WriteCa()
    {
        using ECDsa caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test CA", caKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 ca = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(2));
        _folder.Write("ca.pem", ca.ExportCertificatePem());
        foreach ((string file, Action<SubjectAlternativeNameBuilder> name) in new (string, Action<SubjectAlternativeNameBuilder>)[]
        {
            ("proxy", n => n.AddDnsName("proxy.test")), ("ledger", n => n.AddUri(new Uri("spiffe://prod/ledger"))), ("other", n => n.AddUri(new Uri("spiffe://prod/other"))),
        })
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var leaf = new CertificateRequest("CN=" + file, key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            name(names);
            leaf.CertificateExtensions.Add(names.Build());
            using X509Certificate2 certificate = leaf.Create(ca, DateTimeOffset.Now.AddHours(-1), DateTimeOffset.Now.AddDays(1), RandomNumberGenerator.GetBytes(8));
            _folder.Write(file + ".pem", certificate.ExportCertificatePem());
            _folder.Write(file + ".key", key.ExportPkcs8PrivateKeyPem());
        }
    }
}
