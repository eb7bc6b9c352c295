using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace MarchProxy.Edge.Http;

/// <summary>The answers that the proxy gives by itself, each with its reason code.</summary>
internal static class LocalAnswers
{
    public static LocalResponse RequestTimeout { get; } = new()
    {
        Status = 408,
        Reason = "request-head-timeout",
        Detail = "The request head did not arrive in time.",
        Error = ProxyError.HttpRequestError,
        Close = true,
    };

    public static LocalResponse NoRoute { get; } = new()
    {
        Status = 404,
        Reason = "no-route",
        Detail = "No route takes this host and path.",
        Error = ProxyError.DestinationNotFound,
    };

    public static LocalResponse NotAProxyRequest { get; } = new()
    {
        Status = 400,
        Reason = "not-a-proxy-request",
        Detail = "This is a forward proxy: ask for http://host/path, or CONNECT host:port.",
        Error = ProxyError.HttpRequestError,
    };

    public static LocalResponse HttpsByAbsoluteForm { get; } = new()
    {
        Status = 400,
        Reason = "https-needs-connect",
        Detail = "An https URI is reached by CONNECT; the proxy opens no TLS in a client's name.",
        Error = ProxyError.HttpRequestError,
    };

    public static LocalResponse CredentialsNeeded { get; } = new()
    {
        Status = 407,
        Reason = "authentication-required",
        Detail = "No mapping allows this without a service's credentials: send Proxy-Authorization: Basic service:token.",
        Error = ProxyError.HttpRequestDenied,
    };

    public static LocalResponse CredentialsWrong { get; } = new()
    {
        Status = 407,
        Reason = "bad-credentials",
        Detail = "There is no such service, or this is not its token.",
        Error = ProxyError.HttpRequestDenied,
    };

    public static LocalResponse NoWebSockets { get; } = new()
    {
        Status = 502,
        Reason = "no-websocket-over-http2",
        Detail = "This service speaks HTTP/2 and takes no WebSocket over it (RFC 8441).",
        Error = ProxyError.HttpUpgradeFailed,
    };

    public static LocalResponse ClientNotNamed { get; } = new()
    {
        Status = 403,
        Reason = "client-name",
        Detail = "The route is for clients of other names than this one's certificate has, if it has one.",
        Error = ProxyError.HttpRequestDenied,
    };

    public static LocalResponse Misdirected { get; } = new()
    {
        Status = 421,
        Reason = "misdirected",
        Detail = "This connection was made for another host, whose certificate is not this one's: open one for this host.",
        Error = ProxyError.HttpRequestError,
    };

    public static LocalResponse TooManyRequests(int seconds, int perSecond) => new()
    {
        Status = 429,
        Reason = "rate-limited",
        Detail = "More requests than the route takes.",
        Error = ProxyError.HttpRequestDenied,
        RetryAfterSeconds = seconds,
        RateLimit = perSecond,
    };

    public static LocalResponse NotCached { get; } = new()
    {
        Status = 504,
        Reason = "not-cached",
        Detail = "Only a stored response was asked for, and none is here.",
        Error = ProxyError.HttpRequestDenied,
    };

    /// <summary>A service is used as much as it may be.</summary>
    public static LocalResponse CircuitOpen(string reason) => new()
    {
        Status = 503,
        Reason = reason,
        Detail = "The service has as much to do as it may have at a time; try again.",
        Error = ProxyError.ConnectionLimitReached,
        RetryAfterSeconds = 1,
    };

    /// <summary>A rule of the route refuses the request.</summary>
    public static LocalResponse Waf(WafRule rule, Waf.WafProfile profile)
    {
        (int status, string detail) = rule switch
        {
            WafRule.Method => (405, "This method is not taken here."),
            WafRule.UriLength or WafRule.QueryLength => (414, "The request's target is longer than is taken here."),
            WafRule.HeaderCount or WafRule.HeaderSize => (431, "The request has more or longer header fields than are taken here."),
            WafRule.BodySize => (413, "The request has more content than is taken here."),
            WafRule.ContentType => (415, "This type of content is not taken here."),
            WafRule.HeaderAnomaly => (403, "The request has header fields that servers read in more than one way."),
            _ => (403, "The request has a path that servers read in more than one way."),
        };
        return new LocalResponse
        {
            Status = status,
            Reason = "waf-" + Model.Resources.Waf.NameOf(rule),
            Detail = detail,
            Error = ProxyError.HttpRequestDenied,
            Allow = rule == WafRule.Method ? profile.Allow : null,
        };
    }

