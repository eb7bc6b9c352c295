namespace MarchProxy.Edge.Http1;

/// <summary>
/// <c>status-line = HTTP-version SP status-code SP [ reason-phrase ]</c> (RFC 9112 section 4). The second space may be
/// missing when there is no reason: servers omit it, and nothing can be read into it.
/// </summary>
internal static class StatusLine
{
    private const int CodeStart = 9;
    private const int CodeEnd = 12;

    /// <summary>Parses the line from offset 0 up to the CR at <paramref name="end"/>.</summary>
    public static HttpError Parse(ReadOnlySpan<byte> buffer, ResponseHead head, int end)
    {
        ReadOnlySpan<byte> line = buffer[..end];
        if (line.Length < CodeEnd || line[CodeStart - 1] != ' ') return HttpError.StatusLine;
        HttpError error = RequestLine.ParseVersion(line[..(CodeStart - 1)], out int minor);
        if (error != HttpError.None) return error == HttpError.Version ? error : HttpError.StatusLine;

        int status = 0;
        foreach (byte digit in line[CodeStart..CodeEnd])
        {
            if (!char.IsAsciiDigit((char)digit)) return HttpError.StatusLine;
            status = status * 10 + (digit - '0');
        }

        // RFC 9110 section 15: 100-599.
        if (status is < 100 or > 599) return HttpError.StatusLine;
        if (line.Length > CodeEnd && line[CodeEnd] != ' ') return HttpError.StatusLine;
        head.MinorVersion = minor;
        head.Status = status;
        head.Reason = line.Length > CodeEnd ? new ByteRange(CodeEnd + 1, end - CodeEnd - 1) : default;
        return HttpError.None;
    }
}
