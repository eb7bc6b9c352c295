using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Upgrade;

/// <summary>An edge that is replaced by processes which nobody here has started: found by its ready file, and gone when the test ends.</summary>
internal sealed class RunningEdge : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly Child _first;
    private readonly List<int> _later = [];

    private RunningEdge(TempFolder folder, Child first)
    {
        _folder = folder;
        _first = first;
        Id = first.Id;
    }

    /// <summary>The process that serves.</summary>
    public int Id { get; private set; }

    /// <summary>The output of the first process and, since they write to the same place, of all after it.</summary>
    public string Output => _first.Output;

    /// <summary>The process started first.</summary>
    public Child First => _first;

    public JsonElement Ready => JsonDocument.Parse(File.ReadAllText(ReadyFile)).RootElement;

    public string Admin => Ready.GetProperty("admin").GetString()!;

    public string this[string listener] => Ready.GetProperty("listeners").GetProperty(listener).GetString()!;

    private string ReadyFile => _folder["ready.json"];

    public static async Task<RunningEdge> StartAsync(TempFolder folder, string[] command, params (string Name, string Value)[] environment)
    {
        (string program, string[] arguments) = Proxy.Command([.. command, "--run-folder", folder["run"], "--ready-file", folder["ready.json"], "--admin-listen", "127.0.0.1:0", "--log-format", "text"]);
        Child child = Child.Start(program, arguments, [("BILLING_TOKEN", Proxy.Token), ("MARCHPROXY_ADMIN_PASSWORD", Suite.Password), .. environment]);
        await Wait.UntilAsync(() => File.Exists(folder["ready.json"]) || child.HasExited, () => child.Output);
        Assert.False(child.HasExited, child.Output);
        return new RunningEdge(folder, child);
    }

    /// <summary>Upgrades by the command line.</summary>
    public Task<(int Code, string Output)> UpgradeAsync(params string[] arguments) => Suite.RunAsync(_folder, ["upgrade", "--run-folder", _folder["run"], .. arguments]);

    /// <summary>Waits until another process serves.</summary>
    public async Task FollowedAsync()
    {
        int before = Id;
        await Wait.UntilAsync(() => Ready.GetProperty("pid").GetInt32() != before, () => Output);
        Id = Ready.GetProperty("pid").GetInt32();
        _later.Add(Id);
    }

    public async Task SignalAsync(string signal) => await Child.RunAsync("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {Id}")]);

    public static bool IsAlive(int id) => Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}")) && !File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat")).Contains(") Z", StringComparison.Ordinal);

    public async ValueTask DisposeAsync()
    {
        foreach (int id in _later)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
                await process.WaitForExitAsync();
            }
            catch (ArgumentException)
            {
                // It has ended.
            }
        }

        await _first.DisposeAsync();
    }
}
