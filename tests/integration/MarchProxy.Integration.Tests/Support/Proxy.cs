using System.Text.Json;

namespace MarchProxy.Integration.Support;

/// <summary>The built executable, running an edge by a file, with the ports that the kernel chose.</summary>
internal sealed class Proxy : IAsyncDisposable
{
    public const string Token = "test-token-of-billing";
    private readonly TempFolder _folder;
    private readonly Child _child;
    private readonly Dictionary<string, string> _listeners;

    private Proxy(TempFolder folder, Child child, JsonElement ready)
    {
        _folder = folder;
        _child = child;
        Admin = ready.GetProperty("admin").GetString()!;
        _listeners = ready.GetProperty("listeners").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
    }

    public string Admin { get; }

    public string Output => _child.Output;

    public string File => _folder["resources.yaml"];

    public Child Process => _child;

    public string this[string listener] => _listeners[listener];

    public static (string Program, string[] Arguments) Command(params string[] arguments) =>
        ("dotnet", [Path.Combine(AppContext.BaseDirectory, "marchproxy.dll"), .. arguments]);

    public static async Task<Proxy> StartAsync(string resources, TempFolder? folder = null, params string[] more)
    {
        folder ??= new TempFolder();
        string file = folder.Write("resources.yaml", resources), ready = folder["ready.json"];
        (string program, string[] arguments) = Command(["run", "edge", "--file", file, "--ready-file", ready, "--admin-listen", "127.0.0.1:0", "--log-format", "json", .. more]);
        Child child = Child.Start(program, arguments, ("BILLING_TOKEN", Token));
        await Wait.UntilAsync(() => System.IO.File.Exists(ready) || child.HasExited, () => child.Output);
        Assert.False(child.HasExited, child.Output);
        return new Proxy(folder, child, JsonDocument.Parse(await System.IO.File.ReadAllTextAsync(ready)).RootElement);
    }

    /// <summary>The first steps' file, moved to free ports.</summary>
    public static string FirstSteps(int origin)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder!.FullName, "MarchProxy.slnx"))) folder = folder.Parent;
        string text = System.IO.File.ReadAllText(Path.Combine(folder.FullName, "examples", "first-steps.yaml"));
        return text.Replace("9000", origin.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("port: 8080", "port: 0", StringComparison.Ordinal)
            .Replace("port: 8081", "port: 0", StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _folder.Dispose();
    }
}
