namespace MarchProxy.Edge.Http1;

/// <summary>The four forms of a request target (RFC 9112 section 3.2).</summary>
internal enum TargetForm : byte
{
    /// <summary><c>/path?query</c>, what an origin server or a gateway is asked.</summary>
    Origin,

    /// <summary><c>http://host/path</c>, what a forward proxy is asked.</summary>
    Absolute,

    /// <summary><c>host:port</c>, only with CONNECT.</summary>
    Authority,

    /// <summary><c>*</c>, only with OPTIONS.</summary>
    Asterisk,
}
