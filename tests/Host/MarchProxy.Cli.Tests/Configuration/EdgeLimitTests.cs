using MarchProxy.Cli.Configuration;
using MarchProxy.Edge;

namespace MarchProxy.Cli.Tests.Configuration;

/// <summary>Limits as settings: every one has a default within its own bounds, and reads what it writes.</summary>
public sealed class EdgeLimitTests
{
    [Fact]
    public void Every_default_is_within_its_bounds_and_every_limit_is_set()
    {
        foreach (EdgeLimit limit in EdgeLimit.All)
        {
            long value = limit.Get(EdgeSettings.Default);
            Assert.InRange(value, limit.Least, limit.Most);
            long other = value + 1;
            Assert.Equal(other, limit.Get(limit.Set(EdgeSettings.Default, other)));
        }

        Assert.Equal(EdgeLimit.All.Count, EdgeLimit.All.Select(l => l.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("connect-timeout: 250ms", "--connect-timeout", 250)]
    [InlineData("connect-timeout: 2", "--connect-timeout", 2_000)]
    [InlineData("connect-timeout: 1.5s", "--connect-timeout", 1_500)]
    [InlineData("max-request-body: 10m", "--max-request-body", 10 << 20)]
    [InlineData("loops: 3", "--loops", 3)]
    [InlineData("", "--connect-timeout", 5_000)]
    public void A_file_sets_limits(string file, string name, long expected)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, file);
        SettingSource settings = SettingSource.Load(["--config", path]);
        EdgeLimit limit = EdgeLimit.All.Single(l => l.Name == name);
        Assert.Equal(expected, limit.Resolve(null, settings));
        Assert.Equal(77, limit.Resolve(77, settings));
        File.Delete(path);
    }

    [Theory]
    [InlineData("loops: 1.5", "--loops")]
    [InlineData("loops: -1", "--loops")]
    [InlineData("connect-timeout: 1e9s", "--connect-timeout")]
    [InlineData("max-request-body: 99999999999g", "--max-request-body")]
    public void What_is_no_limit_is_told(string file, string name)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, file);
        SettingException fault = Assert.Throws<SettingException>(() => EdgeLimit.All.Single(l => l.Name == name).Resolve(null, SettingSource.Load(["--config=" + path])));
        Assert.StartsWith(name, fault.Message, StringComparison.Ordinal);
        File.Delete(path);
    }
}
