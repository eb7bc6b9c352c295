using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Net.Tests.EndpointTests;

public sealed class EndpointTextTests
{
    [Theory]
    [InlineData("1.2.3.4:80", "1.2.3.4:80")]
    [InlineData("[::1]:443", "[::1]:443")]
    [InlineData("[2001:db8::1]:0", "[2001:db8::1]:0")]
    [InlineData("[::ffff:10.0.0.1]:53", "10.0.0.1:53")]
    [InlineData("unix:/run/x.sock", "unix:/run/x.sock")]
    public void Reads_what_it_writes(string text, string canonical)
    {
        Assert.True(Endpoint.TryParse(text, out Endpoint endpoint));
        Assert.Equal(canonical, endpoint.ToString());
        Assert.True(Endpoint.TryParse(canonical, out Endpoint again));
        Assert.Equal(endpoint, again);
        Assert.Equal(endpoint.GetHashCode(), again.GetHashCode());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":80")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.4:")]
    [InlineData("1.2.3.4:65536")]
    [InlineData("::1")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("[::1]80")]
    [InlineData("host:80")]
    [InlineData("unix:")]
    [InlineData("unix:a\0b")]
    public void Refuses_what_is_not_an_endpoint(string text) => Assert.False(Endpoint.TryParse(text, out _));

    [Fact]
    public void A_path_too_long_for_the_kernel_is_refused_and_does_not_throw()
    {
        Assert.True(Endpoint.TryParse("unix:" + new string('a', 107), out _));
        Assert.False(Endpoint.TryParse("unix:" + new string('a', 108), out _));
        Assert.False(Endpoint.TryParse("unix:" + new string('\u00e4', 54), out _));
        Assert.Throws<ArgumentException>(() => Endpoint.Unix(new string('a', 108)));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("1::")]
    [InlineData("2001:db8::8:800:200c:417a")]
    [InlineData("2001:db8:0:1:1:1:1:1")]
    [InlineData("2001:0:0:1::1")]
    [InlineData("2001:db8::1:0:0:1")]
    [InlineData("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("0:1:2:3:4:5:6:7")]
    [InlineData("::1:2:3:4:5:6")]
    public void Addresses_are_written_as_RFC_5952_says(string text) => Assert.Equal(text, Format(Endpoint.From(IPAddress.Parse(text), 1)));

    [Fact]
    public void Random_addresses_read_back_as_themselves_without_allocation()
    {
        var random = new Random(7);
        Span<byte> bytes = stackalloc byte[16], text = stackalloc byte[64];
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            for (int g = 0; g < 16; g += 2)
            {
                if (random.Next(2) == 0) bytes.Slice(g, 2).Clear();
            }

            var address = new IPAddress(bytes);
            Endpoint endpoint = Endpoint.From(address, 1);
            int n = endpoint.FormatAddress(text);
            Assert.Equal(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, IPAddress.Parse(Encoding.ASCII.GetString(text[..n])));
        }

        Endpoint last = Endpoint.From(IPAddress.Parse("2001:db8::1"), 1);
        last.FormatAddress(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) last.FormatAddress(text);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_sockaddr_reads_back_for_every_family()
    {
        byte[] bytes = new byte[128];
        foreach (string text in new[] { "1.2.3.4:80", "[2001:db8::1]:443", "[fe80::1%3]:1", "unix:/tmp/x" })
        {
            Endpoint endpoint = LoopTest.Parse(text);
            Assert.Equal(endpoint, Endpoint.FromSockAddr(bytes.AsSpan(0, endpoint.ToSockAddr(bytes))));
        }

        Assert.Equal(default, Endpoint.FromSockAddr([]));
        Assert.Equal(default, Endpoint.FromSockAddr([2, 0, 0]));
        Assert.Equal(AddressFamily.Unix, Endpoint.FromSockAddr([1, 0]).Family);
        Assert.Throws<InvalidOperationException>(() => default(Endpoint).ToSockAddr(new byte[128]));
    }

    [Fact]
    public void WithPort_keeps_the_address_and_the_range()
    {
        Endpoint endpoint = LoopTest.Parse("[::1]:1");
        Assert.Equal(LoopTest.Parse("[::1]:65535"), endpoint.WithPort(65535));
        Assert.Throws<ArgumentOutOfRangeException>(() => endpoint.WithPort(65536));
        Assert.Throws<ArgumentOutOfRangeException>(() => endpoint.WithPort(-1));
    }

    private static string Format(Endpoint endpoint)
    {
        Span<byte> text = stackalloc byte[64];
        return Encoding.ASCII.GetString(text[..endpoint.FormatAddress(text)]);
    }
}
