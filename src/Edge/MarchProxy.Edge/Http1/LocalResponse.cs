namespace MarchProxy.Edge.Http1;

/// <summary>A response that the proxy gives itself.</summary>
internal readonly record struct LocalResponse
{
    /// <summary>400–599.</summary>
    public required int Status { get; init; }

    /// <summary>Stable kebab-case code; goes to X-MarchProxy-Reason and the body.</summary>
    public required string Reason { get; init; }

    /// <summary>One sentence for people; may quote what the client sent, it is escaped.</summary>
    public required string Detail { get; init; }

    /// <summary>The error type for Proxy-Status.</summary>
    public required ProxyError Error { get; init; }

    /// <summary>The connection closes after this response; otherwise the request's content must have been read or been absent.</summary>
    public bool Close { get; init; }

    /// <summary>The client speaks HTTP/1.0 and its connection persists.</summary>
    public bool SayKeepAlive { get; init; }

    /// <summary>The request was HEAD: the head tells of a body that is not sent.</summary>
    public bool OmitBody { get; init; }

    /// <summary>Seconds for Retry-After; 0 leaves it out.</summary>
    public int RetryAfterSeconds { get; init; }

    /// <summary>Where to go instead; null for nowhere.</summary>
    public string? Location { get; init; }

    /// <summary>The methods that are taken, for 405; null for none.</summary>
    public string? Allow { get; init; }

    /// <summary>The requests a second that were exceeded (RateLimit fields); zero where none were.</summary>
    public int RateLimit { get; init; }

    /// <summary>What answers a client's malformed request; always closes, for the next request's start is unknown.</summary>
    public static LocalResponse ForClient(HttpError error)
    {
        HttpErrorInfo info = HttpErrorInfo.Of(error);
        return new LocalResponse
        {
            Status = info.Status,
            Reason = info.Code,
            Detail = info.Detail,
            Error = ProxyError.HttpRequestError,
            Close = true,
        };
    }

    /// <summary>What tells a client of an upstream's malformed response.</summary>
    public static LocalResponse ForUpstream(HttpError error)
    {
        HttpErrorInfo info = HttpErrorInfo.Of(error);
        ProxyError type = error switch
        {
            HttpError.HeadTooLarge or HttpError.HeaderLineTooLong or HttpError.TooManyHeaders => ProxyError.HttpResponseHeaderSectionSize,
            HttpError.TrailerTooLarge => ProxyError.HttpResponseTrailerSectionSize,
            HttpError.TransferCoding or HttpError.TransferEncoding => ProxyError.HttpResponseTransferCoding,
            _ => ProxyError.HttpProtocolError,
        };
        return new LocalResponse { Status = 502, Reason = info.Code, Detail = info.Detail, Error = type };
    }
}
