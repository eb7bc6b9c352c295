using System.Net;
using System.Net.Sockets;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>TLS termination with a real curl and OpenSSL's own client.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        TestCertificate.Write(_folder, "shop", "shop.test");
        TestCertificate.Write(_folder, "wild", "*.wild.test");
        _proxy = await Proxy.StartAsync(Resources("shop"), _folder);
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    [Theory]
    [InlineData("shop", "shop.test", "--tlsv1.3")]
    [InlineData("shop", "shop.test", "--tls-max=1.2")]
    [InlineData("wild", "a.wild.test", "--tlsv1.2")]
    public async Task The_certificate_is_chosen_by_name(string certificate, string host, string version)
    {
        string[] flags = version.Split('=');
        string port = _proxy["tls"].Split(':')[1];
        (int code, string answer) = await Curl.RunAsync(
            [.. flags, "--http1.1", "--cacert", _folder[certificate + ".pem"], "--resolve", $"{host}:{port}:127.0.0.1", $"https://{host}:{port}/x"]);
        Assert.Equal(0, code);
        Assert.Contains("path=/x via=1.1 marchproxy xff=127.0.0.1 proto=https", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_is_resumed_and_a_large_body_passes_whole()
    {
        string port = _proxy["tls"].Split(':')[1];
        (int code, _) = await Child.RunAsync(
            "curl", ["-sS", "-m", "30", "-o", _folder["down"], "--cacert", _folder["shop.pem"], "--resolve", $"shop.test:{port}:127.0.0.1", $"https://shop.test:{port}/big"]);
        Assert.Equal(0, code);
        Assert.Equal(NginxServer.Bytes(8 << 20), await File.ReadAllBytesAsync(_folder["down"]));
        (_, string output) = await Child.RunAsync(
            "/bin/sh", ["-c", $"openssl s_client -connect 127.0.0.1:{port} -servername shop.test -tls1_2 -reconnect </dev/null 2>&1 | grep -c '^Reused'"]);
        Assert.True(int.Parse(output.Trim(), System.Globalization.CultureInfo.InvariantCulture) >= 3, output);
    }

    [Fact]
    public async Task Garbage_instead_of_a_handshake_ends_the_connection_and_nothing_else()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(_proxy["tls"]));
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[1024];
        try
        {
            while (await client.GetStream().ReadAsync(buffer, timeout.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset is as good as an end.
        }

        await The_certificate_is_chosen_by_name("shop", "shop.test", "--tlsv1.3");
    }

    [Fact]
    public async Task A_key_of_another_certificate_is_refused_and_the_old_one_stays()
    {
        await File.WriteAllTextAsync(_proxy.File, Resources("wild"));
        await Wait.UntilAsync(() => _proxy.Output.Contains("does not belong to the first certificate", StringComparison.Ordinal), () => _proxy.Output);
        await The_certificate_is_chosen_by_name("shop", "shop.test", "--tlsv1.3");
    }

    private string Resources(string keyOfShop) => $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{_nginx.Port}}" }
        certificates:
          - { name: shop, chain: "file:shop.pem", key: "file:{{keyOfShop}}.key" }
          - { name: wild, chain: "file:wild.pem", key: "file:wild.key" }
        routes:
          - { name: all, backends: [origin] }
        listeners:
          - { name: tls, port: 0, purpose: ingress, protocol: https, tls: { certificates: [shop, wild] } }
        """;
}
