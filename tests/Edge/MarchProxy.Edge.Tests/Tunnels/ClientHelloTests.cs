using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Model.Egress;

namespace MarchProxy.Edge.Tests.Tunnels;

/// <summary>The server name of a ClientHello that OpenSSL wrote, however it is cut, and of what an attacker would write.</summary>
public sealed class ClientHelloTests
{
    [Fact]
    public async Task A_real_hello_is_read_at_every_cut_and_in_records_of_every_size()
    {
        byte[] hello = await RealHelloAsync("Orders.Test");
        for (int cut = 0; cut < hello.Length; cut++) Assert.Equal(HelloStatus.NeedMore, ClientHello.Read(hello.AsSpan(0, cut), out _));
        Assert.Equal((HelloStatus.Hello, "orders.test"), (ClientHello.Read(hello, out string name), name));
        foreach (int size in new[] { 1, 2, 3, 5, 7, 64, 500 })
        {
            byte[] cut = Records(hello.AsSpan(5), size);
            Assert.Equal((HelloStatus.Hello, "orders.test"), (ClientHello.Read(cut, out name), name));
        }
    }

    [Fact]
    public async Task What_is_no_hello_is_told_apart_and_nothing_throws()
    {
        Assert.Equal(HelloStatus.NotTls, ClientHello.Read("GET / HTTP/1.1\r\n"u8, out _));
        Assert.Equal(HelloStatus.NotTls, ClientHello.Read([22, 2], out _));
        Assert.Equal(HelloStatus.Malformed, ClientHello.Read([22, 3, 1, 0, 0, 1], out _));
        Assert.Equal(HelloStatus.Malformed, ClientHello.Read([22, 3, 1, 0, 4, 2, 0, 0, 0], out _));
        Assert.Equal(HelloStatus.Malformed, ClientHello.Read([22, 3, 1, 0, 4, 1, 1, 0, 0], out _));
        byte[] hello = await RealHelloAsync("orders.test");
        var random = new Random(3);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] altered = (byte[])hello.Clone();
            for (int n = random.Next(1, 4); n > 0; n--) altered[random.Next(altered.Length)] = (byte)random.Next(256);
            HelloStatus status = ClientHello.Read(altered.AsSpan(0, random.Next(altered.Length + 1)), out string name);
            Assert.True(status == HelloStatus.Hello || name.Length == 0 || status == HelloStatus.Malformed);
        }
    }

    [Fact]
    public async Task Two_names_are_none()
    {
        byte[] doubled = With(await RealHelloAsync("orders.test"), [0, 0, 0, 14, 0, 12, 0, 0, 9, .. "evil.test"u8]);
        Assert.Equal(HelloStatus.Malformed, ClientHello.Read(Records(doubled, 4000), out _));
    }

    [Theory]
    [InlineData("orders.test", true)]
    [InlineData("public.ech.test", false)]
    public async Task Of_an_encrypted_hello_the_outer_name_counts(string outer, bool passes)
    {
        // encrypted_client_hello (RFC 9849): outer, HKDF-SHA256 with AES-128-GCM, a configuration, a key share, and what nobody on the way can read.
        byte[] encrypted = [0, 0, 1, 0, 1, 7, 0, 32, .. new byte[32], 0, 200, .. new byte[200]];
        byte[] hello = Records(With(await RealHelloAsync(outer), [0xFE, 0x0D, 0, (byte)encrypted.Length, .. encrypted]), 4000);
        Assert.Equal((HelloStatus.Hello, outer), (ClientHello.Read(hello, out string name), name));
        foreach (bool needsTls in new[] { true, false })
        {
            var guard = new HelloGuard("orders.test", isAddress: false, needsTls);
            Assert.Equal(passes, guard.Inspect(hello));
            Assert.Equal(passes ? DenyReason.None : DenyReason.SniMismatch, guard.Reason);
        }
    }

    [Fact]
    public async Task A_hello_larger_than_any_client_sends_is_refused_before_it_is_whole()
    {
        byte[] padding = new byte[17_000];
        byte[] large = Records(With(await RealHelloAsync("orders.test"), [0, 21, (byte)(padding.Length >> 8), (byte)padding.Length, .. padding]), 4000);
        var guard = new HelloGuard("orders.test", isAddress: false, needsTls: true);
        Assert.False(guard.Inspect(large.AsSpan(0, 5000)));
        Assert.Equal(DenyReason.SniMismatch, guard.Reason);
    }

    /// <summary>A hello's handshake message with one more extension.</summary>
    private static byte[] With(byte[] record, byte[] extension)
    {
        byte[] more = [.. record[5..], .. extension];
        int at = 4 + 34;
        at += 1 + more[at];
        at += 2 + BinaryPrimitives.ReadUInt16BigEndian(more.AsSpan(at));
        at += 1 + more[at];
        BinaryPrimitives.WriteUInt16BigEndian(more.AsSpan(at), (ushort)(more.Length - at - 2));
        BinaryPrimitives.WriteUInt16BigEndian(more.AsSpan(2), (ushort)(more.Length - 4));
        return more;
    }

    private static byte[] Records(ReadOnlySpan<byte> handshake, int size)
    {
        var all = new List<byte>();
        while (!handshake.IsEmpty)
        {
            int n = Math.Min(size, handshake.Length);
            all.AddRange([22, 3, 1, (byte)(n >> 8), (byte)n]);
            all.AddRange(handshake[..n]);
            handshake = handshake[n..];
        }

        return [.. all];
    }

    private static async Task<byte[]> RealHelloAsync(string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using TcpClient server = await listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(client.GetStream());
        Task handshake = tls.AuthenticateAsClientAsync(host);
        byte[] buffer = new byte[16384];
        int n = await server.GetStream().ReadAtLeastAsync(buffer, 5);
        int whole = 5 + BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(3));
        while (n < whole) n += await server.GetStream().ReadAsync(buffer.AsMemory(n));
        server.Close();
        await Assert.ThrowsAnyAsync<Exception>(() => handshake);
        return buffer[..n];
    }
}
