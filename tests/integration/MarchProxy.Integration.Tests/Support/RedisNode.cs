using System.Globalization;

namespace MarchProxy.Integration.Support;

/// <summary>A Redis of Debian's on a free port, in a temporary folder, for this test alone.</summary>
internal sealed class RedisNode(params string[] options) : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-redis-").FullName;
    private Child? _child;

    public int Port { get; } = NginxServer.FreePort();

    public static async Task<RedisNode> StartAsync(params string[] options)
    {
        var node = new RedisNode(options);
        await node.StartAsync();
        return node;
    }

    /// <summary>Starts it, or starts it again after a kill.</summary>
    public async Task StartAsync()
    {
        _child = Child.Start("redis-server", ["--port", Text(Port), "--bind", "127.0.0.1", "--save", "", "--dir", _folder, "--cluster-config-file", Path.Combine(_folder, "nodes.conf"), .. options]);
        await Wait.UntilAsync(async () => (await CliAsync("PING")).Contains("PONG", StringComparison.Ordinal) || (await CliAsync("PING")).Contains("NOAUTH", StringComparison.Ordinal), () => _child.Output);
    }

    public Task KillAsync() => _child!.SignalAsync("KILL");

    public Task SignalAsync(string signal) => _child!.SignalAsync(signal);

    /// <summary>Asks the server itself.</summary>
    public async Task<string> CliAsync(params string[] words) => (await Child.RunAsync("redis-cli", ["-p", Text(Port), .. words])).Output.Trim();

    public async ValueTask DisposeAsync()
    {
        if (_child is not null) await _child.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
