using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// Writes the proxy's own responses: problem details (RFC 9457) as the body, Proxy-Status (RFC 9209) and
/// X-MarchProxy-Reason in the head. Allocates nothing, since a flood of refusals is the attack it has to stand.
/// </summary>
internal static class ErrorResponses
{
    /// <summary>Characters of reason and detail that are told; a longer one is cut. Enough for a host name and a sentence.</summary>
    public const int MaxText = 512;

    private const int MaxBody = 2 * 6 * MaxText + 256;
    private const int MaxHead = 2 * MaxText + (2 * MaxText) + 640;

    private static readonly byte[][] s_errorTokens = [.. Enum.GetNames<ProxyError>().Select(SnakeCase)];

    /// <summary>Appends the whole response; false, with nothing written, when the buffer's cap does not let it in.</summary>
    public static bool TryWrite(OutBuffer output, in LocalResponse response, HttpDate date)
    {
        if (!output.EnsureRoom(MaxHead + MaxBody + (response.Location?.Length ?? 0))) return false;
        ReadOnlySpan<char> reason = Cut(response.Reason);
        ReadOnlySpan<char> detail = Cut(response.Detail);
        ReadOnlySpan<byte> title = Title(response.Status);

        var body = new ByteWriter(stackalloc byte[MaxBody]);
        body.Append("{\"type\":\"about:blank\",\"title\":\""u8);
        body.Append(title);
        body.Append("\",\"status\":"u8);
        body.AppendNumber(response.Status);
        body.Append(",\"detail\":\""u8);
        AppendJson(ref body, detail);
        body.Append("\",\"reason\":\""u8);
        AppendJson(ref body, reason);
        body.Append("\"}\n"u8);

        var writer = new ByteWriter(output.Free);
        writer.Append("HTTP/1.1 "u8);
        writer.AppendNumber(response.Status);
        writer.Append((byte)' ');
        writer.Append(title);
        writer.Append("\r\nDate: "u8);
        writer.Append(date.Text);
        writer.Append("\r\nContent-Type: application/problem+json\r\nContent-Length: "u8);
        writer.AppendNumber(body.Length);
        writer.Append("\r\nX-MarchProxy-Reason: "u8);
        AppendVisible(ref writer, reason, quoted: false);
        if (response.Location is { } location)
        {
            writer.Append("\r\nLocation: "u8);
            AppendVisible(ref writer, location, quoted: false);
        }
        else
        {
            writer.Append("\r\nProxy-Status: marchproxy; error="u8);
            writer.Append(s_errorTokens[(int)response.Error]);
            writer.Append("; details=\""u8);
            AppendVisible(ref writer, detail, quoted: true);
            writer.Append((byte)'"');
        }

        writer.Append("\r\n"u8);
        if (response.RateLimit > 0)
        {
            // draft-ietf-httpapi-ratelimit-headers
            writer.Append("RateLimit-Policy: \"route\";q="u8);
            writer.AppendNumber(response.RateLimit);
            writer.Append(";w=1\r\nRateLimit: \"route\";r=0;t=1\r\n"u8);
        }

        if (response.Status == 407) writer.Append("Proxy-Authenticate: Basic realm=\"marchproxy\"\r\n"u8);
        if (response.Allow is { } allow)
        {
            writer.Append("Allow: "u8);
            AppendVisible(ref writer, Cut(allow), quoted: false);
            writer.Append("\r\n"u8);
        }

        if (response.RetryAfterSeconds > 0)
        {
            writer.Append("Retry-After: "u8);
            writer.AppendNumber(response.RetryAfterSeconds);
            writer.Append("\r\n"u8);
        }

        if (response.Close) writer.Append("Connection: close\r\n"u8);
        else if (response.SayKeepAlive) writer.Append("Connection: keep-alive\r\n"u8);
        writer.Append("\r\n"u8);
        if (!response.OmitBody) writer.Append(body.Written);
        output.Commit(writer.Length);
        return true;
    }

    private static ReadOnlySpan<char> Cut(string text) => text.AsSpan(0, Math.Min(text.Length, MaxText));

    // RFC 8259 section 7; a lone surrogate becomes U+FFFD.
    private static void AppendJson(ref ByteWriter writer, ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
            {
                writer.Append((byte)'\\');
                writer.Append((byte)rune.Value);
            }
            else if (rune.Value is < 0x20 or 0x7F)
            {
                writer.Append("\\u00"u8);
                writer.Append("0123456789abcdef"u8[rune.Value >> 4]);
                writer.Append("0123456789abcdef"u8[rune.Value & 0xF]);
            }
            else
            {
                writer.Append(utf8[..rune.EncodeToUtf8(utf8)]);
            }
        }
    }

    /// <summary>Text for a field: what is not printable ASCII becomes <c>?</c>; in quotes as sf-string (RFC 9651 section 3.3.3).</summary>
    private static void AppendVisible(ref ByteWriter writer, ReadOnlySpan<char> text, bool quoted)
    {
        foreach (char c in text)
        {
            if (quoted && c is '"' or '\\') writer.Append((byte)'\\');
            writer.Append(c is >= ' ' and <= '~' ? (byte)c : (byte)'?');
        }
    }

    /// <summary>DnsTimeout to dns_timeout.</summary>
    private static byte[] SnakeCase(string name) => Encoding.ASCII.GetBytes(
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}")));

    // RFC 9110 section 15, RFC 6585
    private static ReadOnlySpan<byte> Title(int status) => status switch
    {
        301 => "Moved Permanently"u8,
        302 => "Found"u8,
        303 => "See Other"u8,
        307 => "Temporary Redirect"u8,
        308 => "Permanent Redirect"u8,
        400 => "Bad Request"u8,
        403 => "Forbidden"u8,
        404 => "Not Found"u8,
        405 => "Method Not Allowed"u8,
        407 => "Proxy Authentication Required"u8,
        408 => "Request Timeout"u8,
        413 => "Content Too Large"u8,
        414 => "URI Too Long"u8,
        415 => "Unsupported Media Type"u8,
        417 => "Expectation Failed"u8,
        421 => "Misdirected Request"u8,
        429 => "Too Many Requests"u8,
        431 => "Request Header Fields Too Large"u8,
        500 => "Internal Server Error"u8,
        501 => "Not Implemented"u8,
        502 => "Bad Gateway"u8,
        503 => "Service Unavailable"u8,
        504 => "Gateway Timeout"u8,
        505 => "HTTP Version Not Supported"u8,
        508 => "Loop Detected"u8,
        _ => "Error"u8,
    };
}
