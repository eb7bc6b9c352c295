using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>TLS towards an upstream that OpenSSL's own server plays.</summary>
public sealed class UpstreamTlsTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly int _port = NginxServer.FreePort();
    private Child _origin = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        TestCertificate.Write(_folder, "shop", "shop.test");
        TestCertificate.Write(_folder, "other", "shop.test");
        string port = _port.ToString(CultureInfo.InvariantCulture);
        _origin = Child.Start("openssl", ["s_server", "-accept", "127.0.0.1:" + port, "-cert", _folder["shop.pem"], "-key", _folder["shop.key"], "-www"]);
        await Wait.UntilAsync(Listens, () => _origin.Output);
        _proxy = await Proxy.StartAsync(
            $$"""
            services:
              - { name: good, addresses: [127.0.0.1], ports: "{{port}}", protocol: https, tls: { serverName: shop.test, ca: "file:shop.pem" } }
              - { name: misnamed, addresses: [127.0.0.1], ports: "{{port}}", protocol: https, tls: { serverName: other.test, ca: "file:shop.pem" } }
              - { name: stranger, addresses: [127.0.0.1], ports: "{{port}}", protocol: https, tls: { serverName: shop.test, ca: "file:other.pem" } }
              - { name: system, addresses: [127.0.0.1], ports: "{{port}}", protocol: https }
              - { name: careless, addresses: [127.0.0.1], ports: "{{port}}", protocol: https, tls: { insecureSkipVerify: true } }
            routes:
              - { name: good, hosts: [good.test], backends: [good] }
              - { name: misnamed, hosts: [misnamed.test], backends: [misnamed] }
              - { name: stranger, hosts: [stranger.test], backends: [stranger] }
              - { name: system, hosts: [system.test], backends: [system] }
              - { name: careless, hosts: [careless.test], backends: [careless] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """,
            _folder);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Theory]
    [InlineData("good", 200, "New, TLSv1.3")]
    [InlineData("careless", 200, "New, TLSv1.3")]
    [InlineData("misnamed", 502, "tls_certificate_error")]
    [InlineData("stranger", 502, "tls_certificate_error")]
    [InlineData("system", 502, "tls_certificate_error")]
    public async Task A_server_is_believed_only_under_its_own_name_and_ca(string name, int status, string told)
    {
        (_, string answer) = await Curl.RunAsync("-H", $"Host: {name}.test", $"http://{_proxy["web"]}/");
        Assert.StartsWith($"HTTP/1.1 {status}", answer, StringComparison.Ordinal);
        Assert.Contains(told, answer, StringComparison.Ordinal);
        if (status == 502) Assert.Contains("X-MarchProxy-Reason: upstream-certificate", answer, StringComparison.Ordinal);
    }

    private bool Listens()
    {
        using var probe = new TcpClient();
        try
        {
            probe.Connect(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
