using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Access;

/// <summary>Writes access lines by a template, without allocation. What a client sent is escaped as nginx does, so that no line can be forged.</summary>
internal sealed class LineTemplate(AccessLogFormat format)
{
    /// <summary>Bytes of a line; the rest is cut. All texts of a record together are shorter.</summary>
    private const int MaxLine = 16 << 10;

    private readonly (LogVariable Variable, byte[] Text)[] _pieces = [.. format.Pieces.Select(p => (p.Variable, Encoding.UTF8.GetBytes(p.Text)))];
    private readonly byte[] _buffer = new byte[MaxLine];
    private int _length;

    /// <summary>Whether it tells fields that are not kept otherwise.</summary>
    public bool NeedsAgent { get; } = format.Pieces.Any(p => p.Variable is LogVariable.HttpUserAgent or LogVariable.HttpReferer);

    /// <summary>One line, good until the next.</summary>
    /// <param name="record">What it tells.</param>
    /// <param name="unixMicros">When it ended.</param>
    public ReadOnlySpan<byte> Write(AccessRecord record, long unixMicros)
    {
        _length = 0;
        foreach ((LogVariable variable, byte[] text) in _pieces)
        {
            int before = _length;
            if (variable == LogVariable.Text) Raw(text);
            else Value(variable, record, unixMicros);
            if (variable != LogVariable.Text && _length == before) Raw("-"u8);
        }

        if (_length == MaxLine) _length--;
        _buffer[_length++] = (byte)'\n';
        return _buffer.AsSpan(0, _length);
    }

    private void Value(LogVariable variable, AccessRecord record, long unixMicros)
    {
        switch (variable)
        {
            case LogVariable.RemoteAddr: Address(record.Client); break;
            case LogVariable.RemotePort: Number(record.Client.Port); break;
            case LogVariable.RemoteUser: Text(record.Source); break;
            case LogVariable.TimeIso8601: Time(unixMicros, "yyyy-MM-ddTHH:mm:ss+00:00"); break;
            case LogVariable.TimeLocal: Time(unixMicros, "dd/MMM/yyyy:HH:mm:ss +0000"); break;
            case LogVariable.Msec: Decimal(unixMicros / 1000); break;
            case LogVariable.Request: Request(record); break;
            case LogVariable.RequestMethod: Escaped(record.Method); break;
            case LogVariable.RequestUri: Escaped(record.Path); break;
            case LogVariable.Uri: Escaped(record.Path.IndexOf((byte)'?') is >= 0 and var end ? record.Path[..end] : record.Path); break;
            case LogVariable.Args: Escaped(record.Path.IndexOf((byte)'?') is >= 0 and var mark ? record.Path[(mark + 1)..] : default); break;
            case LogVariable.ServerProtocol: Text(Protocol(record)); break;
            case LogVariable.Host: Escaped(record.Host); break;
            case LogVariable.HttpUserAgent: Escaped(record.UserAgent); break;
            case LogVariable.HttpReferer: Escaped(record.Referer); break;
            case LogVariable.Status: Number(record.Status); break;
            case LogVariable.BytesSent: Number(record.BytesOut); break;
            case LogVariable.RequestLength: Number(record.BytesIn); break;
            case LogVariable.RequestTime: Seconds(record.Started, record.Ended); break;
            case LogVariable.UpstreamAddr: Upstream(record); break;
            case LogVariable.UpstreamConnectTime: Seconds(record.Started, record.Connected); break;
            case LogVariable.UpstreamHeaderTime: Seconds(record.Started, record.FirstByte); break;
            case LogVariable.UpstreamCacheStatus: Text(record.Cache); break;
            case LogVariable.Listener: Text(record.Listener); break;
            case LogVariable.Kind: Text(record.Kind); break;
            case LogVariable.Rule: Text(record.Rule); break;
            case LogVariable.Destination: Text(record.Destination); break;
            case LogVariable.Decision: Text(record.Effect); break;
            case LogVariable.Reason: Text(record.Reason); break;
            case LogVariable.Retries: Number(record.Retries); break;
            case LogVariable.Waf: Text(record.Waf); break;
        }
    }

    private void Request(AccessRecord record)
    {
        if (record.Method.IsEmpty) return;
        Escaped(record.Method);
        Raw(" "u8);
        Escaped(record.Path.IsEmpty ? record.Host : record.Path);
        Raw(" "u8);
        Text(Protocol(record));
    }

    private static string? Protocol(AccessRecord record) => record.Method.IsEmpty ? null : record.Kind == "http2" ? "HTTP/2.0" : "HTTP/1.1";

    private void Upstream(AccessRecord record)
    {
        if (record.Upstream.Family == default) return;
        bool v6 = record.Upstream.Family == System.Net.Sockets.AddressFamily.InterNetworkV6;
        if (v6) Raw("["u8);
        Address(record.Upstream);
        if (v6) Raw("]"u8);
        Raw(":"u8);
        Number(record.Upstream.Port);
    }

    private void Address(in MarchProxy.Net.Endpoint endpoint)
    {
        Span<byte> address = stackalloc byte[64];
        Raw(address[..endpoint.FormatAddress(address)]);
    }

    private void Time(long unixMicros, string format)
    {
        DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(unixMicros / 1000);
        if (time.TryFormat(_buffer.AsSpan(_length), out int written, format, CultureInfo.InvariantCulture)) _length += written;
    }

    private void Seconds(long from, long to)
    {
        if (to != 0) Decimal(Math.Max(0, (to - from) / (Stopwatch.Frequency / 1000)));
    }

    /// <summary>Thousandths with three decimals.</summary>
    private void Decimal(long thousandths)
    {
        Number(thousandths / 1000);
        Span<byte> rest = [(byte)'.', (byte)('0' + (thousandths / 100 % 10)), (byte)('0' + (thousandths / 10 % 10)), (byte)('0' + (thousandths % 10))];
        Raw(rest);
    }

    private void Number(long value)
    {
        if (Utf8Formatter.TryFormat(value, _buffer.AsSpan(_length), out int written)) _length += written;
    }

    private void Text(string? value)
    {
        if (value is not null && Encoding.UTF8.TryGetBytes(value, _buffer.AsSpan(_length), out int written)) _length += written;
    }

    /// <summary>Quotes, backslashes and what is not printable as <c>\xHH</c>.</summary>
    private void Escaped(ReadOnlySpan<byte> value)
    {
        foreach (byte b in value)
        {
            if (_length + 4 > MaxLine) return;
            if (b is >= 0x20 and < 0x7F and not (byte)'"' and not (byte)'\\')
            {
                _buffer[_length++] = b;
                continue;
            }

            _buffer[_length++] = (byte)'\\';
            _buffer[_length++] = (byte)'x';
            _buffer[_length++] = "0123456789ABCDEF"u8[b >> 4];
            _buffer[_length++] = "0123456789ABCDEF"u8[b & 0xF];
        }
    }

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        int take = Math.Min(bytes.Length, MaxLine - _length);
        bytes[..take].CopyTo(_buffer.AsSpan(_length));
        _length += take;
    }
}
