using System.Globalization;
using System.Text.RegularExpressions;
using MarchProxy.Integration.Support;
using MarchProxy.Integration.Upgrade;

namespace MarchProxy.Integration;

/// <summary>Tickets, staples, ciphers, client names and new certificates, as OpenSSL's own tools see them.</summary>
public sealed class TlsServiceTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly int _responder = NginxServer.FreePort();
    private NginxServer _nginx = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        await OpenSslAsync("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout F/ca.key -out F/ca.pem -days 2 -subj '/CN=test CA'");
        _folder.Write("index.txt", "");
        await IssueAsync("shop", "shop.test", 4096);
        await IssueAsync("fresh", "shop.test", 4097);
        await IssueAsync("revoked", "revoked.test", 4098);
        await IssueAsync("wild", "*.wild.test", 4099);
        await IssueAsync("ledger", "spiffe://prod/ledger", 4100);
        await IssueAsync("other", "spiffe://prod/other", 4101);
    }

    public async Task DisposeAsync()
    {
        await _nginx.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_staple_is_fetched_shown_and_kept_while_the_responder_is_away_and_a_revoked_certificate_has_none()
    {
        string expires = DateTimeOffset.UtcNow.AddDays(2).ToString("yyMMddHHmmss'Z'", CultureInfo.InvariantCulture);
        _folder.Write("index.txt", $"V\t{expires}\t\t1000\tunknown\t/CN=shop\nR\t{expires}\t{DateTimeOffset.UtcNow.AddHours(-1):yyMMddHHmmss}Z\t1002\tunknown\t/CN=revoked\n");
        Child responder = Child.Start("openssl", ["ocsp", "-port", _responder.ToString(CultureInfo.InvariantCulture), "-index", _folder["index.txt"], "-CA", _folder["ca.pem"], "-rkey", _folder["ca.key"], "-rsigner", _folder["ca.pem"], "-nmin", "30"]);
        await using Proxy proxy = await Proxy.StartAsync(Resources("shop", more: "tls: { certificates: [shop, revoked] }", ocsp: "staple"), _folder);
        await Wait.UntilAsync(async () => (await StatusAsync(proxy, "shop.test")).Contains("Cert Status: good", StringComparison.Ordinal), () => proxy.Output + responder.Output);
        await responder.DisposeAsync();
        foreach (string version in new[] { "-tls1_2", "-tls1_3" }) Assert.Contains("OCSP Response Status: successful", await StatusAsync(proxy, "shop.test", version), StringComparison.Ordinal);
        await Wait.UntilAsync(() => proxy.Output.Contains("the CA has revoked it; replace it", StringComparison.Ordinal), () => proxy.Output);
        Assert.Contains("OCSP response: no response sent", await StatusAsync(proxy, "revoked.test"), StringComparison.Ordinal);
        string metrics = (await Curl.RunAsync($"http://{proxy.Admin}/metrics")).Output;
        Assert.Matches(new Regex("marchproxy_ocsp_staple_seconds\\{certificate=\"shop\"\\} 1[0-9]{3}"), metrics);
        Assert.Contains("marchproxy_ocsp_staple_seconds{certificate=\"revoked\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_is_resumed_at_another_listener_and_in_the_next_process()
    {
        await using RunningEdge edge = await RunningEdge.StartAsync(_folder, ["run", "edge", "--file", _folder.Write("resources.yaml", Resources("shop"))]);
        foreach (string version in new[] { "-tls1_2", "-tls1_3" })
        {
            Assert.Contains("New, TLS", await SessionAsync(edge["tls"], version, "-sess_out"), StringComparison.Ordinal);
            Assert.Contains("Reused, TLS", await SessionAsync(edge["second"], version, "-sess_in"), StringComparison.Ordinal);
        }

        Assert.Contains("New, TLS", await SessionAsync(edge["tls"], "-tls1_3", "-sess_out"), StringComparison.Ordinal);
        (int code, string said) = await edge.UpgradeAsync();
        Assert.True(code == 0, said + edge.Output);
        await edge.FollowedAsync();
        Assert.Contains("Reused, TLS", await SessionAsync(edge["tls"], "-tls1_3", "-sess_in"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_is_replaced_while_connections_come_and_stay()
    {
        await using Proxy proxy = await Proxy.StartAsync(Resources("shop"), _folder);
        string port = proxy["tls"].Split(':')[1];
        await using Child download = Child.Start("curl", ["-sS", "-m", "50", "-o", _folder["slow"], "--cacert", _folder["ca.pem"], "--resolve", $"shop.test:{port}:127.0.0.1", $"https://shop.test:{port}/slow"]);
        await using Child wrk = Child.Start("wrk", ["--timeout", "20s", "-t1", "-c8", "-d5", "-H", "Host: shop.test", "-H", "Connection: close", $"https://127.0.0.1:{port}/"]);
        for (int i = 0; i < 6; i++)
        {
            string now = i % 2 == 0 ? "fresh" : "shop", serial = i % 2 == 0 ? "1001" : "1000";
            _folder.Write("resources.yaml", Resources(now));
            await Wait.UntilAsync(async () => (await ClientAsync(proxy["tls"], "shop.test")).Contains("serial=" + serial, StringComparison.Ordinal), () => proxy.Output);
        }

        await wrk.WaitAsync();
        Assert.True(!wrk.Output.Contains("Socket errors", StringComparison.Ordinal), wrk.Output + proxy.Output);
        Assert.Matches(new Regex("[1-9][0-9]* requests in"), wrk.Output);
        Assert.Equal(0, await download.WaitAsync());
        Assert.Equal(NginxServer.Bytes(8 << 20), await File.ReadAllBytesAsync(_folder["slow"]));
        Assert.DoesNotContain("tls-handshake-failed", proxy.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_choose_certificates_whole_labels_only()
    {
        await using Proxy proxy = await Proxy.StartAsync(Resources("shop", more: "tls: { certificates: [shop, wild] }"), _folder);
        foreach ((string name, string serial) in new[] { ("a.wild.test", "1003"), ("A.WILD.test", "1003"), ("a.b.wild.test", "1000"), ("wild.test", "1000"), ("shop.test", "1000"), ("elsewhere.test", "1000") })
        {
            Assert.Contains("serial=" + serial, await ClientAsync(proxy["tls"], name), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ciphers_versions_and_client_names_are_what_the_listener_says()
    {
        await using Proxy proxy = await Proxy.StartAsync(Resources("shop", more: "tls: { certificates: [shop], ciphers: [ECDHE-ECDSA-AES256-GCM-SHA384, TLS_CHACHA20_POLY1305_SHA256] }")
            + "  - { name: latest, port: 0, purpose: ingress, protocol: https, tls: { certificates: [shop], minVersion: \"1.3\" } }\n"
            + "  - { name: named, port: 0, purpose: ingress, protocol: https, tls: { certificates: [shop], clientCa: \"file:ca.pem\", clientNames: [\"spiffe://prod/ledger\"] } }\n", _folder);
        Assert.Contains("Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", await ClientAsync(proxy["tls"], "shop.test", "-tls1_2"), StringComparison.Ordinal);
        Assert.Contains("Cipher is TLS_CHACHA20_POLY1305_SHA256", await ClientAsync(proxy["tls"], "shop.test", "-tls1_3"), StringComparison.Ordinal);
        Assert.Contains("alert handshake failure", await ClientAsync(proxy["tls"], "shop.test", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256"), StringComparison.Ordinal);
        Assert.Contains("alert protocol version", await ClientAsync(proxy["latest"], "shop.test", "-tls1_2"), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await NamedAsync(proxy, "ledger"), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await NamedAsync(proxy, "ledger", "/ledger"), StringComparison.Ordinal);
        Assert.Contains("X-MarchProxy-Reason: client-name", await NamedAsync(proxy, "ledger", "/other"), StringComparison.Ordinal);
        Assert.StartsWith("curl:", await NamedAsync(proxy, "other"), StringComparison.Ordinal);
        Assert.StartsWith("curl:", await NamedAsync(proxy, null), StringComparison.Ordinal);
        await Wait.UntilAsync(() => proxy.Output.Contains("\"reason\":\"client-name\"", StringComparison.Ordinal), () => proxy.Output);
    }

    private async Task<string> NamedAsync(Proxy proxy, string? client, string path = "/")
    {
        string port = proxy["named"].Split(':')[1];
        string[] own = client is null ? [] : ["--cert", _folder[client + ".pem"], "--key", _folder[client + ".key"]];
        return (await Curl.RunAsync(["--http1.1", "--cacert", _folder["ca.pem"], "--resolve", $"shop.test:{port}:127.0.0.1", .. own, $"https://shop.test:{port}{path}"])).Output;
    }

    private string Resources(string certificate, string more = "tls: { certificates: [shop] }", string ocsp = "off") => $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{_nginx.Port}}" }
        certificates:
          - { name: shop, chain: "file:{{certificate}}.pem", key: "file:{{certificate}}.key", ocsp: {{ocsp}} }
          - { name: revoked, chain: "file:revoked.pem", key: "file:revoked.key", ocsp: {{ocsp}} }
          - { name: wild, chain: "file:wild.pem", key: "file:wild.key" }
        routes:
          - { name: all, backends: [origin] }
          - { name: ledger, paths: [{ prefix: /ledger }], clientNames: ["SPIFFE://prod/ledger", x], backends: [origin] }
          - { name: other, paths: [{ prefix: /other }], clientNames: ["spiffe://prod/other"], backends: [origin] }
        listeners:
          - { name: tls, port: 0, purpose: ingress, protocol: https, {{more}} }
          - { name: second, port: 0, purpose: ingress, protocol: https, tls: { certificates: [wild, shop] } }

        """;

    private Task<string> StatusAsync(Proxy proxy, string name, string version = "") => ClientAsync(proxy["tls"], name, "-status " + version);

    private async Task<string> ClientAsync(string address, string name, string flags = "") =>
        (await Child.RunAsync("/bin/sh", ["-c", $"openssl s_client -connect {address} -servername {name} -CAfile {_folder["ca.pem"]} {flags} </dev/null 2>&1 | tee {_folder["said"]}; openssl x509 -noout -serial <{_folder["said"]} 2>&1"])).Output;

    /// <summary>Opens a session and lets the tickets behind the handshake arrive by asking for something.</summary>
    private async Task<string> SessionAsync(string address, string version, string use) => (await Child.RunAsync("/bin/sh",
        ["-c", $"printf 'GET / HTTP/1.1\\r\\nHost: shop.test\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect {address} -servername shop.test {version} -ign_eof {use} {_folder["session"]} 2>&1"])).Output;

    private async Task IssueAsync(string file, string name, int serial)
    {
        string kind = name.StartsWith("spiffe:", StringComparison.Ordinal) ? "URI" : "DNS";
        _folder.Write("ext", $"subjectAltName={kind}:{name}\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:{_responder}\n");
        await OpenSslAsync($"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout F/{file}.key -out F/csr -subj /CN={file}");
        await OpenSslAsync($"x509 -req -in F/csr -CA F/ca.pem -CAkey F/ca.key -set_serial {serial} -days 2 -extfile F/ext -out F/leaf");
        _folder.Write(file + ".pem", await File.ReadAllTextAsync(_folder["leaf"]) + await File.ReadAllTextAsync(_folder["ca.pem"]));
    }

    private async Task OpenSslAsync(string arguments)
    {
        (int code, string said) = await Child.RunAsync("/bin/sh", ["-c", "openssl " + arguments.Replace("F/", _folder.Path + "/", StringComparison.Ordinal)]);
        Assert.True(code == 0, said);
    }
}
