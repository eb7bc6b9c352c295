using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Net.Tests.Tls;

/// <summary>The client side against our own server: whom it trusts, what it shows, what it resumes.</summary>
public sealed class TlsClientTests
{
    private static readonly TestCa s_ca = new();

    [Theory]
    [InlineData("a.test", "a.test", true)]
    [InlineData("*.a.test", "x.a.test", true)]
    [InlineData("*.a.test", "a.test", false)]
    [InlineData("*.a.test", "x.y.a.test", false)]
    [InlineData("a.test", "b.test", false)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("a.test", "127.0.0.1", false)]
    [InlineData("::1", "::1", true)]
    public Task A_server_is_taken_only_under_its_own_name(string certified, string asked, bool good) => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext server = TlsPair.Server(s_ca.Issue([certified]));
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        (TcpConnection c, _, int result, _) = await TlsPair.ConnectAsync(loop, server, client, asked);
        Assert.Equal(good ? 0 : -Errno.EPROTO, result);
        if (!good) Assert.Contains("mismatch", c.Tls!.FailureReason, StringComparison.Ordinal);
    });

    [Fact]
    public Task Strangers_and_the_expired_are_refused_with_the_reason() => LoopTest.RunAsync(async loop =>
    {
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        using TlsServerContext stranger = TlsPair.Server(new TestCa("CN=other").Issue(["a.test"]));
        (TcpConnection c, _, int result, int other) = await TlsPair.ConnectAsync(loop, stranger, client);
        Assert.Equal(-Errno.EPROTO, result);
        Assert.True(other < 0);
        Assert.Contains("certificate verify failed", c.Tls!.FailureReason, StringComparison.Ordinal);
        using TlsServerContext expired = TlsPair.Server(s_ca.Issue(["a.test"], expired: true));
        (c, _, result, _) = await TlsPair.ConnectAsync(loop, expired, client);
        Assert.Equal(-Errno.EPROTO, result);
        Assert.Contains("expired", c.Tls!.FailureReason, StringComparison.Ordinal);
        using var careless = new TlsClientContext(new TlsClientOptions { SkipVerification = true });
        (_, _, result, _) = await TlsPair.ConnectAsync(loop, expired, careless);
        Assert.Equal(0, result);
    });

    [Fact]
    public Task The_systems_store_does_not_know_a_tests_ca() => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext server = TlsPair.Server(s_ca.Issue(["a.test"]));
        using var client = new TlsClientContext(new TlsClientOptions());
        (_, _, int result, _) = await TlsPair.ConnectAsync(loop, server, client);
        Assert.Equal(-Errno.EPROTO, result);
    });

    [Theory]
    [InlineData(TlsMinVersion.Tls12, "TLSv1.3")]
    [InlineData(TlsMinVersion.Tls13, "TLSv1.3")]
    public Task A_second_connection_resumes(TlsMinVersion least, string version) => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext server = TlsPair.Server(s_ca.Issue(["a.test", "b.test"]));
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem, MinVersion = least });
        (TcpConnection c, TcpConnection s, int result, _) = await TlsPair.ConnectAsync(loop, server, client);
        Assert.Equal(0, result);
        Assert.Equal(version, c.Tls!.Version);
        Assert.False(c.Tls.IsResumed);

        // A ticket of TLS 1.3 comes with the first bytes after the handshake.
        await s.SendAllAsync(new byte[] { 1 }, 5_000);
        Assert.Equal(1, await c.ReadAsync(new byte[8]));
        c.Close();
        s.Close();
        (c, _, result, _) = await TlsPair.ConnectAsync(loop, server, client);
        Assert.Equal(0, result);
        Assert.True(c.Tls!.IsResumed);
        (c, _, _, _) = await TlsPair.ConnectAsync(loop, server, client, "b.test");
        Assert.False(c.Tls!.IsResumed);
    });

    [Fact]
    public Task Client_certificates_are_shown_and_judged() => LoopTest.RunAsync(async loop =>
    {
        var clients = new TestCa("CN=clients");
        using var server = new TlsServerContext(new TlsServerOptions { Certificates = [s_ca.Issue(["a.test"])], ClientCaPem = clients.Pem, ClientCertificates = ClientCertificateMode.Required });
        foreach ((TlsCertificate? shown, string? fault) in new (TlsCertificate?, string?)[]
        {
            (clients.Issue(["billing.test"]), null),
            (null, "peer did not return a certificate"),
            (s_ca.Issue(["billing.test"]), "certificate verify failed"),
            (clients.Issue(["billing.test"], expired: true), "expired"),
        })
        {
            using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem, Certificate = shown });
            (TcpConnection c, TcpConnection s, _, int result) = await TlsPair.ConnectAsync(loop, server, client);
            Assert.Equal(fault is null ? 0 : -Errno.EPROTO, result);
            if (fault is not null)
            {
                Assert.Contains(fault, s.Tls!.FailureReason, StringComparison.Ordinal);
                continue;
            }

            using var certificate = s.Tls!.GetPeerCertificate();
            Assert.Equal("CN=leaf", certificate!.Subject);
            c.Close();
        }
    });

    [Fact]
    public void Material_that_cannot_be_used_is_told()
    {
        TlsCertificate one = s_ca.Issue(["a.test"]), other = s_ca.Issue(["a.test"]);
        Assert.Contains("does not belong", Assert.Throws<TlsConfigurationException>(() => TlsPair.Server(one with { KeyPem = other.KeyPem })).Message, StringComparison.Ordinal);
        Assert.Contains("no certificate", Assert.Throws<TlsConfigurationException>(() => TlsPair.Server(one with { ChainPem = "nonsense" })).Message, StringComparison.Ordinal);
        Assert.Contains("key cannot be read", Assert.Throws<TlsConfigurationException>(() => new TlsClientContext(new TlsClientOptions { Certificate = one with { KeyPem = "nonsense" } })).Message, StringComparison.Ordinal);
        Assert.Contains("ca holds no certificate", Assert.Throws<TlsConfigurationException>(() => new TlsClientContext(new TlsClientOptions { CaPem = "nonsense" })).Message, StringComparison.Ordinal);
    }
}
