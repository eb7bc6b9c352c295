using System.Globalization;
using System.Text;

namespace MarchProxy.Telemetry.Logs;

/// <summary>How much a message matters.</summary>
public enum LogLevel
{
    /// <summary>For those who look for a fault.</summary>
    Debug,

    /// <summary>What happens in the life of a process.</summary>
    Info,

    /// <summary>Something to look at.</summary>
    Warn,

    /// <summary>Something failed.</summary>
    Error,
}

/// <summary>
/// The process's own log: starts, configurations, failures; one line each, as text for people or JSON for programs. The same message is written
/// ten times a second at the most; what was held back is told.
/// </summary>
public sealed class ProcessLog(TextWriter output, bool json, LogLevel least, TimeProvider time)
{
    private const int MostASecond = 10;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Second, int Count)> _recent = new(StringComparer.Ordinal);
    private readonly JsonLine _line = new();

    /// <summary>For those who look for a fault.</summary>
    public void Debug(string message, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Debug, message, fields);

    /// <summary>What happens in the life of a process.</summary>
    public void Info(string message, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Info, message, fields);

    /// <summary>Something to look at.</summary>
    public void Warn(string message, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Warn, message, fields);

    /// <summary>Something failed.</summary>
    public void Error(string message, params ReadOnlySpan<(string Key, object? Value)> fields) => Write(LogLevel.Error, message, fields);

    private void Write(LogLevel level, string message, ReadOnlySpan<(string Key, object? Value)> fields)
    {
        if (level < least) return;
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            int held = Admit(message, now.ToUnixTimeSeconds());
            if (held < 0) return;
            output.Write(json ? Json(now, level, message, fields, held) : Text(now, level, message, fields, held));
            output.Flush();
        }
    }

    /// <summary>How many of this message were held back since the last one written; negative when this one is held back too.</summary>
    private int Admit(string message, long second)
    {
        if (_recent.Count > 1000) _recent.Clear();
        (long Second, int Count) last = _recent.TryGetValue(message, out var found) ? found : (second, 0);
        bool sameSecond = last.Second == second;
        int held = sameSecond ? 0 : Math.Max(0, last.Count - MostASecond);
        int count = sameSecond ? last.Count + 1 : 1;
        _recent[message] = (second, count);
        return count > MostASecond ? -1 : held;
    }

    private string Json(DateTimeOffset now, LogLevel level, string message, ReadOnlySpan<(string Key, object? Value)> fields, int held)
    {
        _line.Begin();
        _line.Time("time"u8, (now - DateTimeOffset.UnixEpoch).Ticks / 10);
        _line.String("level"u8, Name(level));
        _line.String("message"u8, message);
        foreach ((string key, object? value) in fields) _line.String(Encoding.UTF8.GetBytes(key), Shown(value));
        if (held > 0) _line.Number("suppressed"u8, held);
        return Encoding.UTF8.GetString(_line.End());
    }

    private static string Text(DateTimeOffset now, LogLevel level, string message, ReadOnlySpan<(string Key, object? Value)> fields, int held)
    {
        var line = new StringBuilder(now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture)).Append(' ').Append(Name(level).PadRight(5)).Append(' ').Append(message);
        foreach ((string key, object? value) in fields) line.Append(' ').Append(key).Append('=').Append(Shown(value));
        if (held > 0) line.Append(" suppressed=").Append(held);
        return line.Append('\n').ToString();
    }

    private static string Name(LogLevel level) => level switch { LogLevel.Debug => "debug", LogLevel.Info => "info", LogLevel.Warn => "warn", _ => "error" };

    private static string Shown(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
