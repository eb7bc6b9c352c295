using System.Net;
using MarchProxy.Edge.Icmp;

namespace MarchProxy.Edge.Tests.Icmp;

/// <summary>Echo requests among packets, and what only looks like one.</summary>
public sealed class EchoRequestTests
{
    private static readonly byte[] s_ping4 = Convert.FromHexString("450000541c464000400120450a0100020a02000208004d710000ffff");
    private static readonly byte[] s_ping6 = Convert.FromHexString("6000000000403a40fd000001000000000000000000000002fd000002000000000000000000000002800012340000ffff");

    [Fact]
    public void Both_families_are_read()
    {
        Assert.True(EchoRequest.TryRead(s_ping4, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out int length));
        Assert.Equal(("10.1.0.2", "10.2.0.2", 84), (new IPAddress(source).ToString(), new IPAddress(destination).ToString(), length));
        Assert.True(EchoRequest.TryRead(s_ping6, out source, out destination, out length));
        Assert.Equal(("fd00:1::2", "fd00:2::2", 104), (new IPAddress(source).ToString(), new IPAddress(destination).ToString(), length));
    }

    [Theory]
    [InlineData(20, 0)]
    [InlineData(20, 3)]
    [InlineData(21, 1)]
    [InlineData(9, 6)]
    [InlineData(9, 17)]
    [InlineData(0, 0x44)]
    [InlineData(0, 0x55)]
    [InlineData(7, 1)]
    public void Replies_other_messages_other_protocols_and_later_fragments_are_none(int at, byte value)
    {
        byte[] altered = (byte[])s_ping4.Clone();
        altered[at] = value;
        Assert.False(EchoRequest.TryRead(altered, out _, out _, out _));
    }

    [Fact]
    public void Options_before_the_message_are_passed_over_and_a_routing_header_is_refused()
    {
        byte[] options = [.. s_ping6.AsSpan(0, 6), 0, .. s_ping6.AsSpan(7, 33), 60, 0, 0, 0, 0, 0, 0, 0, 58, 0, 0, 0, 0, 0, 0, 0, .. s_ping6.AsSpan(40)];
        Assert.True(EchoRequest.TryRead(options, out _, out _, out _));
        byte[] routed = [.. s_ping6.AsSpan(0, 6), 43, .. s_ping6.AsSpan(7, 33), 58, 0, 0, 0, 0, 0, 0, 0, .. s_ping6.AsSpan(40)];
        Assert.False(EchoRequest.TryRead(routed, out _, out _, out _));
        byte[] fragment = [.. s_ping6.AsSpan(0, 6), 44, .. s_ping6.AsSpan(7, 33), 58, 0, 0, 8, 0, 0, 0, 0, .. s_ping6.AsSpan(40)];
        Assert.False(EchoRequest.TryRead(fragment, out _, out _, out _));
    }

    [Fact]
    public void No_packet_throws()
    {
        var random = new Random(5);
        foreach (byte[] ping in new[] { s_ping4, s_ping6 })
        {
            for (int i = 0; i < 50_000; i++)
            {
                byte[] altered = [.. ping.AsSpan(0, random.Next(ping.Length + 1))];
                for (int n = random.Next(0, 4); n > 0 && altered.Length > 0; n--) altered[random.Next(altered.Length)] = (byte)random.Next(256);
                if (EchoRequest.TryRead(altered, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out _)) Assert.Equal(source.Length, destination.Length);
            }
        }
    }
}
