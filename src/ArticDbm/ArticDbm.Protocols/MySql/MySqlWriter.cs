using System.Buffers.Binary;
using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>Writes packets, one behind the other, into an array that grows. A packet's length is filled in when it ends; one that is too long for a packet is cut into several.</summary>
public sealed class MySqlWriter
{
    private const int Initial = 1024;
    private byte[] _buffer = new byte[Initial];
    private int _start;
    private byte _sequence;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    /// <summary>The number of the next packet.</summary>
    public byte NextSequence => _sequence;

    /// <summary>Forgets what was written; a large buffer is let go.</summary>
    public void Clear()
    {
        Length = 0;
        if (_buffer.Length > 64 * Initial) _buffer = new byte[Initial];
    }

    /// <summary>Begins a packet with a number of its own.</summary>
    public MySqlWriter Begin(byte sequence)
    {
        _sequence = sequence;
        return Begin();
    }

    /// <summary>Begins a packet with the number behind the last one's.</summary>
    public MySqlWriter Begin()
    {
        Room(MySqlPacket.HeaderLength);
        _start = Length;
        Length += MySqlPacket.HeaderLength;
        return this;
    }

    /// <summary>Ends the packet.</summary>
    public void End()
    {
        int payload = Length - _start - MySqlPacket.HeaderLength;
        while (payload >= MySqlPacket.MaxPayload)
        {
            // Cut: what is behind moves back by a header.
            Room(MySqlPacket.HeaderLength);
            int next = _start + MySqlPacket.HeaderLength + MySqlPacket.MaxPayload;
            _buffer.AsSpan(next, Length - next).CopyTo(_buffer.AsSpan(next + MySqlPacket.HeaderLength));
            MySqlPacket.Write(_buffer.AsSpan(_start), MySqlPacket.MaxPayload, _sequence++);
            Length += MySqlPacket.HeaderLength;
            _start = next;
            payload -= MySqlPacket.MaxPayload;
        }

        MySqlPacket.Write(_buffer.AsSpan(_start), payload, _sequence++);
    }

    /// <summary>Adds a byte.</summary>
    public MySqlWriter Byte(byte value)
    {
        Room(1);
        _buffer[Length++] = value;
        return this;
    }

    /// <summary>Adds a 16-bit number.</summary>
    public MySqlWriter UInt16(ushort value)
    {
        Room(2);
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(Length), value);
        Length += 2;
        return this;
    }

    /// <summary>Adds a 32-bit number.</summary>
    public MySqlWriter UInt32(uint value)
    {
        Room(4);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(Length), value);
        Length += 4;
        return this;
    }

    /// <summary>Adds a number that tells its own length.</summary>
    public MySqlWriter Number(ulong value)
    {
        if (value < 0xFB) return Byte((byte)value);
        if (value <= 0xFFFF) return Byte(0xFC).UInt16((ushort)value);
        if (value <= 0xFFFFFF) return Byte(0xFD).UInt16((ushort)value).Byte((byte)(value >> 16));
        return Byte(0xFE).UInt32((uint)value).UInt32((uint)(value >> 32));
    }

    /// <summary>Adds bytes.</summary>
    public MySqlWriter Bytes(ReadOnlySpan<byte> value)
    {
        Room(value.Length);
        value.CopyTo(_buffer.AsSpan(Length));
        Length += value.Length;
        return this;
    }

    /// <summary>Adds bytes behind their number.</summary>
    public MySqlWriter Counted(ReadOnlySpan<byte> value) => Number((ulong)value.Length).Bytes(value);

    /// <summary>Adds a text behind the number of its bytes.</summary>
    public MySqlWriter Counted(string value) => Counted(Encoding.UTF8.GetBytes(value));

    /// <summary>Adds a text.</summary>
    public MySqlWriter Text(string value)
    {
        Room(Encoding.UTF8.GetMaxByteCount(value.Length));
        Length += Encoding.UTF8.GetBytes(value, _buffer.AsSpan(Length));
        return this;
    }

    /// <summary>Adds a text with its zero byte; a zero inside ends it.</summary>
    public MySqlWriter Zeroed(string value)
    {
        int zero = value.IndexOf('\0', StringComparison.Ordinal);
        return Text(zero < 0 ? value : value[..zero]).Byte(0);
    }

    /// <summary>Adds zeros.</summary>
    public MySqlWriter Zeros(int count)
    {
        Room(count);
        _buffer.AsSpan(Length, count).Clear();
        Length += count;
        return this;
    }

    private void Room(int more)
    {
        if (_buffer.Length - Length >= more) return;
        Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max((long)_buffer.Length * 2, (long)Length + more)));
    }
}
