using MarchProxy.Cli.Configuration;
using MarchProxy.Model.Intake;

namespace MarchProxy.Cli.Hosting;

/// <summary>A configuration from a file, read again when it changes. A file with a fault changes nothing; the first one must be right.</summary>
internal sealed class FileConfig(IPlaneHost host, string path) : IConfigSource
{
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly TaskCompletionSource<bool> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FileWatch? _watch;

    public Task<bool> First => _first.Task;

    public void Start()
    {
        _watch = new FileWatch(path, () => Reload("file changed"));
        _ = FirstAsync();
    }

    /// <summary>The file is on disk.</summary>
    public void Settle()
    {
    }

    public void Reload(string why) => _ = ReadAsync(why);

    public ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task FirstAsync() => _first.TrySetResult(await ReadAsync("start"));

    private async Task<bool> ReadAsync(string why)
    {
        await _reading.WaitAsync();
        try
        {
            host.ReopenLogs();
            ResourceFile file = ResourceFile.Load(path);
            foreach (Diagnostic diagnostic in file.Diagnostics)
            {
                if (diagnostic.Severity == Severity.Error) host.Log.Error(diagnostic.ToString());
                else host.Log.Warn(diagnostic.ToString());
            }

            return file.Snapshot is { } snapshot ? await host.ApplyAsync(snapshot, why) is null : host.Refuse(why, "it has errors");
        }
        catch (Exception e)
        {
            host.Log.Error("a defect of the proxy's own: the configuration could not be put in force", ("exception", e.ToString()));
            return host.Refuse(why, "a defect of the proxy's own");
        }
        finally
        {
            _reading.Release();
        }
    }
}
