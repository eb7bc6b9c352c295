namespace MarchProxy.Cli.Hosting;

/// <summary>
/// Tells when a file has become another: its time, length or link changed. It is looked at four times a second, which costs nothing next to a watch on the
/// folder, where every line of a log beside it would wake us, and sees files replaced by rename, by link (as Kubernetes does) and over the network.
/// </summary>
internal sealed class FileWatch : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(250);
    private readonly string _path;
    private readonly Action _changed;
    private readonly ITimer _timer;
    private (DateTime Written, long Length, string? Link) _seen;

    public FileWatch(string path, Action changed)
    {
        _path = path;
        _changed = changed;
        _seen = Look();
        _timer = TimeProvider.System.CreateTimer(_ => Tick(), null, s_period, s_period);
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        (DateTime Written, long Length, string? Link) now = Look();
        if (now == _seen || now.Length < 0) return;
        _seen = now;
        _changed();
    }

    private (DateTime Written, long Length, string? Link) Look()
    {
        try
        {
            var file = new FileInfo(_path);
            if (file.LinkTarget is null) return file.Exists ? (file.LastWriteTimeUtc, file.Length, null) : (default, -1, null);
            var target = (FileInfo?)file.ResolveLinkTarget(returnFinalTarget: true);
            return target is { Exists: true } ? (target.LastWriteTimeUtc, target.Length, target.FullName) : (default, -1, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (default, -1, null);
        }
    }
}
