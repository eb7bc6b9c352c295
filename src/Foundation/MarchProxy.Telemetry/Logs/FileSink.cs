namespace MarchProxy.Telemetry.Logs;

/// <summary>Lines into standard output or a file. A full disk loses lines and counts them; it never stops the process.</summary>
public sealed class FileSink : ILogSink, IDisposable
{
    private readonly string? _path;
    private Stream? _stream;
    private long _failures;

    private FileSink(string? path, Stream stream)
    {
        _path = path;
        _stream = stream;
    }

    /// <summary>Writes that failed.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Standard output.</summary>
    public static FileSink StandardOutput() => new(null, Console.OpenStandardOutput());

    /// <summary>Appends to a file, which is made when it is not there.</summary>
    /// <param name="path">Its path.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileSink Append(string path) => new(path, Open(path));

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        try
        {
            _stream ??= Open(_path!);
            _stream.Write(lines);
            _stream.Flush();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Interlocked.Increment(ref _failures);
        }
    }

    /// <inheritdoc/>
    public void Reopen()
    {
        if (_path is null) return;
        _stream?.Dispose();
        _stream = null;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream?.Dispose();

    private static FileStream Open(string path) => new(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
}
