namespace MarchProxy.Edge.Http1;

/// <summary>How an <see cref="HttpError"/> is told: to the client, in the log and as a metric's label.</summary>
/// <param name="Code">Stable kebab-case reason code.</param>
/// <param name="Status">The status that answers a client's request with this fault.</param>
/// <param name="Detail">One sentence for people.</param>
internal sealed record HttpErrorInfo(string Code, int Status, string Detail)
{
    private static readonly HttpErrorInfo[] s_all = BuildAll();

    public static HttpErrorInfo Of(HttpError error) => s_all[(int)error];

    private static HttpErrorInfo[] BuildAll()
    {
        HttpError[] errors = Enum.GetValues<HttpError>();
        var all = new HttpErrorInfo[errors.Length];
        foreach (HttpError error in errors) all[(int)error] = Describe(error);
        return all;
    }

    private static HttpErrorInfo Describe(HttpError error) => error switch
    {
        HttpError.None => new("none", 200, "The message is well-formed."),
        HttpError.RequestLine => new("request-line", 400, "The request line is not 'method target version'."),
        HttpError.Method => new("method", 400, "The method is not a token, or does not fit its target."),
        HttpError.Target => new("request-target", 400, "The request target is malformed or holds a character that a URI must encode."),
        HttpError.TargetUserInfo => new("target-userinfo", 400, "The request target carries user information."),
        HttpError.TargetScheme => new("target-scheme", 400, "The scheme of the request target is neither http nor https."),
        HttpError.Version => new("http-version", 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."),
        HttpError.Http2Preface => new("http2-preface", 505, "The client speaks HTTP/2 on a connection of HTTP/1.1."),
        HttpError.TlsOnPlainPort => new("tls-on-plain-port", 400, "The client speaks TLS to a port that does not."),
        HttpError.StatusLine => new("status-line", 400, "The status line is not 'version status reason'."),
        HttpError.BareCr => new("bare-cr", 400, "A CR stands without its LF."),
        HttpError.BareLf => new("bare-lf", 400, "An LF stands without its CR."),
        HttpError.ControlCharacter => new("control-character", 400, "The head holds a NUL or another control character."),
        HttpError.ObsFold => new("obs-fold", 400, "A field line begins with white space."),
        HttpError.SpaceBeforeColon => new("space-before-colon", 400, "White space stands between a field name and its colon."),
        HttpError.HeaderName => new("header-name", 400, "A field name is empty, holds an invalid character or lacks its colon."),
        HttpError.RequestLineTooLong => new("request-line-too-long", 414, "The first line is longer than allowed."),
        HttpError.HeadTooLarge => new("head-too-large", 431, "The head is larger than allowed."),
        HttpError.HeaderLineTooLong => new("header-line-too-long", 431, "A field line is longer than allowed."),
        HttpError.TooManyHeaders => new("too-many-headers", 431, "The head has more field lines than allowed."),
        HttpError.ContentLength => new("content-length", 400, "Content-Length is not one plain decimal number."),
        HttpError.DuplicateContentLength => new("duplicate-content-length", 400, "Content-Length occurs more than once."),
        HttpError.LengthAndTransferEncoding => new("length-and-transfer-encoding", 400, "Content-Length and Transfer-Encoding occur together."),
        HttpError.TransferEncoding => new("transfer-encoding", 400, "Transfer-Encoding is malformed or does not end in one chunked coding."),
        HttpError.TransferCoding => new("transfer-coding", 501, "A transfer coding other than chunked is not supported."),
        HttpError.TransferEncodingInHttp10 => new("transfer-encoding-in-http10", 400, "HTTP/1.0 has no Transfer-Encoding."),
        HttpError.UnexpectedBody => new("unexpected-body", 400, "This method takes no content."),
        HttpError.ConnectionOption => new("connection-option", 400, "Connection is malformed, too long, or names a field that frames or routes the message."),
        HttpError.Expectation => new("expectation", 417, "No expectation but 100-continue is known."),
        HttpError.HostMissing => new("host-missing", 400, "The request names no host."),
        HttpError.DuplicateHost => new("duplicate-host", 400, "Host occurs more than once."),
        HttpError.Host => new("host", 400, "The host or its port is malformed."),
        HttpError.HostMismatch => new("host-mismatch", 400, "Host and the request target name different parties."),
        HttpError.ChunkSize => new("chunk-size", 400, "A chunk size is not plain hexadecimal within 63 bits."),
        HttpError.ChunkExtension => new("chunk-extension", 400, "A chunk extension is malformed."),
        HttpError.ChunkExtensionTooLong => new("chunk-extension-too-long", 400, "Chunk extensions are longer than allowed."),
        HttpError.ChunkEnd => new("chunk-end", 400, "A chunk's data is not followed by CRLF."),
        HttpError.Trailer => new("trailer", 400, "A trailer field is malformed."),
        HttpError.ForbiddenTrailer => new("forbidden-trailer", 400, "A trailer field frames, routes or authorises the message."),
        HttpError.TrailerTooLarge => new("trailer-too-large", 431, "The trailer section is larger than allowed."),
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };
}
