using MarchProxy.Model.Addresses;

namespace MarchProxy.Model.Tests.Addresses;

public sealed class HostNameTests
{
    [Theory]
    [InlineData("Example.COM.", "example.com")]
    [InlineData("b\u00fccher.example", "xn--bcher-kva.example")]
    [InlineData("a_b.test", "a_b.test")]
    public void Names_have_one_form(string text, string expected)
    {
        Assert.True(HostName.TryNormalise(text, out string name));
        Assert.Equal(expected, name);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("-a.test")]
    [InlineData("a-.test")]
    [InlineData("a b")]
    [InlineData("a%2eb")]
    [InlineData("user@host")]
    public void What_is_no_name_is_refused(string text) => Assert.False(HostName.TryNormalise(text, out _));

    [Theory]
    [InlineData("2130706433", true)]
    [InlineData("0x7f.1", true)]
    [InlineData("0177.0.0.1", true)]
    [InlineData("127.1", true)]
    [InlineData("1.2.3.4", true)]
    [InlineData("0x7f000001", true)]
    [InlineData("127.0.0.1.", true)]
    [InlineData("a.test", false)]
    [InlineData("1.2.3.a", false)]
    public void Every_spelling_of_an_address_is_seen(string host, bool expected) => Assert.Equal(expected, HostName.LooksLikeAddress(host));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.1", false)]
    [InlineData("0177.0.0.1", false)]
    [InlineData("2130706433", false)]
    [InlineData("::1", true)]
    [InlineData("fe80::1%eth0", false)]
    public void Only_the_standard_spelling_is_taken(string host, bool expected) => Assert.Equal(expected, HostName.TryParseAddress(host, out _));
}
