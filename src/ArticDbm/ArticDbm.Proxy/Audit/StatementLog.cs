using System.Diagnostics;
using MarchProxy.Telemetry.Logs;

namespace ArticDbm.Proxy.Audit;

/// <summary>One loop's log of statements and log-ins: one JSON line each, built without allocation and handed on in blocks.</summary>
internal sealed class StatementLog(LineBatch? batch, TimeProvider time)
{
    private readonly JsonLine _line = new();
    private long _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
    private long _wallTimestamp = Stopwatch.GetTimestamp();

    public void Flush()
    {
        _wallMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
        _wallTimestamp = Stopwatch.GetTimestamp();
        batch?.Flush();
    }

    public void Write(StatementRecord record)
    {
        if (batch is null) return;
        Span<byte> address = stackalloc byte[64];
        _line.Begin();
        _line.Time("time"u8, _wallMicros + Micros(_wallTimestamp, record.Ended));
        _line.String("kind"u8, record.Kind);
        _line.String("engine"u8, record.Engine);
        _line.String("listener"u8, record.Listener);
        _line.String("client"u8, address[..record.Client.FormatAddress(address)]);
        _line.Number("client_port"u8, record.Client.Port);
        _line.String("account"u8, record.Account);
        if (record.Tenant.Length > 0) _line.String("tenant"u8, record.Tenant);
        _line.String("database"u8, record.Database);
        if (record.Server.Length > 0) _line.String("server"u8, record.Server);
        if (record.Fingerprint.Length > 0) _line.String("fingerprint"u8, record.Fingerprint);
        if (record.Text.Length > 0) _line.String("text"u8, record.Text);
        _line.String("decision"u8, record.Decision);
        if (record.Reason is { } reason) _line.String("reason"u8, reason);
        if (record.Rule is { } rule) _line.String("rule"u8, rule);
        if (record.SqlState is { } state) _line.String("sqlstate"u8, state);
        if (record.Count != 1) _line.Number("count"u8, record.Count);
        _line.Number("rows"u8, record.Rows);
        _line.Millis("duration_ms"u8, Micros(record.Started, record.Ended));
        batch.Append(_line.End());
    }

    private static long Micros(long from, long to) => (to - from) / (Stopwatch.Frequency / 1_000_000);
}
