using System.Buffers.Text;
using System.Text;

namespace ArticDbm.Protocols.Redis;

/// <summary>A cluster's word that a key is elsewhere (Redis cluster specification, "MOVED Redirection" and "ASK redirection"): "-MOVED 3999 127.0.0.1:6381".</summary>
/// <param name="IsAsk">Whether only this once.</param>
/// <param name="Slot">The slot.</param>
/// <param name="Host">The node's host; empty for that of the node that spoke.</param>
/// <param name="Port">Its port.</param>
public readonly record struct ClusterRedirect(bool IsAsk, int Slot, string Host, int Port)
{
    /// <summary>Reads an error.</summary>
    /// <param name="error">The whole line.</param>
    /// <param name="redirect">What it says.</param>
    public static bool TryRead(ReadOnlySpan<byte> error, out ClusterRedirect redirect)
    {
        redirect = default;
        bool asks = error.StartsWith("-ASK "u8);
        if (!asks && !error.StartsWith("-MOVED "u8)) return false;
        ReadOnlySpan<byte> rest = error[(asks ? 5 : 7)..].TrimEnd("\r\n"u8);
        if (!Utf8Parser.TryParse(rest, out int slot, out int used) || slot is < 0 or >= RedisSlot.Count || used >= rest.Length || rest[used] != (byte)' ') return false;
        rest = rest[(used + 1)..];

        // An IPv6 address has colons of its own: the port stands behind the last.
        int colon = rest.LastIndexOf((byte)':');
        if (colon < 0 || !Utf8Parser.TryParse(rest[(colon + 1)..], out int port, out int digits) || digits != rest.Length - colon - 1 || port is < 1 or > 65535) return false;
        redirect = new ClusterRedirect(asks, slot, Encoding.ASCII.GetString(rest[..colon]), port);
        return true;
    }
}
