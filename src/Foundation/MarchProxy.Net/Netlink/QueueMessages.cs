using System.Buffers.Binary;

namespace MarchProxy.Net.Netlink;

/// <summary>A packet that the kernel holds until it is told what to do with it.</summary>
/// <param name="Id">Its number in its queue.</param>
/// <param name="Start">Where in the message its bytes begin, with the IP header.</param>
/// <param name="Length">How many of them there are.</param>
public readonly record struct QueuedPacket(uint Id, int Start, int Length);

/// <summary>What a netlink message of a packet queue is.</summary>
public enum QueueMessageKind
{
    /// <summary>A packet.</summary>
    Packet,

    /// <summary>An error of the kernel's, or its word that all is well.</summary>
    Answer,

    /// <summary>Something else, to be passed over.</summary>
    Other,

    /// <summary>It is cut or no netlink.</summary>
    Malformed,
}

/// <summary>
/// The messages of the kernel's packet queues (linux/netfilter/nfnetlink_queue.h over linux/netlink.h): all in the host's byte order but for what is marked __be.
/// </summary>
public static class QueueMessages
{
    private const int NetlinkHeader = 16, FamilyHeader = 4;
    private const ushort Subsystem = 3 << 8, PacketMessage = Subsystem, VerdictMessage = Subsystem | 1, ConfigMessage = Subsystem | 2, ErrorMessage = 2;
    private const ushort Request = 1, Acknowledge = 4;
    private const ushort PacketHeaderAttribute = 1, VerdictAttribute = 2, PayloadAttribute = 10;
    private const ushort CommandAttribute = 1, ParametersAttribute = 2, MaxLengthAttribute = 3;

    /// <summary>Asks for a queue (NFQNL_CFG_CMD_BIND).</summary>
    /// <param name="queue">Its number.</param>
    public static byte[] Bind(ushort queue) => Config(queue, CommandAttribute, [1, 0, 0, 0]);

    /// <summary>Asks for the first bytes of each packet (NFQNL_COPY_PACKET).</summary>
    /// <param name="queue">The queue's number.</param>
    /// <param name="bytes">How many.</param>
    public static byte[] Copy(ushort queue, int bytes)
    {
        byte[] parameters = new byte[5];
        BinaryPrimitives.WriteInt32BigEndian(parameters, bytes);
        parameters[4] = 2;
        return Config(queue, ParametersAttribute, parameters);
    }

    /// <summary>Sets how many packets may wait; the kernel drops more.</summary>
    /// <param name="queue">The queue's number.</param>
    /// <param name="packets">How many.</param>
    public static byte[] MaxLength(ushort queue, int packets)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, packets);
        return Config(queue, MaxLengthAttribute, length);
    }

    /// <summary>Writes a verdict.</summary>
    /// <param name="to">At least 32 bytes.</param>
    /// <param name="queue">The queue's number.</param>
    /// <param name="packet">The packet's.</param>
    /// <param name="accept">Whether it goes on; else it is dropped.</param>
    /// <returns>Bytes written.</returns>
    public static int Verdict(Span<byte> to, ushort queue, uint packet, bool accept)
    {
        const int length = NetlinkHeader + FamilyHeader + 12;
        Header(to, length, VerdictMessage, Request, queue);
        BitConverter.TryWriteBytes(to[20..], (ushort)12);
        BitConverter.TryWriteBytes(to[22..], VerdictAttribute);
        BinaryPrimitives.WriteUInt32BigEndian(to[24..], accept ? 1u : 0u);
        BinaryPrimitives.WriteUInt32BigEndian(to[28..], packet);
        return length;
    }

    /// <summary>Reads the first of the messages in a buffer.</summary>
    /// <param name="bytes">What came.</param>
    /// <param name="length">How much of it the message takes, with its padding.</param>
    /// <param name="packet">The packet, of <see cref="QueueMessageKind.Packet"/>; its bytes are counted from the start of <paramref name="bytes"/>.</param>
    /// <param name="error">Zero or a negative error number, of <see cref="QueueMessageKind.Answer"/>.</param>
    public static QueueMessageKind Read(ReadOnlySpan<byte> bytes, out int length, out QueuedPacket packet, out int error)
    {
        (length, packet, error) = (bytes.Length, default, 0);
        if (bytes.Length < NetlinkHeader) return QueueMessageKind.Malformed;
        uint whole = BitConverter.ToUInt32(bytes);
        if (whole < NetlinkHeader || whole > (uint)bytes.Length) return QueueMessageKind.Malformed;
        length = Math.Min(bytes.Length, ((int)whole + 3) & ~3);
        ReadOnlySpan<byte> message = bytes[..(int)whole];
        switch (BitConverter.ToUInt16(message[4..]))
        {
            case ErrorMessage:
                if (message.Length < NetlinkHeader + 4) return QueueMessageKind.Malformed;
                error = BitConverter.ToInt32(message[NetlinkHeader..]);
                return QueueMessageKind.Answer;
            case PacketMessage:
                return Packet(message, out packet) ? QueueMessageKind.Packet : QueueMessageKind.Malformed;
            default:
                return QueueMessageKind.Other;
        }
    }

    private static bool Packet(ReadOnlySpan<byte> message, out QueuedPacket packet)
    {
        packet = default;
        uint? id = null;
        (int Start, int Length) payload = default;
        for (int at = NetlinkHeader + FamilyHeader; at + 4 <= message.Length;)
        {
            int length = BitConverter.ToUInt16(message[at..]), type = BitConverter.ToUInt16(message[(at + 2)..]) & 0x3FFF;
            if (length < 4 || at + length > message.Length) return false;
            if (type == PacketHeaderAttribute && length >= 11) id = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
            else if (type == PayloadAttribute) payload = (at + 4, length - 4);
            at += (length + 3) & ~3;
        }

        if (id is not { } number) return false;
        packet = new QueuedPacket(number, payload.Start, payload.Length);
        return true;
    }

    private static byte[] Config(ushort queue, ushort attribute, ReadOnlySpan<byte> value)
    {
        int length = NetlinkHeader + FamilyHeader + 4 + value.Length;
        byte[] message = new byte[(length + 3) & ~3];
        Header(message, message.Length, ConfigMessage, Request | Acknowledge, queue);
        BitConverter.TryWriteBytes(message.AsSpan(20), (ushort)(4 + value.Length));
        BitConverter.TryWriteBytes(message.AsSpan(22), attribute);
        value.CopyTo(message.AsSpan(24));
        return message;
    }

    private static void Header(Span<byte> to, int length, ushort type, ushort flags, ushort queue)
    {
        to[..(NetlinkHeader + FamilyHeader)].Clear();
        BitConverter.TryWriteBytes(to, length);
        BitConverter.TryWriteBytes(to[4..], type);
        BitConverter.TryWriteBytes(to[6..], flags);
        BinaryPrimitives.WriteUInt16BigEndian(to[18..], queue);
    }
}
