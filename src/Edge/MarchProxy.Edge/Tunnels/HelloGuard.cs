using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Tunnels;

/// <summary>
/// Whether what comes through a tunnel is what the tunnel was opened for. TLS must name the host that was asked for; a tunnel that only a mapping for https
/// lets through must carry TLS, and name it. Anything else passes where a mapping lets tcp through.
/// </summary>
internal sealed class HelloGuard(string host, bool isAddress, bool needsTls)
{
    /// <summary>The fatal alert access_denied (RFC 8446 section 6), which tells a client that it was not its network.</summary>
    public static ReadOnlyMemory<byte> Alert { get; } = new byte[] { 21, 3, 1, 0, 2, 2, 49 };

    /// <summary>Why the stream may not go on; None while it may.</summary>
    public DenyReason Reason { get; private set; }

    /// <summary>A guard for a decided destination; null when there is nothing to watch.</summary>
    /// <param name="host">The host asked for, normalised; an address when <paramref name="isAddress"/>.</param>
    /// <param name="isAddress">Whether the host is an address.</param>
    /// <param name="decision">The decision.</param>
    public static HelloGuard? For(string host, bool isAddress, in EgressDecision decision)
    {
        if (decision.Effect == MappingEffect.Report || decision.Mapping is not { } mapping) return null;
        bool tcp = (mapping.Protocols & EgressProtocols.Tcp) != 0;
        return isAddress && tcp ? null : new HelloGuard(host, isAddress, !tcp);
    }

    /// <summary>Looks at the stream so far.</summary>
    /// <param name="bytes">All bytes since the start.</param>
    /// <returns>True to go on, false to end it, null to wait for more.</returns>
    public bool? Inspect(ReadOnlySpan<byte> bytes)
    {
        switch (ClientHello.Read(bytes, out string name))
        {
            case HelloStatus.NeedMore when bytes.Length < ClientHello.MaxBytes:
                return null;
            case HelloStatus.Hello when isAddress || Same(name):
                return true;
            case HelloStatus.Hello when name.Length == 0 && !needsTls:
                return true;
            case HelloStatus.NotTls when !needsTls:
                return true;
            case HelloStatus.NotTls:
                Reason = DenyReason.NotTls;
                return false;
            default:
                Reason = DenyReason.SniMismatch;
                return false;
        }
    }

    private bool Same(string name)
    {
        Span<char> normal = stackalloc char[HostName.MaxLength + 1];
        return HostName.TryNormaliseAscii(name, normal, out int length) && normal[..length].SequenceEqual(host);
    }
}
