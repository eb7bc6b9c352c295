using System.Diagnostics;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Access;

/// <summary>One loop's access log: one JSON line for each request and each connection, built without allocation and handed on in blocks.</summary>
internal sealed class AccessLog(LineBatch? batch, TimeProvider time)
{
    private readonly JsonLine _line = new();

    // A wall clock for every line, from one reading a flush: the monotonic clock gives the difference.
    private long _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
    private long _wallTimestamp = Stopwatch.GetTimestamp();

    public void Flush()
    {
        _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
        _wallTimestamp = Stopwatch.GetTimestamp();
        batch?.Flush();
    }

    public void Write(AccessRecord record)
    {
        if (batch is null) return;
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
        batch.Append(_line.End());
    }

    private static long Micros(long from, long to) => (to - from) / (Stopwatch.Frequency / 1_000_000);
}
