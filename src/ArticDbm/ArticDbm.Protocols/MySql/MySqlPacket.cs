namespace ArticDbm.Protocols.MySql;

/// <summary>
/// The frame of a packet (documentation, "MySQL Packets"): three bytes of length, low first, and a number that counts up within an exchange. What is longer than
/// <see cref="MaxPayload"/> bytes goes on in the next packet; one that is exactly so long is followed by another, if need be an empty one.
/// </summary>
/// <param name="PayloadLength">Bytes behind the header.</param>
/// <param name="Sequence">Its number.</param>
public readonly record struct MySqlPacket(int PayloadLength, byte Sequence)
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderLength = 4;

    /// <summary>The most that one packet carries.</summary>
    public const int MaxPayload = 0xFFFFFF;

    /// <summary>Bytes of header and payload.</summary>
    public int Length => HeaderLength + PayloadLength;

    /// <summary>Whether the next packet goes on with this one's content.</summary>
    public bool GoesOn => PayloadLength == MaxPayload;

    /// <summary>Looks for a header.</summary>
    /// <param name="data">What is here.</param>
    /// <param name="packet">The packet's frame.</param>
    /// <returns>Whether a whole header is here.</returns>
    public static bool TryRead(ReadOnlySpan<byte> data, out MySqlPacket packet)
    {
        packet = default;
        if (data.Length < HeaderLength) return false;
        packet = new MySqlPacket(data[0] | (data[1] << 8) | (data[2] << 16), data[3]);
        return true;
    }

    /// <summary>Writes a header.</summary>
    /// <param name="to">Four bytes.</param>
    /// <param name="payloadLength">Bytes that follow.</param>
    /// <param name="sequence">The number.</param>
    public static void Write(Span<byte> to, int payloadLength, byte sequence)
    {
        to[0] = (byte)payloadLength;
        to[1] = (byte)(payloadLength >> 8);
        to[2] = (byte)(payloadLength >> 16);
        to[3] = sequence;
    }

    /// <summary>Looks for a whole message: one packet, or as many as its content goes on for, whose numbers count up.</summary>
    /// <param name="data">What is here.</param>
    /// <param name="length">Bytes of all its packets, as far as is known.</param>
    /// <param name="payload">Bytes of its content, as far as is known.</param>
    /// <returns>Ok when all of it is here.</returns>
    public static MySqlMessageStatus TryReadMessage(ReadOnlySpan<byte> data, out long length, out long payload)
    {
        length = payload = 0;
        int number = -1;
        while (true)
        {
            if (length > data.Length || !TryRead(data[(int)length..], out MySqlPacket packet)) return MySqlMessageStatus.NeedMore;
            if (number >= 0 && packet.Sequence != (byte)(number + 1)) return MySqlMessageStatus.OutOfOrder;
            number = packet.Sequence;
            length += packet.Length;
            payload += packet.PayloadLength;
            if (!packet.GoesOn) return length <= data.Length ? MySqlMessageStatus.Ok : MySqlMessageStatus.NeedMore;
        }
    }

    /// <summary>Joins the content of a message that takes several packets.</summary>
    /// <param name="message">All its packets.</param>
    /// <param name="to">Where to; as long as the content.</param>
    public static void Join(ReadOnlySpan<byte> message, Span<byte> to)
    {
        while (TryRead(message, out MySqlPacket packet))
        {
            message.Slice(HeaderLength, packet.PayloadLength).CopyTo(to);
            to = to[packet.PayloadLength..];
            message = message[packet.Length..];
        }
    }
}

/// <summary>What a look for a message found.</summary>
public enum MySqlMessageStatus
{
    /// <summary>All of it is here.</summary>
    Ok,

    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>The numbers of its packets do not count up.</summary>
    OutOfOrder,
}
