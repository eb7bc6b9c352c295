using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>The outcome of reading a message from a server.</summary>
/// <param name="Status">What it says.</param>
/// <param name="Addresses">Addresses in the server's order; empty unless Ok.</param>
/// <param name="TtlSeconds">How long the answer holds: 1–86,400 s for addresses, 1–300 s for a negative answer, else 0.</param>
public readonly record struct DnsReply(DnsReplyStatus Status, ImmutableArray<IPAddress> Addresses, int TtlSeconds)
{
    internal static DnsReply Of(DnsReplyStatus status, int ttlSeconds = 0) => new(status, [], ttlSeconds);
}
