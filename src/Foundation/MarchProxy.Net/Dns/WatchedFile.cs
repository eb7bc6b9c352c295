using Microsoft.Win32.SafeHandles;

namespace MarchProxy.Net.Dns;

/// <summary>A small text file that is read again when its time of change or its length differs.</summary>
/// <param name="path">The file; it need not exist, and may be a link.</param>
internal sealed class WatchedFile(string path)
{
    /// <summary>Bytes read at most: above any configuration, and a bound for a path that leads to something else.</summary>
    private const int MaxBytes = 16 << 20;

    private (DateTime Changed, long Length)? _seen;

    /// <summary>Reads the file if it is new. A file that cannot be read is empty.</summary>
    /// <returns>The text, or null if nothing has changed since the last call.</returns>
    public string? ReadIfChanged()
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path);
            (DateTime, long) now = (File.GetLastWriteTimeUtc(handle), RandomAccess.GetLength(handle));
            if (_seen == now) return null;
            _seen = now;
            using var stream = new FileStream(handle, FileAccess.Read);
            var bytes = new byte[(int)Math.Min(now.Item2, MaxBytes)];
            return System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            if (_seen == (default, -1)) return null;
            _seen = (default, -1);
            return "";
        }
    }
}
