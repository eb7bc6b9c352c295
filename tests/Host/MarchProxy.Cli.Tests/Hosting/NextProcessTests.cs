using MarchProxy.Cli.Hosting.Upgrade;

namespace MarchProxy.Cli.Tests.Hosting;

/// <summary>The command line of the process that follows.</summary>
public sealed class NextProcessTests
{
    [Theory]
    [InlineData("marchproxy run edge -f x", null, "marchproxy run edge -f x")]
    [InlineData("marchproxy run edge -f x --take-over /run/a.sock --loops 2", null, "marchproxy run edge -f x --loops 2")]
    [InlineData("marchproxy run edge --take-over=/run/a.sock", null, "marchproxy run edge")]
    [InlineData("marchproxy run edge", "/opt/new/marchproxy", "/opt/new/marchproxy run edge")]
    [InlineData("dotnet marchproxy.dll run edge", "/opt/new/marchproxy", "/opt/new/marchproxy run edge")]
    [InlineData("dotnet marchproxy.dll run edge", "/opt/new/marchproxy.dll", "dotnet /opt/new/marchproxy.dll run edge")]
    [InlineData("/usr/bin/marchproxy run edge", "/opt/new/marchproxy.dll", "dotnet /opt/new/marchproxy.dll run edge")]
    public void It_is_this_ones_but_for_where_this_one_came_from(string own, string? program, string next) =>
        Assert.Equal(next, string.Join(' ', NextProcess.CommandLine(own.Split(' '), program)));
}