    public static LocalResponse Redirected(int status, string location) => new()
    {
        Status = status,
        Reason = "redirect",
        Detail = location,
        Error = ProxyError.HttpRequestDenied,
        Location = location,
    };

    public static LocalResponse TooManyFailures { get; } = new()
    {
        Status = 429,
        Reason = "too-many-failures",
        Detail = "This address has brought too many wrong credentials; wait and bring the right ones.",
        Error = ProxyError.HttpRequestDenied,
        RetryAfterSeconds = 3,
    };

    public static LocalResponse NoProxyHere { get; } = new()
    {
        Status = 400,
        Reason = "not-a-proxy",
        Detail = "This connection was caught on its way to an origin: ask it as an origin is asked.",
        Error = ProxyError.HttpRequestError,
        Close = true,
    };

    public static LocalResponse Overload { get; } = new()
    {
        Status = 503,
        Reason = "overload",
        Detail = "The proxy has as much to do as it can; ask again in a moment.",
        Error = ProxyError.ConnectionLimitReached,
        RetryAfterSeconds = 1,
        Close = true,
    };

    public static LocalResponse BodyTooLarge { get; } = new()
    {
        Status = 413,
        Reason = "body-too-large",
        Detail = "The request's content is larger than allowed.",
        Error = ProxyError.HttpRequestError,
        Close = true,
    };

    public static LocalResponse NoBackendAddress { get; } = new()
    {
        Status = 503,
        Reason = "no-backend-address",
        Detail = "The route's service has no address now.",
        Error = ProxyError.DestinationUnavailable,
    };

    public static LocalResponse ResponseIncomplete { get; } = new()
    {
        Status = 502,
        Reason = "upstream-closed",
        Detail = "The upstream closed the connection before it answered.",
        Error = ProxyError.HttpResponseIncomplete,
    };

    public static LocalResponse ResponseTimeout { get; } = new()
    {
        Status = 504,
        Reason = "upstream-timeout",
        Detail = "The upstream did not answer in time.",
        Error = ProxyError.HttpResponseTimeout,
    };

    public static LocalResponse UnaskedUpgrade { get; } = new()
    {
        Status = 502,
        Reason = "unasked-upgrade",
        Detail = "The upstream switched protocols although nobody asked.",
        Error = ProxyError.HttpUpgradeFailed,
    };

    /// <summary>What a client gets when a connection to the upstream cannot be had.</summary>
    /// <summary>The handshake with the upstream failed; the reason is told to the operator's client, as it names no secret.</summary>
    public static LocalResponse UpstreamTlsFailed(int error, string? reason) => error == -Errno.ETIMEDOUT
        ? new() { Status = 504, Reason = "upstream-tls-timeout", Detail = "The TLS handshake with the upstream took too long.", Error = ProxyError.ConnectionTimeout }
        : new()
        {
            Status = 502,
            Reason = reason?.Contains("certificate verify failed", StringComparison.Ordinal) == true ? "upstream-certificate" : "upstream-tls",
            Detail = $"The TLS handshake with the upstream failed: {reason ?? "the connection ended"}.",
            Error = reason?.Contains("certificate verify failed", StringComparison.Ordinal) == true ? ProxyError.TlsCertificateError : ProxyError.TlsProtocolError,
        };

    public static LocalResponse ConnectFailed(int error) => -error switch
    {
        Errno.ECONNREFUSED => new() { Status = 502, Reason = "upstream-refused", Detail = "The upstream refuses connections.", Error = ProxyError.ConnectionRefused },
        Errno.ETIMEDOUT => new() { Status = 504, Reason = "upstream-connect-timeout", Detail = "The upstream could not be reached in time.", Error = ProxyError.ConnectionTimeout },
        Errno.ENETUNREACH or Errno.EHOSTUNREACH => new()
        {
            Status = 502,
            Reason = "upstream-unreachable",
            Detail = "There is no way to the upstream's address.",
            Error = ProxyError.DestinationIpUnroutable,
        },
        Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM => Overload,
        _ => new() { Status = 502, Reason = "upstream-connect-failed", Detail = "The connection to the upstream failed.", Error = ProxyError.DestinationUnavailable },
    };
}
