namespace MarchProxy.Cli.Hosting;

/// <summary>Tells when a file was changed, replaced or renamed into place; bursts of events are told once, after 100 ms of quiet.</summary>
internal sealed class FileWatch : IDisposable
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(100);
    private readonly FileSystemWatcher _watcher;
    private readonly Timer _timer;

    public FileWatch(string path, Action changed)
    {
        _timer = new Timer(_ => changed());
        _watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path))
        {
            NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.CreationTime,
        };
        _watcher.Changed += (_, _) => Touch();
        _watcher.Created += (_, _) => Touch();
        _watcher.Renamed += (_, _) => Touch();
        _watcher.EnableRaisingEvents = true;
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _timer.Dispose();
    }

    private void Touch() => _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);
}
