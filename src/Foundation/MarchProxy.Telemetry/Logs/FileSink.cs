using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MarchProxy.Telemetry.Logs;

/// <summary>
/// Lines into standard output or a file. The file is opened for appending in the kernel's sense: another process may write to it too, and a rotation may cut it
/// under us. A full disk loses lines, which are counted, and stops nothing.
/// </summary>
public sealed partial class FileSink : ILogSink, IDisposable
{
    private const int WriteOnly = 1, Create = 0x40, AppendOnly = 0x400, CloseOnExec = 0x80000, OwnerWritesAllRead = 0x1A4;
    private readonly string? _path;
    private readonly Stream? _stream;
    private SafeFileHandle? _file;

    private FileSink(string? path, Stream? stream)
    {
        _path = path;
        _stream = stream;
        if (path is not null) _file = Open(path);
    }

    /// <inheritdoc/>
    public string Name => _path is null ? "stdout" : "file";

    /// <summary>Standard output.</summary>
    public static FileSink StandardOutput() => new(null, Console.OpenStandardOutput());

    /// <summary>Appends to a file, which is made when it is not there.</summary>
    /// <param name="path">Its path.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileSink Append(string path) => new(path, null);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        if (_stream is not null)
        {
            _stream.Write(lines);
            _stream.Flush();
            return;
        }

        // With O_APPEND the kernel writes to the end, whatever offset is named.
        _file ??= Open(_path!);
        RandomAccess.Write(_file, lines, 0);
    }

    /// <inheritdoc/>
    public void Reopen()
    {
        if (_path is null) return;
        _file?.Dispose();
        _file = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stream?.Dispose();
        _file?.Dispose();
    }

    private static SafeFileHandle Open(string path)
    {
        int descriptor = OpenFile(path, WriteOnly | Create | AppendOnly | CloseOnExec, OwnerWritesAllRead);
        if (descriptor < 0) throw new IOException($"{path} cannot be opened for writing: {Marshal.GetLastPInvokeErrorMessage()}. Check its folder and rights.");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags, int mode);
}
