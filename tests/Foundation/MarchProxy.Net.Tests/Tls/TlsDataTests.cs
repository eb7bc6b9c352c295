using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace MarchProxy.Net.Tests.Tls;

/// <summary>Bytes through the TLS layer against .NET's own SslStream as the foreign peer, and peers that misbehave.</summary>
public sealed class TlsDataTests
{
    private static readonly TestCa s_ca = new();
    private static readonly TlsCertificate s_leaf = s_ca.Issue(["a.test"]);

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public Task Megabytes_both_ways_with_a_foreign_client(SslProtocols version) => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext context = TlsPair.Server(s_leaf);
        (Socket peer, TcpConnection server) = await LoopTest.RawPairAsync(loop);
        byte[] sent = RandomNumberGenerator.GetBytes(3 << 20);
        Task<byte[]> foreign = Task.Run(async () =>
        {
            await using var stream = new SslStream(new NetworkStream(peer, ownsSocket: true), false, (_, _, _, _) => true);
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a.test", EnabledSslProtocols = version });
            Task writing = stream.WriteAsync(sent).AsTask();
            byte[] back = new byte[sent.Length];
            await stream.ReadExactlyAsync(back);
            await writing;
            return back;
        });
        Assert.Equal(0, await server.StartTlsAsync(context.CreateSession(server.TlsDescriptor), 20_000));
        Assert.Equal("a.test", server.Tls!.ServerName);
        Assert.Equal(version == SslProtocols.Tls12 ? "TLSv1.2" : "TLSv1.3", server.Tls.Version);
        byte[] buffer = new byte[64 * 1024];
        for (int left = sent.Length; left > 0;)
        {
            int n = await server.ReadAsync(buffer);
            Assert.True(n > 0, n.ToString());
            Assert.Equal(0, await server.SendAllAsync(buffer.AsMemory(0, n), 20_000));
            left -= n;
        }

