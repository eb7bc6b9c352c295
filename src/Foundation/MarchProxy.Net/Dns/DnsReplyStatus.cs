namespace MarchProxy.Net.Dns;

/// <summary>What a message from a server says to a query.</summary>
public enum DnsReplyStatus
{
    /// <summary>There are addresses.</summary>
    Ok,

    /// <summary>The name exists, but has no address of this type.</summary>
    NoData,

    /// <summary>The name does not exist.</summary>
    NxDomain,

    /// <summary>The answer did not fit: ask over TCP.</summary>
    Truncated,

    /// <summary>The question came back in another case: ask again in lower case.</summary>
    CaseChanged,

    /// <summary>The server does not understand the query (FORMERR): ask again without EDNS.</summary>
    FormatError,

    /// <summary>SERVFAIL, REFUSED or another error: ask another server.</summary>
    ServerFailure,

    /// <summary>The message breaks the format, or its aliases go in a circle or too far.</summary>
    Malformed,

    /// <summary>This is no response to the query (id, question or direction differ): ignore it and go on waiting.</summary>
    NotMine,
}
