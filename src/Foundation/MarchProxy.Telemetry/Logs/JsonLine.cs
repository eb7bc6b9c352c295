using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MarchProxy.Telemetry.Logs;

/// <summary>
/// Builds one JSON object as a line of UTF-8, in its own buffer, without allocation. Whatever the values hold, the line is valid JSON (RFC 8259): what
/// must be escaped is, and bytes that are no UTF-8 become U+FFFD.
/// </summary>
public sealed class JsonLine
{
    /// <summary>Bytes of one value; the rest is cut. A path or agent longer than this says nothing more.</summary>
    public const int MaxValueBytes = 2048;

    // Printable ASCII but the two that JSON escapes: a run of these is copied as it is.
    private static readonly SearchValues<byte> s_plain = SearchValues.Create(
        " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private readonly byte[] _second = new byte[19];
    private byte[] _buffer = new byte[2048];
    private int _length;
    private long _secondNumber = -1;

    /// <summary>Begins a line; what was there is forgotten.</summary>
    public void Begin()
    {
        _length = 0;
        _buffer[_length++] = (byte)'{';
    }

    /// <summary>Adds a text.</summary>
    /// <param name="name">The member, which needs no escaping.</param>
    /// <param name="value">UTF-8.</param>
    public void String(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (value.Length > MaxValueBytes) value = value[..MaxValueBytes];
        Name(name, (value.Length * 6) + 2);
        _buffer[_length++] = (byte)'"';
        Escape(value);
        _buffer[_length++] = (byte)'"';
    }

    /// <summary>Adds a text.</summary>
    /// <param name="name">The member, which needs no escaping.</param>
    /// <param name="value">The text.</param>
    public void String(ReadOnlySpan<byte> name, string value)
    {
        Span<byte> bytes = stackalloc byte[MaxValueBytes];
        Encoding.UTF8.TryGetBytes(value.AsSpan(0, Math.Min(value.Length, MaxValueBytes / 3)), bytes, out int length);
        String(name, bytes[..length]);
    }

    /// <summary>Adds a number.</summary>
    /// <param name="name">The member.</param>
    /// <param name="value">Its value.</param>
    public void Number(ReadOnlySpan<byte> name, long value)
    {
        Name(name, 20);
        Digits(value);
    }

    /// <summary>Adds milliseconds with three decimals.</summary>
    /// <param name="name">The member.</param>
    /// <param name="microseconds">The duration; a negative one counts as zero.</param>
    public void Millis(ReadOnlySpan<byte> name, long microseconds)
    {
        Name(name, 24);
        microseconds = Math.Max(0, microseconds);
        Digits(microseconds / 1000);
        _buffer[_length++] = (byte)'.';
        Padded((int)(microseconds % 1000), 3);
    }

    /// <summary>Adds a truth value.</summary>
    /// <param name="name">The member.</param>
    /// <param name="value">Its value.</param>
    public void Bool(ReadOnlySpan<byte> name, bool value)
    {
        Name(name, 5);
        Append(value ? "true"u8 : "false"u8);
    }

    /// <summary>Adds a time as RFC 3339 in UTC with microseconds.</summary>
    /// <param name="name">The member.</param>
    /// <param name="unixMicroseconds">Microseconds since the Unix epoch.</param>
    public void Time(ReadOnlySpan<byte> name, long unixMicroseconds)
    {
        Name(name, 32);
        long second = unixMicroseconds / 1_000_000;
        if (second != _secondNumber)
        {
            _secondNumber = second;
            DateTimeOffset.FromUnixTimeSeconds(second).UtcDateTime.TryFormat(_second, out _, "s", CultureInfo.InvariantCulture);
        }

        _buffer[_length++] = (byte)'"';
        Append(_second);
        _buffer[_length++] = (byte)'.';
        Padded((int)(unixMicroseconds % 1_000_000), 6);
        Append("Z\""u8);
    }

    /// <summary>Ends the line.</summary>
    /// <returns>The line with its line break; good until the next <see cref="Begin"/>.</returns>
    public ReadOnlySpan<byte> End()
    {
        Room(2);
        _buffer[_length++] = (byte)'}';
        _buffer[_length++] = (byte)'\n';
        return _buffer.AsSpan(0, _length);
    }

    private void Name(ReadOnlySpan<byte> name, int valueBytes)
    {
        Room(name.Length + valueBytes + 4);
        if (_length > 1) _buffer[_length++] = (byte)',';
        _buffer[_length++] = (byte)'"';
        Append(name);
        _buffer[_length++] = (byte)'"';
        _buffer[_length++] = (byte)':';
    }

    private void Escape(ReadOnlySpan<byte> value)
    {
        while (true)
        {
            int plain = value.IndexOfAnyExcept(s_plain);
            if (plain < 0)
            {
                Append(value);
                return;
            }

            Append(value[..plain]);
            value = value[(plain + 1)..] is var rest && value[plain] < 0x80 ? EscapeAscii(value[plain], rest) : EscapeRune(value[plain..]);
        }
    }

    private ReadOnlySpan<byte> EscapeAscii(byte b, ReadOnlySpan<byte> rest)
    {
        if (b is (byte)'"' or (byte)'\\')
        {
            _buffer[_length++] = (byte)'\\';
            _buffer[_length++] = b;
            return rest;
        }

        Append("\\u00"u8);
        _buffer[_length++] = "0123456789abcdef"u8[b >> 4];
        _buffer[_length++] = "0123456789abcdef"u8[b & 0xF];
        return rest;
    }

    private ReadOnlySpan<byte> EscapeRune(ReadOnlySpan<byte> value)
    {
        bool valid = Rune.DecodeFromUtf8(value, out _, out int used) == OperationStatus.Done;
        Append(valid ? value[..used] : "\uFFFD"u8);
        return value[used..];
    }

    private void Digits(long value)
    {
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_length), out int written);
        _length += written;
    }

    private void Padded(int value, int digits)
    {
        for (int i = digits - 1; i >= 0; i--, value /= 10) _buffer[_length + i] = (byte)('0' + (value % 10));
        _length += digits;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Room(int bytes)
    {
        if (_buffer.Length - _length < bytes) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + bytes));
    }
}
