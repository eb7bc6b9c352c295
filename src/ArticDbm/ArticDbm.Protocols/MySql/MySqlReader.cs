using System.Buffers.Binary;
using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>Reads the fields of a packet, one after the other. What is not there reads as nothing and sets <see cref="Failed"/>: asked once, at the end.</summary>
public ref struct MySqlReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Begins at the front.</summary>
    /// <param name="data">A packet's payload.</param>
    public MySqlReader(ReadOnlySpan<byte> data) => _rest = data;

    /// <summary>Whether a field was missing or made no sense.</summary>
    public bool Failed { get; private set; }

    /// <summary>What is left.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>Whether nothing is left.</summary>
    public readonly bool IsEmpty => _rest.IsEmpty;

    /// <summary>A byte.</summary>
    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    /// <summary>Two bytes, low first.</summary>
    public ushort UInt16() => Take(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    /// <summary>Four bytes, low first.</summary>
    public uint UInt32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>A number that tells its own length (documentation, "Length-Encoded Integers").</summary>
    public ulong Number()
    {
        byte first = Byte();
        switch (first)
        {
            case < 0xFB:
                return first;
            case 0xFC:
                return UInt16();
            case 0xFD:
                return Take(3) is { Length: 3 } three ? (uint)(three[0] | (three[1] << 8) | (three[2] << 16)) : 0;
            case 0xFE:
                return Take(8) is { Length: 8 } eight ? BinaryPrimitives.ReadUInt64LittleEndian(eight) : 0;
            default:
                Failed = true;
                return 0;
        }
    }

    /// <summary>Bytes behind a number that tells how many.</summary>
    public ReadOnlySpan<byte> Counted()
    {
        ulong length = Number();
        if (length > (ulong)_rest.Length)
        {
            Failed = true;
            return default;
        }

        return Take((int)length);
    }

    /// <summary>The same, of a row of the text protocol, where a mark stands for NULL.</summary>
    /// <returns>The text; null for NULL.</returns>
    public string? Cell()
    {
        if (_rest is not [0xFB, ..]) return Encoding.UTF8.GetString(Counted());
        _rest = _rest[1..];
        return null;
    }

    /// <summary>Bytes up to a zero, which is taken too.</summary>
    public ReadOnlySpan<byte> Zeroed()
    {
        int end = _rest.IndexOf((byte)0);
        if (end < 0)
        {
            Failed = true;
            return default;
        }

        ReadOnlySpan<byte> value = _rest[..end];
        _rest = _rest[(end + 1)..];
        return value;
    }

    /// <summary>So many bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            Failed = true;
            _rest = default;
            return default;
        }

        ReadOnlySpan<byte> value = _rest[..count];
        _rest = _rest[count..];
        return value;
    }
}
