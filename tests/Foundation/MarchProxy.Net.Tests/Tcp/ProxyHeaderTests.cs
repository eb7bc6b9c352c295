using System.Text;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Net.Tests.Tcp;

/// <summary>PROXY protocol headers, as the specification writes them and as nobody should.</summary>
public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1")]
    [InlineData("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "")]
    [InlineData("PROXY UNKNOWN\r\n", "")]
    public void Text_headers_are_read(string header, string client)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(header + "GET /");
        for (int cut = 0; cut < header.Length; cut++) Assert.Equal(0, ProxyHeader.Read(bytes.AsSpan(0, cut), out _));
        Assert.Equal(header.Length, ProxyHeader.Read(bytes, out Endpoint read));
        Assert.Equal(client, read == default ? "" : read.ToString());
    }

    [Theory]
    [InlineData("192.0.2.1:7", "192.0.2.9:80")]
    [InlineData("[2001:db8::1]:7", "[2001:db8::9]:80")]
    public void Binary_headers_come_back_as_they_were_written(string client, string local)
    {
        Assert.True(Endpoint.TryParse(client, out Endpoint from));
        Assert.True(Endpoint.TryParse(local, out Endpoint to));
        byte[] bytes = new byte[64];
        int length = ProxyHeader.Write(bytes, from, to);
        for (int cut = 0; cut < length; cut++) Assert.Equal(0, ProxyHeader.Read(bytes.AsSpan(0, cut), out _));
        Assert.Equal(length, ProxyHeader.Read(bytes, out Endpoint read));
        Assert.Equal(from, read);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.2 99999 443\r\n")]
    [InlineData("PROXY TCP4 orders.test 198.51.100.2 1 443\r\n")]
    public void Others_are_none(string header) => Assert.Equal(-1, ProxyHeader.Read(Encoding.ASCII.GetBytes(header), out _));

    [Fact]
    public void Nothing_throws_on_nonsense()
    {
        var random = new Random(1);
        byte[] start = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];
        byte[] bytes = new byte[200];
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            if (i % 2 == 0) start.CopyTo(bytes, 0);
            else "PROXY TCP4 "u8.CopyTo(bytes);
            Assert.InRange(ProxyHeader.Read(bytes.AsSpan(0, random.Next(200)), out _), -1, ProxyHeader.MaxBytes);
        }

        Assert.Equal(-1, ProxyHeader.Read(Enumerable.Repeat((byte)'x', 10).Prepend((byte)' ').ToArray(), out _));
        Assert.Equal(-1, ProxyHeader.Read(Encoding.ASCII.GetBytes("PROXY " + new string('x', 200)), out _));
    }
}
