using System.Buffers.Text;
using System.Text;

namespace ArticDbm.Protocols.Redis;

/// <summary>Writes commands and replies of RESP, one behind the other, into an array that grows.</summary>
public sealed class RespWriter
{
    private const int Initial = 512, Keep = 64 << 10;
    private byte[] _buffer = new byte[Initial];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Forgets what was written.</summary>
    public void Clear()
    {
        _length = 0;
        if (_buffer.Length > Keep) _buffer = new byte[Initial];
    }

    /// <summary>A command.</summary>
    /// <param name="words">Its words.</param>
    public void Command(params ReadOnlySpan<string> words)
    {
        Header((byte)'*', words.Length);
        foreach (string word in words) Bulk(word);
    }

    /// <summary>A header: a type, a number, CRLF.</summary>
    /// <param name="type">The type.</param>
    /// <param name="number">The number.</param>
    public void Header(byte type, long number)
    {
        Room(24);
        _buffer[_length++] = type;
        Utf8Formatter.TryFormat(number, _buffer.AsSpan(_length), out int written);
        _length += written;
        End();
    }

    /// <summary>A map's header: an array of twice as many in RESP2.</summary>
    /// <param name="protocol">2 or 3.</param>
    /// <param name="pairs">Entries.</param>
    public void Map(int protocol, int pairs) => Header(protocol == 3 ? (byte)'%' : (byte)'*', protocol == 3 ? pairs : 2 * pairs);

    /// <summary>A bulk string.</summary>
    /// <param name="value">Its bytes.</param>
    public void Bulk(ReadOnlySpan<byte> value)
    {
        Header((byte)'$', value.Length);
        Raw(value);
        End();
    }

    /// <summary>A bulk string.</summary>
    /// <param name="value">Its text.</param>
    public void Bulk(string value) => Bulk(Encoding.UTF8.GetBytes(value));

    /// <summary>Nothing: the null of the protocol's version.</summary>
    /// <param name="protocol">2 or 3.</param>
    public void Null(int protocol) => Raw(protocol == 3 ? "_\r\n"u8 : "$-1\r\n"u8);

    /// <summary>A simple string or error: a line, whatever is in the text.</summary>
    /// <param name="type">"+" or "-".</param>
    /// <param name="text">The text.</param>
    public void Line(byte type, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Room(bytes.Length + 1);
        _buffer[_length++] = type;
        foreach (byte b in bytes) _buffer[_length++] = b is (byte)'\r' or (byte)'\n' ? (byte)' ' : b;
        End();
    }

    /// <summary>Bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void End()
    {
        Room(2);
        _buffer[_length++] = (byte)'\r';
        _buffer[_length++] = (byte)'\n';
    }

    private void Room(int more)
    {
        if (_buffer.Length - _length < more) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + more));
    }
}
