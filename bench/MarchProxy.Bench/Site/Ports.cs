using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Bench.Site;

/// <summary>Hands out loopback ports below the range from which the kernel takes ports of outgoing connections.</summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Last = 32_000;
    private static int s_next = Random.Shared.Next(First, Last);

    /// <summary>A port that nobody listens on.</summary>
    public static int Free()
    {
        for (int tries = First; tries < Last; tries++)
        {
            s_next = s_next >= Last ? First : s_next + 1;
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, s_next));
                return s_next;
            }
            catch (SocketException)
            {
                continue;
            }
        }

        throw new BenchException($"no free port between {First} and {Last}");
    }
}
