namespace MarchProxy.Edge.Http1;

/// <summary>The methods of RFC 9110 section 9 and RFC 5789; names are case-sensitive, so <c>get</c> is <see cref="Other"/>.</summary>
internal enum RequestMethod : byte
{
    Other,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}