        byte[] echoed = await foreign;
        await loop.Enter();
        Assert.True(sent.AsSpan().SequenceEqual(echoed));
    });

    [Fact]
    public Task Our_client_speaks_with_a_foreign_server() => LoopTest.RunAsync(async loop =>
    {
        using var context = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem, Alpn = ["h2", "http/1.1"] });
        (Socket peer, TcpConnection client) = await LoopTest.RawPairAsync(loop);
        Task<byte[]> foreign = Task.Run(async () =>
        {
            await using var stream = new SslStream(new NetworkStream(peer, ownsSocket: true));
            using X509Certificate2 pem = X509Certificate2.CreateFromPem(s_leaf.ChainPem, s_leaf.KeyPem);
            using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null);
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, ApplicationProtocols = [SslApplicationProtocol.Http11] });
            byte[] all = new byte[200_000];
            await stream.ReadExactlyAsync(all);
            await stream.ShutdownAsync();
            return all;
        });
        Assert.Equal(0, await client.StartTlsAsync(context.CreateSession(client.TlsDescriptor, "a.test"), 20_000));
        Assert.Equal(TlsProtocol.Http11, client.Tls!.NegotiatedProtocol);
        byte[] sent = RandomNumberGenerator.GetBytes(200_000);
        Assert.Equal(0, await client.SendAllAsync(sent, 20_000));
        Assert.Equal(0, await client.ReadAsync(new byte[10]));
        byte[] received = await foreign;
        await loop.Enter();
        Assert.Equal(sent, received);
    });

    [Fact]
    public Task A_peer_that_never_reads_holds_the_writer_and_gets_every_byte_at_last() => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext server = TlsPair.Server(s_leaf);
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        (TcpConnection c, TcpConnection s, _, _) = await TlsPair.ConnectAsync(loop, server, client);
        byte[] data = RandomNumberGenerator.GetBytes(32 << 20), back = new byte[data.Length];
        Task<int> rest = s.SendAllAsync(data, 20_000).AsTask();
        Assert.False(rest.IsCompleted);
        Assert.InRange(s.BytesSent, 1, data.Length - 1);
        Assert.Equal(back.Length, await c.ReadFullAsync(back));
        Assert.Equal(0, await rest);
        Assert.True(data.AsSpan().SequenceEqual(back));
    });

    [Fact]
    public Task An_end_and_a_cut_are_told_apart() => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext server = TlsPair.Server(s_leaf);
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        (TcpConnection c, TcpConnection s, _, _) = await TlsPair.ConnectAsync(loop, server, client);
        c.ShutdownSend();
        Assert.Equal(0, await s.ReadAsync(new byte[8]));

        // Half-closed: the other direction still speaks.
        Assert.Equal(0, await s.SendAllAsync("still"u8.ToArray(), 5_000));
        byte[] five = new byte[5];
        Assert.Equal(5, await c.ReadFullAsync(five));
        (Socket peer, TcpConnection cut) = await LoopTest.RawPairAsync(loop);
        Task foreign = Task.Run(async () =>
        {
            var stream = new SslStream(new NetworkStream(peer, ownsSocket: false), false, (_, _, _, _) => true);
            await stream.AuthenticateAsClientAsync("a.test");
            peer.Dispose();
        });
        Assert.Equal(0, await cut.StartTlsAsync(server.CreateSession(cut.TlsDescriptor), 20_000));
        Assert.Equal(-Errno.ECONNRESET, await cut.ReadAsync(new byte[8]));
        await foreign;
        await loop.Enter();
    });

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "http request")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000", "")]
    public Task Garbage_instead_of_a_hello_fails_the_handshake(string garbage, string told) => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext context = TlsPair.Server(s_leaf);
        (Socket peer, TcpConnection server) = await LoopTest.RawPairAsync(loop);
        peer.Send(System.Text.Encoding.Latin1.GetBytes(garbage));
        Assert.Equal(-Errno.EPROTO, await server.StartTlsAsync(context.CreateSession(server.TlsDescriptor), 20_000));
        Assert.Contains(told, server.Tls!.FailureReason, StringComparison.Ordinal);
        peer.Dispose();
    });

    [Fact]
    public Task A_hello_byte_by_byte_is_taken_and_a_silent_peer_times_out() => LoopTest.RunAsync(async loop =>
    {
        using TlsServerContext context = TlsPair.Server(s_leaf);
        (Socket peer, TcpConnection server) = await LoopTest.RawPairAsync(loop);
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task foreign = Task.Run(async () =>
        {
            await using var stream = new SslStream(new Drip(new NetworkStream(peer, ownsSocket: true)), false, (_, _, _, _) => true);
            await stream.AuthenticateAsClientAsync("a.test");
            await stream.WriteAsync(new byte[] { 7 });

            // Closed with session tickets unread, it would reset what it has just sent.
            await read.Task;
        });
        Assert.Equal(0, await server.StartTlsAsync(context.CreateSession(server.TlsDescriptor), 20_000));
        byte[] one = new byte[1];
        Assert.Equal(1, await server.ReadAsync(one));
        Assert.Equal(7, one[0]);
        read.SetResult();
        await foreign;
        await loop.Enter();
        (Socket silent, TcpConnection waiting) = await LoopTest.RawPairAsync(loop);
        Assert.Equal(-Errno.ETIMEDOUT, await waiting.StartTlsAsync(context.CreateSession(waiting.TlsDescriptor), 50));
        silent.Dispose();
    });

    [Fact]
    public Task Names_choose_certificates_and_old_versions_are_refused() => LoopTest.RunAsync(async loop =>
    {
        using var server = new TlsServerContext(new TlsServerOptions
        {
            Certificates = [s_leaf, s_ca.Issue(["b.test", "*.c.test"], rsa: true)],
            MinVersion = TlsMinVersion.Tls13,
        });
        using var client = new TlsClientContext(new TlsClientOptions { CaPem = s_ca.Pem });
        foreach ((string name, bool good) in new[] { ("a.test", true), ("b.test", true), ("x.c.test", true), ("unknown.test", false) })
        {
            (_, _, int result, _) = await TlsPair.ConnectAsync(loop, server, client, name);
            Assert.Equal(good, result == 0);
        }

        (Socket peer, TcpConnection old) = await LoopTest.RawPairAsync(loop);
        Task foreign = Task.Run(async () =>
        {
            await using var stream = new SslStream(new NetworkStream(peer, ownsSocket: true), false, (_, _, _, _) => true);
            await Assert.ThrowsAnyAsync<Exception>(() => stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "a.test", EnabledSslProtocols = SslProtocols.Tls12 }));
        });
        Assert.Equal(-Errno.EPROTO, await old.StartTlsAsync(server.CreateSession(old.TlsDescriptor), 20_000));
        Assert.Contains("unsupported protocol", old.Tls!.FailureReason, StringComparison.Ordinal);
        await foreign;
        await loop.Enter();
    });

    /// <summary>Writes byte by byte.</summary>
    private sealed class Drip(NetworkStream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            for (int i = 0; i < count; i++) inner.Write(buffer, offset + i, 1);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (int i = 0; i < buffer.Length; i++) await inner.WriteAsync(buffer.Slice(i, 1), cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
