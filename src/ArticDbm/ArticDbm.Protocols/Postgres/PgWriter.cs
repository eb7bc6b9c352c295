using System.Buffers.Binary;
using System.Text;

namespace ArticDbm.Protocols.Postgres;

/// <summary>Writes messages, one behind the other, into an array that grows up to a bound. Each message's length is filled in when it ends.</summary>
public sealed class PgWriter
{
    private const int Initial = 1024;
    private readonly int _most;
    private byte[] _buffer = new byte[Initial];
    private int _start;

    /// <summary>Makes an empty one.</summary>
    /// <param name="mostBytes">Bytes that it may hold.</param>
    public PgWriter(int mostBytes = PgFrame.MaxLength) => _most = mostBytes;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what was written; a large buffer is let go.</summary>
    public void Clear()
    {
        Length = 0;
        if (_buffer.Length > 64 * Initial) _buffer = new byte[Initial];
    }

    /// <summary>Begins a message.</summary>
    public PgWriter Begin(byte type)
    {
        Room(PgFrame.HeaderLength);
        _buffer[Length] = type;
        _start = Length + 1;
        Length += PgFrame.HeaderLength;
        return this;
    }

    /// <summary>Begins a packet without a type: a start, or a cancel.</summary>
    public PgWriter BeginUntyped()
    {
        Room(4);
        _start = Length;
        Length += 4;
        return this;
    }

    /// <summary>Ends the message.</summary>
    public void End() => BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_start), Length - _start);

    /// <summary>Adds a byte.</summary>
    public PgWriter Byte(byte value)
    {
        Room(1);
        _buffer[Length++] = value;
        return this;
    }

    /// <summary>Adds a 16-bit number.</summary>
    public PgWriter Int16(short value)
    {
        Room(2);
        BinaryPrimitives.WriteInt16BigEndian(_buffer.AsSpan(Length), value);
        Length += 2;
        return this;
    }

    /// <summary>Adds a 32-bit number.</summary>
    public PgWriter Int32(int value)
    {
        Room(4);
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(Length), value);
        Length += 4;
        return this;
    }

    /// <summary>Adds bytes.</summary>
    public PgWriter Bytes(ReadOnlySpan<byte> value)
    {
        Room(value.Length);
        value.CopyTo(_buffer.AsSpan(Length));
        Length += value.Length;
        return this;
    }

    /// <summary>Adds a text with its zero byte; a zero inside ends it.</summary>
    public PgWriter Text(string value)
    {
        int zero = value.IndexOf('\0', StringComparison.Ordinal);
        ReadOnlySpan<char> text = zero < 0 ? value : value.AsSpan(0, zero);
        Room(Encoding.UTF8.GetMaxByteCount(text.Length) + 1);
        Length += Encoding.UTF8.GetBytes(text, _buffer.AsSpan(Length));
        _buffer[Length++] = 0;
        return this;
    }

    private void Room(int more)
    {
        if (_buffer.Length - Length >= more) return;
        long wanted = Math.Max((long)_buffer.Length * 2, (long)Length + more);
        if (wanted > _most) wanted = (long)Length + more;
        if (wanted > _most) throw new InvalidOperationException("A message is longer than its bound.");
        Array.Resize(ref _buffer, (int)wanted);
    }
}
