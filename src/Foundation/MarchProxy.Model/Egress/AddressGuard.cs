using System.Buffers.Binary;
using System.Net;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>What kind of address the guard found.</summary>
public enum AddressClass
{
    /// <summary>A global unicast address.</summary>
    Global,

    /// <summary>127.0.0.0/8, ::1.</summary>
    Loopback,

    /// <summary>169.254.0.0/16 with the cloud metadata services, fe80::/10.</summary>
    LinkLocal,

    /// <summary>RFC 1918, fc00::/7.</summary>
    Private,

    /// <summary>100.64.0.0/10, RFC 6598.</summary>
    CarrierGradeNat,

    /// <summary>224.0.0.0/4, ff00::/8.</summary>
    Multicast,

    /// <summary>0.0.0.0/8, ::.</summary>
    Unspecified,

    /// <summary>Broadcast, documentation, benchmarking, future use: RFC 6890.</summary>
    Reserved,
}

/// <summary>
/// Judges the address that a name resolved to: anything that is not global is refused unless the destination names that range.
/// An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is judged by both.
/// </summary>
public static class AddressGuard
{
    /// <summary>Whether a destination may be dialled at an address.</summary>
    /// <param name="destination">The destination; its allowAddresses and the networks among its addresses open ranges.</param>
    /// <param name="address">The address that would be dialled.</param>
    public static bool Allows(Service destination, IPAddress address)
    {
        return Classify(address) == AddressClass.Global || Names(destination, address, alone: false);
    }

    /// <summary>Whether a destination's allowAddresses, or the networks among its addresses, hold an address.</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="address">The address.</param>
    /// <param name="alone">Whether only networks of that one address count.</param>
    internal static bool Names(Service destination, IPAddress address, bool alone)
    {
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        int whole = plain.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? 128 : 32;
        foreach (IPNetwork network in destination.AllowAddresses)
        {
            if (network.Contains(plain) && (!alone || network.PrefixLength == whole)) return true;
        }

        foreach (string text in destination.Addresses)
        {
            if (Addresses.HostPattern.TryNetwork(text, out IPNetwork network) && network.Contains(plain) && (!alone || network.PrefixLength == whole)) return true;
        }

        return false;
    }

    /// <summary>The class of an address; for one that embeds an IPv4 address, the worse of both.</summary>
    /// <param name="address">The address.</param>
    public static AddressClass Classify(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? ClassifyV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)) : ClassifyV6(bytes);
    }

    private static AddressClass ClassifyV4(uint a) => (a >> 24) switch
    {
        0 => AddressClass.Unspecified,
        127 => AddressClass.Loopback,
        10 => AddressClass.Private,
        100 when (a >> 22) == 0b0110_0100_01 => AddressClass.CarrierGradeNat,
        169 when (a >> 16) == 0xA9FE => AddressClass.LinkLocal,
        172 when (a >> 20) == 0xAC1 => AddressClass.Private,
        192 when (a >> 16) == 0xC0A8 => AddressClass.Private,
        192 when (a >> 8) is 0xC00000 or 0xC00002 or 0xC05863 => AddressClass.Reserved,
        198 when (a >> 17) == 0x6309 || (a >> 8) == 0xC63364 => AddressClass.Reserved,
        203 when (a >> 8) == 0xCB0071 => AddressClass.Reserved,
        >= 224 and < 240 => AddressClass.Multicast,
        >= 240 => AddressClass.Reserved,
        _ => AddressClass.Global,
    };

    private static AddressClass ClassifyV6(ReadOnlySpan<byte> b)
    {
        ulong high = BinaryPrimitives.ReadUInt64BigEndian(b), low = BinaryPrimitives.ReadUInt64BigEndian(b[8..]);
        if (high == 0 && low == 0) return AddressClass.Unspecified;
        if (high == 0 && low == 1) return AddressClass.Loopback;
        if (b[0] == 0xFF) return AddressClass.Multicast;
        if (b[0] == 0xFE) return (b[1] & 0xC0) == 0x80 ? AddressClass.LinkLocal : AddressClass.Private;
        if ((b[0] & 0xFE) == 0xFC) return AddressClass.Private;

        // ::/96 compatible, ::ffff:0:0/96 mapped (RFC 4291), ::ffff:0:0:0/96 translated (RFC 2765)
        if (high == 0 && low >> 32 is 0 or 0xFFFF) return ClassifyV4((uint)low);
        if (high == 0 && low >> 48 == 0xFFFF && (low >> 32 & 0xFFFF) == 0) return ClassifyV4((uint)low);

        // 64:ff9b::/96 and 64:ff9b:1::/48 NAT64 (RFC 6052, RFC 8215)
        if (high >> 32 == 0x0064FF9B) return Worse((high & 0xFFFFFFFF) == 0 ? AddressClass.Global : AddressClass.Reserved, ClassifyV4((uint)low));

        // 2002::/16 6to4 (RFC 3056); 2001::/32 Teredo (RFC 4380), its IPv4 address inverted, and its server
        if (high >> 48 == 0x2002) return ClassifyV4((uint)(high >> 16));
        if (high >> 32 == 0x20010000) return Worse(ClassifyV4((uint)high), ClassifyV4(~(uint)low));

        // ISATAP (RFC 5214): interface identifier [02]00:5efe and an IPv4 address
        if ((low >> 32 & 0xFDFFFFFF) == 0x00005EFE) return ClassifyV4((uint)low);

        // 2001:db8::/32 and 3fff::/20 documentation, 2001:2::/48 benchmarking, 100::/64 discard
        bool reserved = high >> 32 == 0x20010DB8 || high >> 44 == 0x3FFF0 || high >> 16 == 0x200100020000 || high == 0x0100000000000000;
        return reserved ? AddressClass.Reserved : (b[0] & 0xE0) == 0x20 ? AddressClass.Global : AddressClass.Reserved;
    }

    private static AddressClass Worse(AddressClass a, AddressClass b) => a == AddressClass.Global ? b : a;
}
