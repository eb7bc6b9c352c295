using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>HTTP/2 from real clients: curl, h2load, and gRPC's own implementation on both ends.</summary>
public sealed class Http2Tests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly int _grpc = NginxServer.FreePort(), _socket = NginxServer.FreePort();
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        TestCertificate.Write(_folder, "a", "a.test");
        TestCertificate.Write(_folder, "b", "b.test");
        _proxy = await Proxy.StartAsync($$"""
            services:
              - { name: web, addresses: [127.0.0.1], ports: "{{_nginx.Port}}" }
              - { name: secure, addresses: [127.0.0.1], ports: "{{_nginx.TlsPort}}", protocol: https, tls: { insecureSkipVerify: true } }
              - { name: second, addresses: [127.0.0.1], ports: "{{_nginx.Http2Port}}", protocol: https, tls: { insecureSkipVerify: true } }
              - { name: first, addresses: [127.0.0.1], ports: "{{_nginx.Http2Port}}", protocol: https, tls: { insecureSkipVerify: true, alpn: [http/1.1] } }
              - { name: socket, addresses: [127.0.0.1], ports: "{{_socket}}" }
              - { name: dead, addresses: [127.0.0.1], ports: "1" }
              - { name: echo, addresses: [127.0.0.1], ports: "{{_grpc}}", protocol: h2c, health: { type: grpc, path: "", interval: 200ms } }
            routes:
              - { name: web, hosts: [a.test], backends: [web], responseHeaders: { set: { X-Added: "1" }, remove: [Server] } }
              - { name: secure, hosts: [a.test], paths: [/secure], stripPrefix: /secure, backends: [secure] }
              - { name: second, hosts: [a.test], paths: [/second], stripPrefix: /second, backends: [second] }
              - { name: first, hosts: [a.test], paths: [/first], stripPrefix: /first, backends: [first] }
              - { name: socket, hosts: [a.test], paths: [/socket], backends: [socket] }
              - { name: dead, hosts: [a.test], paths: [/dead], backends: [dead] }
              - { name: limited, hosts: [a.test], paths: [/limited], rateLimit: { requestsPerSecond: 1 }, backends: [web] }
              - { name: old, hosts: [old.test], redirect: { host: new.test } }
              - { name: grpc, hosts: [localhost, 127.0.0.1], backends: [echo] }
            certificates:
              - { name: a, chain: "file:{{_folder["a.pem"]}}", key: "file:{{_folder["a.key"]}}" }
              - { name: b, chain: "file:{{_folder["b.pem"]}}", key: "file:{{_folder["b.key"]}}" }
            listeners:
              - { name: tls, port: 0, purpose: ingress, protocol: https, tls: { certificates: [a, b] } }
              - { name: plain, port: 0, purpose: ingress }
            """);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Curl_is_served_as_over_http1()
    {
        string answer = await GetAsync("a.test", "/x?y=1");
        Assert.StartsWith("HTTP/2 200", answer, StringComparison.Ordinal);
        Assert.Contains("host=a.test path=/x?y=1 via=2.0 marchproxy xff=127.0.0.1 proto=https", answer, StringComparison.Ordinal);
        Assert.Contains("x-added: 1", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("server:", answer, StringComparison.Ordinal);
        Assert.Contains("path=/inner ", await GetAsync("a.test", "/secure/inner"), StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", await GetAsync("a.test", "/", "--http1.1"), StringComparison.Ordinal);
        Assert.Contains("length=5", await GetAsync("a.test", "/", "-d", "hello"), StringComparison.Ordinal);
        answer = await GetAsync("none.test", "/");
        Assert.StartsWith("HTTP/2 404", answer, StringComparison.Ordinal);
        Assert.Contains("x-marchproxy-reason: no-route", answer, StringComparison.Ordinal);
        answer = await GetAsync("a.test", "/dead");
        Assert.StartsWith("HTTP/2 502", answer, StringComparison.Ordinal);
        Assert.Contains("upstream-refused", answer, StringComparison.Ordinal);
        answer = await GetAsync("old.test", "/p?q");
        Assert.StartsWith("HTTP/2 308", answer, StringComparison.Ordinal);
        Assert.Contains("location: https://new.test/p?q", answer, StringComparison.Ordinal);
        string limited = await GetAsync("a.test", "/limited") + await GetAsync("a.test", "/limited");
        Assert.Contains("HTTP/2 429", limited, StringComparison.Ordinal);

        // A connection that was made for one certificate does not serve another's host.
        Assert.StartsWith("HTTP/2 421", await GetAsync("b.test", "/", "-H", "Host: a.test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_answers_and_uploads_come_whole()
    {
        string file = _folder["got"], big = _folder["big"];
        await File.WriteAllBytesAsync(big, NginxServer.Bytes(8 << 20));
        await GetAsync("a.test", "/big", "-o", file);

        // The file begins with the head.
        byte[] got = await File.ReadAllBytesAsync(file);
        Assert.True(got.AsSpan().StartsWith("HTTP/2 200"u8));
        Assert.Equal(await File.ReadAllBytesAsync(big), got[^(8 << 20)..]);
        Assert.Contains($"length={8 << 20}", await GetAsync("a.test", "/upload", "--data-binary", "@" + big), StringComparison.Ordinal);
    }

    [Fact]
    public async Task H2load_sees_no_error()
    {
        (_, string output) = await Child.RunAsync("h2load", ["-n", "3000", "-c", "8", "-m", "16", "-H", ":authority: a.test", $"http://{_proxy["plain"]}/"]);
        Assert.True(output.Contains("3000 succeeded, 0 failed, 0 errored", StringComparison.Ordinal), output + _proxy.Output);
    }

    [Fact]
    public async Task Grpc_calls_of_every_kind_pass_with_status_and_trailers()
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Grpc", "echo.py");
        await using Child server = Child.Start("/usr/bin/python3", [script, "serve", _grpc.ToString(CultureInfo.InvariantCulture)]);
        await Wait.UntilAsync(() => server.Output.Contains("serving", StringComparison.Ordinal), () => server.Output);
        string metric = $"marchproxy_upstream_up{{upstream=\"echo 127.0.0.1:{_grpc.ToString(CultureInfo.InvariantCulture)}\"}} 1";
        await Wait.UntilAsync(async () => (await Curl.RunAsync($"http://{_proxy.Admin}/metrics")).Output.Contains(metric, StringComparison.Ordinal), () => _proxy.Output);
        (int code, string output) = await Child.RunAsync("/usr/bin/python3", [script, "call", _proxy["plain"]]);
        Assert.True(code == 0 && output.Contains("all kinds pass", StringComparison.Ordinal), output + server.Output + _proxy.Output);
    }

    [Theory]
    [InlineData("--http2")]
    [InlineData("--http1.1")]
    public async Task A_real_service_of_http2_is_reached_by_clients_of_both_kinds(string version)
    {
        string answer = await GetAsync("a.test", "/second/x", version);
        Assert.Contains("path=/x ", answer, StringComparison.Ordinal);
        Assert.Contains("protocol=HTTP/2.0", answer, StringComparison.Ordinal);
        Assert.Contains("protocol=HTTP/1.1", await GetAsync("a.test", "/first/x", version), StringComparison.Ordinal);
        string file = _folder["got2"], big = _folder["big2"];
        await File.WriteAllBytesAsync(big, NginxServer.Bytes(8 << 20));
        await GetAsync("a.test", "/second/big", version, "-o", file);
        byte[] got = await File.ReadAllBytesAsync(file);
        Assert.Equal(await File.ReadAllBytesAsync(big), got[^(8 << 20)..]);
        Assert.Contains($"length={8 << 20}", await GetAsync("a.test", "/second/upload", version, "--data-binary", "@" + big), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_websocket_of_a_foreign_client_passes_over_http2()
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Grpc", "ws_echo.py");
        await using Child server = Child.Start("/usr/bin/python3", [script, "serve", _socket.ToString(CultureInfo.InvariantCulture)]);
        await Wait.UntilAsync(() => server.Output.Contains("serving", StringComparison.Ordinal), () => server.Output);
        (int code, string output) = await Child.RunAsync("/usr/bin/python3", [script, "call", _proxy["plain"]]);
        Assert.True(code == 0 && output.Contains("both ways", StringComparison.Ordinal), output + server.Output + _proxy.Output);
    }

    private async Task<string> GetAsync(string host, string path, params string[] arguments) =>
        (await Curl.RunAsync(["-m", "20", "-k", "--http2", "--connect-to", $"{host}:443:{_proxy["tls"]}", .. arguments, $"https://{host}{path}"])).Output;
}
