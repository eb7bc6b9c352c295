using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Net.Dns;

/// <summary>The order in which to try a name's addresses.</summary>
internal static class AddressOrder
{
    /// <summary>Addresses kept for one name: nobody tries more.</summary>
    public const int MaxAddresses = 64;

    /// <summary>Puts IPv6 and IPv4 in turns, IPv6 first, each family in its own order and without repeats (RFC 8305 section 4).</summary>
    public static ImmutableArray<IPAddress> Interleave(IEnumerable<IPAddress> addresses)
    {
        ILookup<bool, IPAddress> families = addresses.Distinct().ToLookup(a => a.AddressFamily == AddressFamily.InterNetworkV6);
        IPAddress[] v6 = [.. families[true]], v4 = [.. families[false]];
        ImmutableArray<IPAddress>.Builder order = ImmutableArray.CreateBuilder<IPAddress>();
        for (int i = 0; i < Math.Max(v6.Length, v4.Length); i++)
        {
            if (i < v6.Length) order.Add(v6[i]);
            if (i < v4.Length) order.Add(v4[i]);
        }

        if (order.Count > MaxAddresses) order.Count = MaxAddresses;
        return order.ToImmutable();
    }
}
