using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

public class HostsFileTests
{
    [Theory]
    [InlineData("192.0.2.1 a", "a", "192.0.2.1")]
    [InlineData("192.0.2.1\ta b.example # c", "B.Example.", "192.0.2.1")]
    [InlineData("192.0.2.1 a#b", "a", "192.0.2.1")]
    [InlineData("192.0.2.1 a # c", "c", null)]
    [InlineData("# 192.0.2.1 a", "a", null)]
    [InlineData("  192.0.2.1 a.\r\n192.0.2.2 b\r\n", "a", "192.0.2.1")]
    [InlineData("192.0.2.1 a\n192.0.2.2 A\n2001:db8::1 a\n192.0.2.1 a", "a", "2001:db8::1,192.0.2.1,192.0.2.2")]
    [InlineData("nonsense a", "a", null)]
    [InlineData("192.0.2.1", "192.0.2.1", null)]
    [InlineData("192.0.2.1 a/b ok", "ok", "192.0.2.1")]
    [InlineData("", "", null)]
    public void Names(string text, string name, string? expected)
    {
        Assert.Equal(expected is not null, HostsFile.Parse(text).TryGet(name, out ResolveResult? result));
        Assert.Equal(expected, result is null ? null : string.Join(',', result.Addresses));
    }

    [Fact]
    public void Names_are_bounded()
    {
        string text = "192.0.2.1 " + string.Join(' ', Enumerable.Range(0, HostsFile.MaxNames + 5).Select(i => $"n{i}"));
        Assert.Equal(HostsFile.MaxNames, HostsFile.Parse(text).Count);
    }

    [Fact]
    public void Any_text_is_read()
    {
        string[] words = ["192.0.2.1", "::1", "a", "b.c", " ", "\n", "\t", "#", ".", "\0", "é"];
        var random = new Random(5);
        for (int i = 0; i < 20_000; i++) Assert.InRange(HostsFile.Parse(string.Concat(random.GetItems(words, 12))).Count, 0, 12);
    }
}
