using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using MarchProxy.Edge.Tunnels;

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
        byte[] hello = (await RealHelloAsync("orders.test"))[5..];
        byte[] extension = [0, 0, 0, 14, 0, 12, 0, 0, 9, .. "evil.test"u8];
        byte[] doubled = [.. hello, .. extension];
        int at = 4 + 34;
        at += 1 + doubled[at];
        at += 2 + BinaryPrimitives.ReadUInt16BigEndian(doubled.AsSpan(at));
        at += 1 + doubled[at];
        BinaryPrimitives.WriteUInt16BigEndian(doubled.AsSpan(at), (ushort)(doubled.Length - at - 2));
        BinaryPrimitives.WriteUInt16BigEndian(doubled.AsSpan(2), (ushort)(doubled.Length - 4));
        Assert.Equal(HelloStatus.Malformed, ClientHello.Read(Records(doubled, 4000), out _));
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
