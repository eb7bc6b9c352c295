namespace MarchProxy.Net.Dns;

/// <summary>How the resolution of a name ended.</summary>
public enum ResolveStatus
{
    /// <summary>There is at least one address.</summary>
    Ok,

    /// <summary>The name does not exist (NXDOMAIN), or has no address (RFC 2308, NODATA).</summary>
    NotFound,

    /// <summary>No server gave a usable answer: SERVFAIL, REFUSED, a malformed message, or no server is reachable.</summary>
    ServerFailure,

    /// <summary>No server answered in time.</summary>
    Timeout,

    /// <summary>Too many names are being resolved at once; nothing was asked.</summary>
    Busy,

    /// <summary>The text is neither a name that DNS could hold nor an IP address; nothing was asked.</summary>
    BadName,
}
