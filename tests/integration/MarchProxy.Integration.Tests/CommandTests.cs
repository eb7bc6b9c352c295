using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>The commands that touch nothing.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Check_tells_faults_by_line_and_exit_code()
    {
        using var folder = new TempFolder();
        string file = folder.Write("bad.yaml", "services:\n  - name: a\n    port: 80\n");
        (string program, string[] arguments) = Proxy.Command("check", file);
        (int code, string output) = await Child.RunAsync(program, arguments);
        Assert.Equal(3, code);
        Assert.Contains("bad.yaml:3:5: error: service/a port: is not a field of this object; did you mean ports?", output, StringComparison.Ordinal);
        (program, arguments) = Proxy.Command("check", "-o", "json", file);
        (code, output) = await Child.RunAsync(program, arguments);
        Assert.Equal(3, code);
        Assert.Contains("\"line\": 3", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("connect-timeout: 9d", 3, "--connect-timeout 9d: write 500ms, 30s, 5m or 2h, from 10ms to 600s.")]
    [InlineData("conect-timeout: 9s", 3, "conect-timeout is not a setting; did you mean connect-timeout?")]
    [InlineData("connect-timeout: [1, 2]", 3, "connect-timeout: a setting is a single value")]
    [InlineData("connect-timeout: [1, 2", 3, "not a map of settings")]
    public async Task A_wrong_setting_is_told_with_its_mend(string settings, int expected, string told)
    {
        using var folder = new TempFolder();
        (string program, string[] arguments) = Proxy.Command("run", "edge", "--file", folder["none.yaml"], "--config", folder.Write("settings.yaml", settings));
        (int code, string output) = await Child.RunAsync(program, arguments);
        Assert.Equal(expected, code);
        Assert.Contains(told, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_has_four_parts()
    {
        (string program, string[] arguments) = Proxy.Command("version");
        (int code, string output) = await Child.RunAsync(program, arguments);
        Assert.Equal(0, code);
        Assert.Matches(@"^v\d+\.\d+\.\d+\.\d{9,}\s*$", output);
    }
}
