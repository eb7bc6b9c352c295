namespace MarchProxy.Edge.Http1;

/// <summary>Fields that tell an upstream how a request came.</summary>
[Flags]
internal enum ForwardedHeaders
{
    None = 0,

    /// <summary>RFC 9110 section 7.6.3; a proxy must add it.</summary>
    Via = 1,
    XForwardedFor = 2,
    XForwardedProto = 4,
    XForwardedHost = 8,

    /// <summary>RFC 7239.</summary>
    Forwarded = 16,
    All = Via | XForwardedFor | XForwardedProto | XForwardedHost | Forwarded,
}
