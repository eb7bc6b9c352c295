using System.Buffers.Binary;

namespace ArticDbm.Protocols.Postgres;

/// <summary>What a look for a message found.</summary>
public enum FrameStatus
{
    /// <summary>A whole header is here; the body may still come.</summary>
    Ok,

    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>It is no message.</summary>
    Malformed,
}

/// <summary>The frame of a message, PostgreSQL protocol 3.0 (documentation, chapter "Message Formats"): a type byte, then a length that counts itself and the body.</summary>
/// <param name="Type">The message's type.</param>
/// <param name="Length">Bytes of the whole message, type and length included.</param>
public readonly record struct PgFrame(byte Type, int Length)
{
    /// <summary>Bytes of type and length.</summary>
    public const int HeaderLength = 5;

    /// <summary>The longest body taken: what PostgreSQL itself takes of a query (1 GiB less its overhead). A length near 2^31 is an attack on sums.</summary>
    public const int MaxLength = 0x3FFFFFFF;

    /// <summary>Bytes of the body.</summary>
    public int BodyLength => Length - HeaderLength;

    /// <summary>Looks for a header.</summary>
    /// <param name="data">What is here.</param>
    /// <param name="frame">The frame.</param>
    public static FrameStatus TryRead(ReadOnlySpan<byte> data, out PgFrame frame)
    {
        frame = default;
        if (data.Length < HeaderLength) return data.IsEmpty || IsType(data[0]) ? FrameStatus.NeedMore : FrameStatus.Malformed;
        int length = BinaryPrimitives.ReadInt32BigEndian(data[1..]);
        if (length is < 4 or > MaxLength || !IsType(data[0])) return FrameStatus.Malformed;
        frame = new PgFrame(data[0], length + 1);
        return FrameStatus.Ok;
    }

    private static bool IsType(byte type) => type is >= (byte)'0' and <= (byte)'z';
}
