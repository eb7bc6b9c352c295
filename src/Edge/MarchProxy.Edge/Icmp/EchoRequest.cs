using System.Buffers.Binary;

namespace MarchProxy.Edge.Icmp;

/// <summary>An ICMP echo request in a packet (RFC 792, RFC 4443 section 4.1), as far as a decision on it needs.</summary>
internal static class EchoRequest
{
    private const byte Icmp = 1, Icmp6 = 58, HopByHop = 0, Routing = 43, DestinationOptions = 60, EchoOf4 = 8, EchoOf6 = 128;

    /// <summary>Reads a packet from its IP header on.</summary>
    /// <param name="packet">Its first bytes.</param>
    /// <param name="source">Who sends it: 4 or 16 bytes of <paramref name="packet"/>.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="length">Bytes of the whole packet, as its header tells.</param>
    /// <returns>False when it is no echo request, or a later fragment of one.</returns>
    public static bool TryRead(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out int length)
    {
        source = destination = default;
        length = 0;
        if (packet.IsEmpty) return false;
        return (packet[0] >> 4) switch
        {
            4 => Read4(packet, out source, out destination, out length),
            6 => Read6(packet, out source, out destination, out length),
            _ => false,
        };
    }

    // RFC 791 section 3.1
    private static bool Read4(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out int length)
    {
        source = destination = default;
        length = 0;
        int header = (packet[0] & 15) * 4;
        if (header < 20 || packet.Length < header + 2 || packet[9] != Icmp) return false;
        bool later = (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x1FFF) != 0;
        if (later || packet[header] != EchoOf4 || packet[header + 1] != 0) return false;
        source = packet.Slice(12, 4);
        destination = packet.Slice(16, 4);
        length = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        return true;
    }

    // RFC 8200 sections 3 and 4; a routing header would take the packet elsewhere than its destination says (RFC 5095)
    private static bool Read6(ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> source, out ReadOnlySpan<byte> destination, out int length)
    {
        source = destination = default;
        length = 0;
        if (packet.Length < 40) return false;
        byte next = packet[6];
        int at = 40;
        while (next is HopByHop or DestinationOptions)
        {
            if (packet.Length < at + 2) return false;
            next = packet[at];
            at += (packet[at + 1] + 1) * 8;
        }

        if (next is Routing or not Icmp6 || packet.Length < at + 2 || packet[at] != EchoOf6 || packet[at + 1] != 0) return false;
        source = packet.Slice(8, 16);
        destination = packet.Slice(24, 16);
        length = 40 + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        return true;
    }
}
