using System.Net;
using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Http1;

public class PiecesTests
{
    [Fact]
    public void Date_follows_the_clock_by_seconds()
    {
        var clock = new ManualTimeProvider();
        var date = new HttpDate(clock.GetUtcNow());
        Assert.Equal("Fri, 02 Jan 2026 03:04:05 GMT", Encoding.ASCII.GetString(date.Text));
        clock.Advance(TimeSpan.FromMilliseconds(999));
        date.Refresh(clock.GetUtcNow());
        Assert.Equal("Fri, 02 Jan 2026 03:04:05 GMT", Encoding.ASCII.GetString(date.Text));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        date.Refresh(clock.GetUtcNow());
        Assert.Equal("Fri, 02 Jan 2026 03:04:06 GMT", Encoding.ASCII.GetString(date.Text));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", "10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1")]
    [InlineData("::1", "::1", "\"[::1]\"")]
    [InlineData("fe80::1%3", "fe80::1", "\"[fe80::1]\"")]
    [InlineData("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666", "\"[2001:db8:1111:2222:3333:4444:5555:6666]\"")]
    public void Address_is_spelled_for_both_fields(string address, string plain, string node)
    {
        var peer = new PeerAddress();
        peer.Set(IPAddress.Parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
        peer.Set(IPAddress.Parse(address));
        Assert.Equal((plain, node), (Encoding.ASCII.GetString(peer.Address), Encoding.ASCII.GetString(peer.Node)));
    }

    [Theory]
    [InlineData("1.1 other", 0)]
    [InlineData("1.1 marchproxy", 1)]
    [InlineData("1.0 a, HTTP/1.1 MarchProxy (x), 1.1\tmarchproxy", 2)]
    [InlineData("1.1 marchproxyx, marchproxy", 0)]
    public void Own_entries_in_via_are_counted(string via, int count)
    {
        Parsed<RequestHead> parsed = Parsed.Fields("Via: 1.1 marchproxy", "X: y", $"Via: {via}");
        Assert.Equal(count + 1, ViaField.CountOwn(parsed.Head, parsed.Bytes));
        Parsed<RequestHead> without = Parsed.Fields("X: marchproxy");
        Assert.Equal(0, ViaField.CountOwn(without.Head, without.Bytes));
    }

    [Fact]
    public void Out_buffer_grows_to_its_cap_and_keeps_what_is_unsent()
    {
        var buffer = new OutBuffer(new byte[8], 20);
        Assert.True(buffer.EnsureRoom(8));
        buffer.Append("01234567"u8);
        buffer.Drain(3);
        Assert.True(buffer.EnsureRoom(3));
        Assert.Equal((8, 0), (buffer.Array.Length, buffer.Start));
        buffer.Append("89a"u8);
        Assert.True(buffer.EnsureRoom(1));
        Assert.Equal(16, buffer.Array.Length);
        Assert.True(buffer.EnsureRoom(12));
        Assert.Equal(20, buffer.Array.Length);
        Assert.False(buffer.EnsureRoom(13));
        Assert.False(buffer.EnsureRoom(int.MaxValue));
        Assert.Equal("3456789a", Encoding.ASCII.GetString(buffer.Written));
        buffer.Drain(8);
        Assert.Equal((0, 0), (buffer.Start, buffer.Length));
    }
}
