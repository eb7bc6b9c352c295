using System.Globalization;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>The manager and its planes as an operator runs them: by the command line, in one process and in two, and with the manager away.</summary>
public sealed class ManagedTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private NginxServer _nginx = null!;

    public async Task InitializeAsync() => _nginx = await NginxServer.StartAsync();

    public async Task DisposeAsync()
    {
        await _nginx.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_first_steps_of_the_manager_hold_as_they_are_written()
    {
        await using Suite up = await Suite.StartAsync(_folder, "up", "--data", _folder["data"], "--manager-listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
        await RunAsync(0, "Signed in", "login", up.Manager);
        string file = _folder.Write("first.yaml", Fixed(Proxy.FirstSteps(_nginx.Port)));
        await RunAsync(0, "mapping/billing-to-orders created (dry run)", "apply", "-f", file, "--dry-run");
        await RunAsync(0, "mapping/billing-to-orders created", "apply", "-f", file);
        await RunAsync(0, "mapping/billing-to-orders unchanged", "apply", "-f", file);
        await RunAsync(0, "- name: billing-to-orders", "get", "mappings", "-o", "yaml");
        await AskAsync("200", "orders.test");
        await AskAsync("403", "elsewhere.test");
        await Wait.UntilAsync(async () => (await Suite.RunAsync(_folder, "get", "proxies")).Output.Contains("active", StringComparison.Ordinal), () => up.Process.Output);
        await RunAsync(0, "first start", "history");

        await Wait.UntilAsync(async () => (await Suite.RunAsync(_folder, "flows", "--from", "billing", "--decision", "deny")).Output.Contains("elsewhere.test", StringComparison.Ordinal), () => up.Process.Output);
        await RunAsync(0, "is allowed by mapping/billing-to-orders", "explain", "--from", "billing", "--to", "orders.test:80/http");

        string narrower = _folder.Write("narrower.yaml", (await File.ReadAllTextAsync(file)).Replace("protocols: [http, https, tcp]", "protocols: [https]", StringComparison.Ordinal));
        await RunAsync(0, "would newly deny: billing to orders (http", "apply", "-f", narrower, "--dry-run");
        await RunAsync(0, "would newly deny a flow of the last 24 h: billing to orders.test:80 (http), 1 times, last at", "apply", "-f", narrower, "--dry-run");
        await RunAsync(0, "newly denied: billing to orders (http", "apply", "-f", narrower);
        await AskAsync("403", "orders.test");
        await RunAsync(1, "is denied: protocol-or-port", "explain", "billing", "orders.test:80", "--protocol", "http");
        await RunAsync(0, "mappings/billing-to-orders changed", "diff", "3", "2");
        await RunAsync(0, "mapping/billing-to-orders changed", "rollback", "2");
        await AskAsync("200", "orders.test");
        await RunAsync(1, "is used by mapping/billing-to-orders", "delete", "service", "orders");
        string wrong = _folder.Write("wrong.yaml", "mappings:\n  - { name: x, sources: [biling], destinations: [orders] }\n");
        await RunAsync(3, "wrong.yaml:2:5: error: mapping/x sources: there is no service \"biling\"; did you mean billing?", "apply", "-f", wrong);

        await RunAsync(0, "was written", "db", "backup", _folder["backup.json"], "--data", _folder["data"]);
        await RunAsync(0, "was restored", "db", "restore", _folder["backup.json"], "--data", _folder["copy"]);
        await RunAsync(1, "is not empty", "db", "restore", _folder["backup.json"], "--data", _folder["copy"]);
    }

    [Fact]
    public async Task Traffic_and_restarts_go_on_without_the_manager_and_its_return_cuts_nothing()
    {
        string[] manager = ["run", "manager", "--data", _folder["data"], "--manager-listen", "127.0.0.1:" + Free(), "--xds-listen", "127.0.0.1:" + Free()];
        Suite control = await Suite.StartAsync(_folder, manager);
        await RunAsync(0, "Signed in", "login", control.Manager);
        string file = _folder.Write("first.yaml", Fixed(Proxy.FirstSteps(_nginx.Port)));
        await RunAsync(0, "created", "apply", "-f", file);
        (_, string key) = await Suite.RunAsync(_folder, "keys", "rotate", "default");
        _folder.Write("key", key.Trim());
        string[] edge = ["run", "edge", "--manager", control.Xds, "--cluster-key", "file:" + _folder["key"], "--data", _folder["edge"], "--admin-listen", "127.0.0.1:0", "--name", "one"];
        Suite plane = await Suite.StartAsync(_folder, edge);
        await AskAsync("200", "orders.test");

        await using Child download = Child.Start("curl", ["-sS", "-m", "30", "-o", _folder["slow"], "-H", "Host: shop.test", $"http://127.0.0.1:{_web}/slow"]);
        await Wait.UntilAsync(() => File.Exists(_folder["slow"]) && new FileInfo(_folder["slow"]).Length > 0, () => download.Output);
        await control.DisposeAsync();
        await AskAsync("200", "orders.test");

        await using (Suite back = await Suite.StartAsync(_folder, manager))
        {
            await RunAsync(0, "created", "apply", "-f", _folder.Write("more.yaml", "services: [{ name: late, addresses: [late.test], resolve: { late.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8], ports: \"" + _nginx.Port + "\" }]\nmappings: [{ name: late, sources: [billing], destinations: [late], protocols: [http], portMap: { \"80\": " + _nginx.Port + " } }]"));
            await Wait.UntilAsync(async () => (await AnswerAsync("late.test")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal), () => plane.Process.Output);
        }

        Assert.Equal(0, await download.WaitAsync());
        Assert.Equal(8 << 20, new FileInfo(_folder["slow"]).Length);

        // Killed and started again while the manager is away: the last good configuration serves.
        await plane.DisposeAsync();
        Assert.DoesNotContain("shop.test", await File.ReadAllTextAsync(Path.Combine(_folder["edge"], "edge.snapshot"), System.Text.Encoding.Latin1), StringComparison.Ordinal);
        await using (Suite again = await Suite.StartAsync(_folder, edge)) await AskAsync("200", "late.test");

        // Half of it on disk is no configuration: told, and the manager is asked for all of it.
        byte[] whole = await File.ReadAllBytesAsync(Path.Combine(_folder["edge"], "edge.snapshot"));
        await File.WriteAllBytesAsync(Path.Combine(_folder["edge"], "edge.snapshot"), whole[..(whole.Length / 2)]);
        await using Suite third = await Suite.StartAsync(_folder, manager);
        await using Suite healed = await Suite.StartAsync(_folder, edge);
        Assert.Contains("cannot be used; the manager is asked for all of it", healed.Process.Output, StringComparison.Ordinal);
        await AskAsync("200", "late.test");
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_put_in_force_is_refused_by_the_plane_and_told()
    {
        await using Suite up = await Suite.StartAsync(_folder, "up", "--data", _folder["data"], "--manager-listen", "127.0.0.1:0", "--xds-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
        await RunAsync(0, "Signed in", "login", up.Manager);
        await RunAsync(0, "created", "apply", "-f", _folder.Write("first.yaml", Fixed(Proxy.FirstSteps(_nginx.Port))));
        await AskAsync("200", "orders.test");
        await RunAsync(0, "created", "apply", "-f", _folder.Write("taken.yaml", $"listeners: [{{ name: taken, port: {_nginx.Port}, purpose: ingress }}]"));
        await Wait.UntilAsync(async () => (await Suite.RunAsync(_folder, "get", "proxies")).Output.Contains("another process listens", StringComparison.Ordinal), () => up.Process.Output);
        await AskAsync("200", "orders.test");
        await RunAsync(0, "deleted", "delete", "listener", "taken");
        await Wait.UntilAsync(async () => !(await Suite.RunAsync(_folder, "get", "proxies")).Output.Contains("another process", StringComparison.Ordinal), () => up.Process.Output);
    }

    [Theory]
    [InlineData("--xds-listen", "0.0.0.0:0", "give --manager-cert and --manager-key")]
    [InlineData("--db-type", "oracle", "write sqlite or postgresql")]
    [InlineData("--manager-listen", "nonsense", "is not ADDRESS:PORT")]
    public async Task A_manager_that_cannot_run_tells_the_mend(string option, string value, string told)
    {
        (int code, string output) = await Suite.RunAsync(_folder, "run", "manager", "--data", _folder["data"], option, value);
        Assert.NotEqual(0, code);
        Assert.Contains(told, output, StringComparison.Ordinal);
    }

    private int _forward, _web;

    /// <summary>Listeners on ports that stay the same over restarts.</summary>
    private string Fixed(string yaml)
    {
        _forward = NginxServer.FreePort();
        _web = NginxServer.FreePort();
        return yaml.Replace("name: forward, address: 127.0.0.1, port: 0", $"name: forward, address: 127.0.0.1, port: {_forward}", StringComparison.Ordinal)
            .Replace("name: web, address: 127.0.0.1, port: 0", $"name: web, address: 127.0.0.1, port: {_web}", StringComparison.Ordinal);
    }

    private async Task RunAsync(int code, string told, params string[] arguments)
    {
        (int ended, string output) = await Suite.RunAsync(_folder, arguments);
        Assert.True(ended == code && output.Contains(told, StringComparison.Ordinal), $"{string.Join(' ', arguments)} ended with {ended}:\n{output}");
    }

    private async Task AskAsync(string status, string host)
    {
        string answer = "";
        await Wait.UntilAsync(async () => (answer = await AnswerAsync(host)).StartsWith("HTTP/1.1 " + status, StringComparison.Ordinal), () => answer);
    }

    private async Task<string> AnswerAsync(string host) => (await Curl.RunAsync("-x", $"http://billing:{Proxy.Token}@127.0.0.1:{_forward}", $"http://{host}/")).Output;

    private static string Free() => NginxServer.FreePort().ToString(CultureInfo.InvariantCulture);
}
