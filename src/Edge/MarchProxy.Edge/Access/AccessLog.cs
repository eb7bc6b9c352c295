using System.Diagnostics;
using MarchProxy.Model.Resources;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Access;

/// <summary>One loop's access log: one line for each request and each connection, built without allocation and handed on in blocks.</summary>
internal sealed class AccessLog(LineBatch? batch, TimeProvider time, string format, int sample)
{
    private readonly JsonLine _line = new();
    private readonly Way _usual = new(AccessLogFormat.Parse(format) is { } parsed ? new LineTemplate(parsed) : null, sample);
    private Dictionary<string, Way>? _ways;
    private string? _lastListener;
    private Way? _last;

    // A wall clock for every line, from one reading a flush: the monotonic clock gives the difference.
    private long _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
    private long _wallTimestamp = Stopwatch.GetTimestamp();

    public void Flush()
    {
        _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
        _wallTimestamp = Stopwatch.GetTimestamp();
        batch?.Flush();
    }

    /// <summary>Whether some line tells what a client says it is.</summary>
    public bool TellsAgent { get; private set; }

    /// <summary>Takes over how listeners want their lines.</summary>
    public void Obey(IEnumerable<Listener> listeners)
    {
        _lastListener = null;
        Dictionary<string, Way> ways = listeners.Where(l => l.AccessLog is not null).ToDictionary(l => l.Name, l => WayOf(l.AccessLog!), StringComparer.Ordinal);
        _ways = ways.Count > 0 ? ways : null;
        TellsAgent = batch is not null && ways.Values.Append(_usual).Any(w => w.Template?.NeedsAgent == true);
    }

    public void Write(AccessRecord record)
    {
        if (batch is null || (record.IsErrand && record.Reason is null)) return;
        Way way = _ways is null ? _usual : Find(record.Listener);
        if (way.Sample < 100 && WentWell(record) && Random.Shared.Next(100) >= way.Sample) return;
        if (way.Template is not null)
        {
            batch.Append(way.Template.Write(record, _wallMicros + Micros(_wallTimestamp, record.Ended)));
            return;
        }

        Span<byte> address = stackalloc byte[64];
        _line.Begin();
        _line.Time("time"u8, _wallMicros + Micros(_wallTimestamp, record.Ended));
        _line.String("kind"u8, record.Kind);
        _line.String("listener"u8, record.Listener);
        _line.String("client"u8, address[..record.Client.FormatAddress(address)]);
        _line.Number("client_port"u8, record.Client.Port);
        if (record.Source is { } source) _line.String("source"u8, source);
        if (!record.Method.IsEmpty) _line.String("method"u8, record.Method);
        if (!record.Host.IsEmpty) _line.String("host"u8, record.Host);
        if (!record.Path.IsEmpty) _line.String("path"u8, record.Path);
        _line.Number("status"u8, record.Status);
        if (record.Effect is { } effect) _line.String("decision"u8, effect);
        if (record.Reason is { } reason) _line.String("reason"u8, reason);
        if (record.Rule is { } rule) _line.String("rule"u8, rule);
        if (record.Destination is { } destination) _line.String("destination"u8, destination);
        if (record.Upstream.Family != default)
        {
            _line.String("upstream"u8, address[..record.Upstream.FormatAddress(address)]);
            _line.Number("upstream_port"u8, record.Upstream.Port);
            _line.Bool("upstream_reused"u8, record.UpstreamReused);
        }

        _line.Number("bytes_in"u8, record.BytesIn);
        _line.Number("bytes_out"u8, record.BytesOut);
        if (record.Connected != 0) _line.Millis("connect_ms"u8, Micros(record.Started, record.Connected));
        if (record.FirstByte != 0) _line.Millis("first_byte_ms"u8, Micros(record.Started, record.FirstByte));
        _line.Millis("duration_ms"u8, Micros(record.Started, record.Ended));
        if (record.Retries > 0) _line.Number("retries"u8, record.Retries);
        if (record.Cache is { } cache) _line.String("cache"u8, cache);
        if (record.Waf is { } waf) _line.String("waf"u8, waf);
        batch.Append(_line.End());
    }

    private static bool WentWell(AccessRecord record) => record.Status < 400 && record.Reason is null && record.Waf is null && record.Effect is null or "allow";

    private Way WayOf(ListenerLog log) => new(
        log.Format.Length == 0 ? _usual.Template : AccessLogFormat.Parse(log.Format) is { } own ? new LineTemplate(own) : null, log.Sample < 0 ? _usual.Sample : log.Sample);

    /// <summary>Names in records are the same objects again and again.</summary>
    private Way Find(string listener)
    {
        if (ReferenceEquals(listener, _lastListener)) return _last!;
        (_lastListener, _last) = (listener, _ways!.GetValueOrDefault(listener, _usual));
        return _last;
    }

    private static long Micros(long from, long to) => (to - from) / (Stopwatch.Frequency / 1_000_000);

    /// <summary>How lines are written: by a template, or as JSON; and how many of those about what went well.</summary>
    private sealed record Way(LineTemplate? Template, int Sample);
}
