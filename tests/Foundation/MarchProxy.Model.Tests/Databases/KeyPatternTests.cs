using System.Text;
using MarchProxy.Model.Databases;

namespace MarchProxy.Model.Tests.Databases;

public sealed class KeyPatternTests
{
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "anything", true)]
    [InlineData("user:*", "user:1", true)]
    [InlineData("user:*", "User:1", false)]
    [InlineData("user:*", "users:1", false)]
    [InlineData("*.v1", "a.b.v1", true)]
    [InlineData("a*b*c", "axxbxxbc", true)]
    [InlineData("a*b*c", "axxbxx", false)]
    [InlineData("a", "a", true)]
    [InlineData("a", "ab", false)]
    [InlineData("a**", "a", true)]
    public void Matches(string pattern, string key, bool fits) => Assert.Equal(fits, KeyPattern.Matches(Encoding.UTF8.GetBytes(pattern), Encoding.UTF8.GetBytes(key)));
}
