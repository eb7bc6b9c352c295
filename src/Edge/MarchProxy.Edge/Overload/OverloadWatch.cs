using System.Collections.Concurrent;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Overload;

/// <summary>What all loops of an edge have too much of: told in the log when it begins, and by readiness while it lasts.</summary>
internal sealed class OverloadWatch(TimeProvider time, ProcessLog log)
{
    /// <summary>Without a refusal, it is over. Ten seconds: a probe that comes every five sees each.</summary>
    private static readonly TimeSpan s_over = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<string, long> _last = new(StringComparer.Ordinal);

    /// <summary>Notes that something was refused.</summary>
    /// <param name="what">Of what there was too much.</param>
    public void Note(string what)
    {
        long now = time.GetTimestamp();
        bool begins = !_last.TryGetValue(what, out long last) || time.GetElapsedTime(last, now) > s_over;
        _last[what] = now;
        if (begins) log.Warn("overloaded: the newest is refused", ("what", what));
    }

    /// <summary>What there is too much of.</summary>
    public IReadOnlyList<string> Now() => [.. _last.Where(l => time.GetElapsedTime(l.Value) <= s_over).Select(l => l.Key).Order(StringComparer.Ordinal)];
}
