using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>How a route changes request heads on their way to its upstream; compiled once, shared by all loops.</summary>
internal sealed class RequestRewrite
{
    /// <summary>Fields of this hop (RFC 9110 section 7.6.1); Transfer-Encoding stays, since it is always exactly chunked.</summary>
    private static readonly ulong s_hopByHop = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.ProxyAuthorization, KnownHeader.Te);

    private readonly byte[] _stripPrefix;

    /// <param name="forwarded">What to tell the upstream about the request's way.</param>
    /// <param name="changes">Configured header changes.</param>
    /// <param name="stripPrefix">Removed from the start of the path when it is there and ends at a path segment.</param>
    /// <param name="addPrefix">Put before the path, after stripping; begins with a slash.</param>
    /// <param name="host">Replaces the Host field.</param>
    public RequestRewrite(
        ForwardedPolicy forwarded, HeaderChanges changes, string stripPrefix = "", string addPrefix = "", string host = "")
    {
        Forwarded = forwarded;
        Changes = changes;
        _stripPrefix = Encoding.ASCII.GetBytes(stripPrefix.TrimEnd('/'));
        AddPrefix = Encoding.ASCII.GetBytes(addPrefix.TrimEnd('/'));
        Host = Encoding.ASCII.GetBytes(host);
        KeepsPath = _stripPrefix.Length == 0 && AddPrefix.Length == 0;
        Dropped = s_hopByHop | changes.RemovedKnown | forwarded.Dropped | (Host.Length > 0 ? KnownHeaders.Bit(KnownHeader.Host) : 0);
    }

    public ForwardedPolicy Forwarded { get; }

    public HeaderChanges Changes { get; }

    /// <summary>The Host field's new value; empty to leave it.</summary>
    internal byte[] Host { get; }

    internal byte[] AddPrefix { get; }

    internal bool KeepsPath { get; }

    /// <summary>Known fields that are never copied.</summary>
    internal ulong Dropped { get; }

    /// <summary>The path without the stripped prefix; may have lost its leading slash.</summary>
    internal ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> path)
    {
        int length = _stripPrefix.Length;
        if (length == 0 || !path.StartsWith(_stripPrefix)) return path;
        bool atSegment = path.Length == length || path[length] is (byte)'/' or (byte)'?';
        return atSegment ? path[length..] : path;
    }
}
