namespace MarchProxy.Edge.Http1;

/// <summary>What becomes of X-Forwarded-* and Forwarded fields that the client sent.</summary>
internal enum ReceivedForwarded
{
    /// <summary>Addresses are appended to, scheme, host and port are replaced: for clients nobody vouches for.</summary>
    Append,

    /// <summary>Addresses are appended to, scheme, host and port are kept where present: the peer is a proxy of ours.</summary>
    Trust,

    /// <summary>None of it goes on.</summary>
    Discard,
}
