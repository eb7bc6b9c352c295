namespace MarchProxy.Edge.Http1;

/// <summary>
/// What a peer did wrong in HTTP/1.1. Who is to blame follows from whose bytes were parsed: a client is answered
/// <see cref="HttpErrorInfo.Status"/>, an upstream's fault becomes a 502 with the same reason code.
/// </summary>
internal enum HttpError : byte
{
    None,

    // The start line.
    RequestLine,
    Method,
    Target,
    TargetUserInfo,
    TargetScheme,
    Version,
    Http2Preface,
    TlsOnPlainPort,
    StatusLine,

    // Field lines.
    BareCr,
    BareLf,
    ControlCharacter,
    ObsFold,
    SpaceBeforeColon,
    HeaderName,

    // Limits.
    RequestLineTooLong,
    HeadTooLarge,
    HeaderLineTooLong,
    TooManyHeaders,

    // Framing.
    ContentLength,
    DuplicateContentLength,
    LengthAndTransferEncoding,
    TransferEncoding,
    TransferCoding,
    TransferEncodingInHttp10,
    UnexpectedBody,
    ConnectionOption,
    Expectation,

    // Routing.
    HostMissing,
    DuplicateHost,
    Host,
    HostMismatch,

    // Chunked content.
    ChunkSize,
    ChunkExtension,
    ChunkExtensionTooLong,
    ChunkEnd,
    Trailer,
    ForbiddenTrailer,
    TrailerTooLarge,
}
