using System.Text.Json;

namespace MarchProxy.Integration.Support;

/// <summary>A role of the suite in a process of its own, with its ready file, and a command line that is signed in.</summary>
internal sealed class Suite : IAsyncDisposable
{
    public const string Password = "a long admin password";

    private Suite(Child child, JsonElement ready)
    {
        Process = child;
        Ready = ready;
    }

    public Child Process { get; }

    public JsonElement Ready { get; }

    public string Manager => "http://" + Ready.GetProperty("manager").GetString();

    public string Xds => "http://" + Ready.GetProperty("xds").GetString();

    public string this[string listener] => Ready.GetProperty("listeners").GetProperty(listener).GetString()!;

    public static async Task<Suite> StartAsync(TempFolder folder, params string[] arguments)
    {
        string ready = folder[$"ready-{Guid.NewGuid():N}.json"];
        (string program, string[] all) = Proxy.Command([.. arguments, "--ready-file", ready, "--log-format", "text"]);
        Child child = Child.Start(program, all, ("BILLING_TOKEN", Proxy.Token), ("MARCHPROXY_ADMIN_PASSWORD", Password));
        await Wait.UntilAsync(() => File.Exists(ready) || child.HasExited, () => child.Output);
        Assert.False(child.HasExited, child.Output);
        return new Suite(child, JsonDocument.Parse(await File.ReadAllTextAsync(ready)).RootElement);
    }

    /// <summary>Runs a command of the command line, with this folder's sign-in.</summary>
    public static Task<(int Code, string Output)> RunAsync(TempFolder folder, params string[] arguments)
    {
        (string program, string[] all) = Proxy.Command(arguments);
        return Child.RunAsync(program, all, ("BILLING_TOKEN", Proxy.Token), ("XDG_CONFIG_HOME", folder["config"]), ("MARCHPROXY_PASSWORD", Password));
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
