using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;
using MarchProxy.Tests;

namespace MarchProxy.Net.Tests.Tls;

/// <summary>Sessions are resumed by tickets under shared keys: on any listener, after a rotation, in the next process; and not where other proof is demanded.</summary>
public sealed class TicketKeysTests
{
    private static readonly TestCa s_ca = new();
    private static readonly TlsCertificate s_leaf = s_ca.Issue(["a.test"]), s_other = s_ca.Issue(["a.test"]);
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public Task A_session_of_one_listener_is_resumed_at_another() => LoopTest.RunAsync(async loop =>
    {
        var keys = new TicketKeys(_time);
        using TlsServerContext one = Server(keys), two = Server(keys, s_other), stranger = Server(new TicketKeys(_time));
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        Assert.False(await ResumesAsync(loop, one, client));
        Assert.True(await ResumesAsync(loop, one, client));
        Assert.True(await ResumesAsync(loop, two, client));
        Assert.False(await ResumesAsync(loop, stranger, client));
    });

    [Theory]
    [InlineData(0, true)]
    [InlineData(11, true)]
    [InlineData(13, true)]
    [InlineData(23, true)]
    [InlineData(25, false)]
    public Task A_key_opens_for_a_day(int hours, bool resumes) => LoopTest.RunAsync(async loop =>
    {
        var keys = new TicketKeys(_time);
        using TlsServerContext server = Server(keys);
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        Assert.False(await ResumesAsync(loop, server, client));
        _time.Advance(TimeSpan.FromHours(hours));
        Assert.Equal(resumes, await ResumesAsync(loop, server, client));

        // What was sealed by the newest key is opened as long as that one lives.
        _time.Advance(TimeSpan.FromHours(11));
        Assert.True(await ResumesAsync(loop, server, client));
    });

    [Fact]
    public void Every_twelve_hours_there_is_a_new_key_and_never_more_than_three()
    {
        var keys = new TicketKeys(_time);
        var names = new HashSet<string>();
        for (int hour = 0; hour < 72; hour++)
        {
            names.Add(Convert.ToHexString(keys.Current.Name));
            Assert.InRange(Convert.FromBase64String(keys.Export()).Length, 88, 3 * 88);
            _time.Advance(TimeSpan.FromHours(1));
        }

        Assert.Equal(6, names.Count);
    }

    [Fact]
    public Task The_next_process_goes_on_with_the_keys() => LoopTest.RunAsync(async loop =>
    {
        var keys = new TicketKeys(_time);
        _ = keys.Current;
        _time.Advance(TimeSpan.FromHours(13));
        _ = keys.Current;
        using TlsServerContext before = Server(keys), after = Server(new TicketKeys(_time, keys.Export()));
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        Assert.False(await ResumesAsync(loop, before, client));
        Assert.True(await ResumesAsync(loop, after, client));
        Assert.Equal(keys.Export(), new TicketKeys(_time, keys.Export()).Export());
    });

    [Theory]
    [InlineData("")]
    [InlineData("no base64 !")]
    [InlineData("AAAA")]
    [InlineData(null)]
    public void Garbage_makes_fresh_keys(string? inherited) => Assert.Equal(88, Convert.FromBase64String(new TicketKeys(_time, inherited).Export()).Length);

    [Fact]
    public Task A_session_without_a_client_certificate_is_worth_nothing_where_one_is_demanded() => LoopTest.RunAsync(async loop =>
    {
        var keys = new TicketKeys(_time);
        using TlsServerContext open = Server(keys);
        using var strict = new TlsServerContext(new TlsServerOptions { Certificates = [s_leaf], Tickets = keys, Time = _time, ClientCaPem = s_ca.Pem, ClientCertificates = ClientCertificateMode.Required });
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        Assert.False(await ResumesAsync(loop, open, client));
        (TcpConnection c, TcpConnection s, _, int accepted) = await TlsPair.ConnectAsync(loop, strict, client);
        Assert.Equal(-Errno.EPROTO, accepted);
        c.Close();
        s.Close();
    });

    [Fact]
    public void A_cipher_that_nobody_knows_is_named()
    {
        Assert.Contains("\"ECDHE-NONSENSE\"", Assert.Throws<TlsConfigurationException>(() => Ciphers("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-NONSENSE")).Message, StringComparison.Ordinal);
        Assert.Contains("\"TLS_NONSENSE\"", Assert.Throws<TlsConfigurationException>(() => Ciphers("TLS_NONSENSE")).Message, StringComparison.Ordinal);
        Ciphers("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_256_GCM_SHA384").Dispose();

        static TlsServerContext Ciphers(params string[] names) => new(new TlsServerOptions { Certificates = [s_leaf], Ciphers = names });
    }

    private TlsServerContext Server(TicketKeys keys, TlsCertificate? certificate = null) => new(new TlsServerOptions { Certificates = [certificate ?? s_leaf], Tickets = keys, Time = _time });

    /// <summary>Connects, reads a byte so that the ticket behind the handshake arrives, and tells whether a session was resumed.</summary>
    private static async Task<bool> ResumesAsync(EventLoop loop, TlsServerContext server, TlsClientContext client)
    {
        (TcpConnection c, TcpConnection s, int connected, int accepted) = await TlsPair.ConnectAsync(loop, server, client);
        Assert.Equal((0, 0), (connected, accepted));
        Assert.Equal(0, await s.SendAllAsync("x"u8.ToArray(), 20_000));
        Assert.Equal(1, await c.ReadAsync(new byte[1]));
        bool resumed = s.Tls!.IsResumed;
        Assert.Equal(resumed, c.Tls!.IsResumed);
        c.Close();
        s.Close();
        return resumed;
    }
}
