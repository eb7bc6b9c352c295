using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

public class ResolvConfTests
{
    [Theory]
    [InlineData("", "127.0.0.1:53")]
    [InlineData("nameserver", "127.0.0.1:53")]
    [InlineData("nameserver nonsense", "127.0.0.1:53")]
    [InlineData("nameserver 192.0.2.1\r\n\tnameserver\t2001:db8::1 # two", "192.0.2.1:53 [2001:db8::1]:53")]
    [InlineData("# nameserver 192.0.2.1\n; nameserver 192.0.2.2", "127.0.0.1:53")]
    [InlineData("nameserver [192.0.2.1]:5353\nnameserver [::1]:5353", "192.0.2.1:5353 [::1]:5353")]
    [InlineData("nameserver [192.0.2.1]:0\nnameserver [192.0.2.1]:70000\nnameserver [::1]", "127.0.0.1:53")]
    public void Servers(string text, string expected) => Assert.Equal(expected, string.Join(' ', ResolvConf.Parse(text).Servers));

    [Theory]
    [InlineData("", "")]
    [InlineData("domain a.example", "a.example")]
    [InlineData("search a.example b.example.", "a.example b.example")]
    [InlineData("search a.example\ndomain b.example", "b.example")]
    [InlineData("domain b.example\nsearch a.example c.example", "a.example c.example")]
    [InlineData("search a..b . ok.example", "ok.example")]
    public void Search(string text, string expected) => Assert.Equal(expected, string.Join(' ', ResolvConf.Parse(text).Search));

    [Theory]
    [InlineData("", 1, null, null)]
    [InlineData("options ndots:5 timeout:3 attempts:4", 5, 3, 4)]
    [InlineData("options ndots:99 timeout:0 attempts:99 rotate", 15, 1, 5)]
    [InlineData("options ndots:0\noptions timeout:99", 0, 30, null)]
    [InlineData("options ndots:x timeout: attempts:-1 ndots:99999999999", 1, null, null)]
    public void Options(string text, int ndots, int? timeout, int? attempts)
    {
        ResolvConf conf = ResolvConf.Parse(text);
        Assert.Equal((ndots, timeout, attempts), (conf.Ndots, (int?)conf.Timeout?.TotalSeconds, conf.Attempts));
    }

    [Fact]
    public void Lists_are_bounded()
    {
        string servers = string.Join('\n', Enumerable.Range(1, 50).Select(i => $"nameserver 192.0.2.{i}"));
        ResolvConf conf = ResolvConf.Parse(servers + "\nsearch " + string.Join(' ', Enumerable.Range(1, 50).Select(i => $"s{i}")));
        Assert.Equal((ResolvConf.MaxServers, ResolvConf.MaxSearch), (conf.Servers.Length, conf.Search.Length));
    }

    [Fact]
    public void Any_text_is_read()
    {
        string[] words =
            ["nameserver", "search", "domain", "options", " ", "\n", "\t", ":", "[", "]:", "ndots:", "1", "::1", ".", "#", "\0", "é"];
        var random = new Random(4);
        for (int i = 0; i < 20_000; i++)
        {
            ResolvConf conf = ResolvConf.Parse(string.Concat(random.GetItems(words, 12)));
            Assert.NotEmpty(conf.Servers);
            Assert.InRange(conf.Ndots, 0, 15);
        }
    }
}
