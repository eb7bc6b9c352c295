using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Model.Addresses;

/// <summary>The kinds of a service's address.</summary>
public enum HostPatternKind
{
    /// <summary>One IP address or a network.</summary>
    Network,

    /// <summary>One name.</summary>
    Name,

    /// <summary>Every name below one: <c>*.</c> and the suffix.</summary>
    Suffix,
}

/// <summary>One address of a service: IP, CIDR, name, or <c>*.</c> name. Names are lower-case, in Punycode, without a trailing dot.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The name, or the suffix without <c>*.</c>; empty for a network.</param>
/// <param name="Network">The network; an address is one of full length.</param>
public readonly record struct HostPattern(HostPatternKind Kind, string Name, IPNetwork Network)
{
    /// <summary>Reads an address.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="pattern">The result.</param>
    /// <param name="mend">What to write instead.</param>
    public static bool TryParse(string text, out HostPattern pattern, out string mend)
    {
        pattern = default;
        mend = "";
        if (TryNetwork(text, out IPNetwork network))
        {
            pattern = new HostPattern(HostPatternKind.Network, "", network);
            return true;
        }

        bool wildcard = text.StartsWith("*.", StringComparison.Ordinal);
        string name = wildcard ? text[2..] : text;
        if (name.Contains('*', StringComparison.Ordinal))
        {
            mend = "a '*' stands only for whole leading labels: write *.example.com";
            return false;
        }

        if (text.Contains('/', StringComparison.Ordinal))
        {
            mend = "write a network as 10.0.0.0/8 with no bit set behind its length";
            return false;
        }

        if (!HostName.TryNormalise(name, out string normalised))
        {
            mend = "write an IP, a CIDR, a host name such as api.example.com, or *.example.com";
            return false;
        }

        pattern = new HostPattern(wildcard ? HostPatternKind.Suffix : HostPatternKind.Name, normalised, default);
        return true;
    }

    /// <summary>Reads an IP address or a CIDR network.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="network">The network.</param>
    public static bool TryNetwork(string text, out IPNetwork network)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0)
        {
            // A bit set behind the length is more likely a slip than a wish.
            return IPNetwork.TryParse(text, out network) && HostName.TryParseAddress(text.AsSpan(0, slash), out IPAddress? first) && first.Equals(network.BaseAddress);
        }

        network = default;
        if (!HostName.TryParseAddress(text, out IPAddress? address)) return false;
        network = new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        return true;
    }
}
