using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>A configuration changes while traffic flows.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync(Proxy.FirstSteps(_nginx.Port));
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    [Fact]
    public async Task A_change_takes_effect_on_new_requests_and_cuts_no_download()
    {
        using var folder = new TempFolder();
        string web = _proxy["web"];
        await using Child download = Child.Start("curl", ["-sS", "-m", "30", "-o", folder["slow"], "-H", "Host: shop.test", $"http://{web}/slow"]);
        await Wait.UntilAsync(() => File.Exists(folder["slow"]) && new FileInfo(folder["slow"]).Length > 0, () => download.Output);
        string before = await File.ReadAllTextAsync(_proxy.File);
        await File.WriteAllTextAsync(_proxy.File, before.Replace("hosts: [shop.test]", "hosts: [store.test]", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await Curl.RunAsync("-H", "Host: store.test", $"http://{web}/")).Output.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), () => _proxy.Output);
        Assert.StartsWith("HTTP/1.1 404", (await Curl.RunAsync("-H", "Host: shop.test", $"http://{web}/")).Output, StringComparison.Ordinal);
        Assert.Equal(0, await download.WaitAsync());
        Assert.Equal(NginxServer.Bytes(8 << 20), await File.ReadAllBytesAsync(folder["slow"]));
    }

    [Fact]
    public async Task A_file_with_a_fault_changes_nothing_and_is_told_with_its_line()
    {
        string good = await File.ReadAllTextAsync(_proxy.File);
        await File.WriteAllTextAsync(_proxy.File, good.Replace("backends:", "backend:", StringComparison.Ordinal));
        await _proxy.Process.SignalAsync("HUP");
        await Wait.UntilAsync(() => _proxy.Output.Contains("did you mean backends?", StringComparison.Ordinal) && _proxy.Output.Contains("configuration refused", StringComparison.Ordinal), () => _proxy.Output);
        Assert.StartsWith("HTTP/1.1 200", (await Curl.RunAsync("-H", "Host: shop.test", $"http://{_proxy["web"]}/")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_term_lets_a_download_end()
    {
        using var folder = new TempFolder();
        await using Child download = Child.Start("curl", ["-sS", "-m", "30", "-o", folder["slow"], "-H", "Host: shop.test", $"http://{_proxy["web"]}/slow"]);
        await Wait.UntilAsync(() => File.Exists(folder["slow"]) && new FileInfo(folder["slow"]).Length > 0, () => download.Output);
        await _proxy.Process.SignalAsync("TERM");
        Assert.Equal(0, await download.WaitAsync());
        Assert.Equal(8 << 20, new FileInfo(folder["slow"]).Length);
        Assert.Equal(0, await _proxy.Process.WaitAsync());
    }
}
