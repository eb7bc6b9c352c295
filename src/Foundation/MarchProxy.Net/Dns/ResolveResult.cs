using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>What a name resolved to. Immutable, shared between all who ask for the name.</summary>
public sealed class ResolveResult
{
    internal ResolveResult(string name, ResolveStatus status, ImmutableArray<IPAddress> addresses = default)
    {
        Name = name;
        Status = status;
        Addresses = addresses.IsDefault ? [] : addresses;
    }

    /// <summary>How it ended.</summary>
    public ResolveStatus Status { get; }

    /// <summary>
    /// The addresses in the order to try them: IPv6 and IPv4 in turns, IPv6 first (RFC 8305 section 4). Empty unless
    /// <see cref="Status"/> is <see cref="ResolveStatus.Ok"/>. An IPv4-mapped IPv6 address appears as its IPv4 address.
    /// </summary>
    public ImmutableArray<IPAddress> Addresses { get; }

    /// <summary>The name as it was first asked for; later askers may have written it in another case.</summary>
    public string Name { get; }
}
