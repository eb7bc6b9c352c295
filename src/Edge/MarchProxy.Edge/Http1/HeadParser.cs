namespace MarchProxy.Edge.Http1;

/// <summary>
/// Parses HTTP/1.1 message heads (RFC 9112 sections 2–5) line by line as they arrive: every byte is searched once, however
/// the head is cut into pieces, and the outcome does not depend on the cuts. Between calls for one head the buffer may
/// grow and move, but must begin at the same byte; call <see cref="MessageHead.Reset"/> before the next head.
/// </summary>
internal static class HeadParser
{
    /// <summary>First byte of a TLS handshake record.</summary>
    private const byte TlsHandshake = 0x16;

    /// <summary>Parses a request head; on <see cref="ParseStatus.Ok"/>, <paramref name="consumed"/> bytes belong to it.</summary>
    public static ParseStatus ParseRequest(ReadOnlySpan<byte> buffer, RequestHead head, in HeadLimits limits, out int consumed)
    {
        consumed = 0;
        while (!head.InFields)
        {
            ParseStatus line = FindStartLine(buffer, head, limits, out int end);
            if (line == ParseStatus.Error && head.LineStart == 0 && buffer[0] == TlsHandshake) return Fail(head, HttpError.TlsOnPlainPort);
            if (line != ParseStatus.Ok) return line;

            // RFC 9112 section 2.2: one empty line before the request line is forgiven.
            bool skip = end == 0;
            if (skip) head.Start = end + 2;
            else if (RequestLine.Parse(buffer, head, end) is var error and not HttpError.None) return Fail(head, error);
            NextLine(head, end, inFields: !skip);
        }

        ParseStatus status = ParseFields(buffer, head, limits, out int length);
        if (status != ParseStatus.Ok) return status;
        if (head.Finish(buffer) is var fault and not HttpError.None) return Fail(head, fault);
        consumed = length;
        return ParseStatus.Ok;
    }

    /// <summary>
    /// Parses a response head; on <see cref="ParseStatus.Ok"/>, <paramref name="consumed"/> bytes belong to it and the caller
    /// goes on with <see cref="ResponseHead.SetFraming"/>.
    /// </summary>
    public static ParseStatus ParseResponse(ReadOnlySpan<byte> buffer, ResponseHead head, in HeadLimits limits, out int consumed)
    {
        consumed = 0;
        if (!head.InFields)
        {
            ParseStatus line = FindStartLine(buffer, head, limits, out int end);
            if (line != ParseStatus.Ok) return line;
            if (StatusLine.Parse(buffer, head, end) is var error and not HttpError.None) return Fail(head, error);
            NextLine(head, end, inFields: true);
        }

        ParseStatus status = ParseFields(buffer, head, limits, out int length);
        if (status != ParseStatus.Ok) return status;
        if (head.Finish(buffer) is var fault and not HttpError.None) return Fail(head, fault);
        consumed = length;
        return ParseStatus.Ok;
    }

    private static ParseStatus ParseFields(ReadOnlySpan<byte> buffer, MessageHead head, in HeadLimits limits, out int length)
    {
        length = 0;
        while (true)
        {
            ParseStatus line = FindFieldLine(buffer, head, limits, out int end);
            if (line != ParseStatus.Ok) return line;
            int start = head.LineStart;
            if (end == start)
            {
                head.FieldsEnd = start;
                length = end + 2;
                return ParseStatus.Ok;
            }

            HttpError error = head.AddLine(buffer, start, end, limits.MaxHeaders);
            if (error != HttpError.None) return Fail(head, error);
            NextLine(head, end, inFields: true);
        }
    }

    private static ParseStatus FindStartLine(ReadOnlySpan<byte> buffer, MessageHead head, in HeadLimits limits, out int end) =>
        FindLineEnd(buffer, head, limits.MaxRequestLine, HttpError.RequestLineTooLong, limits.MaxHeadBytes, out end);

    private static ParseStatus FindFieldLine(ReadOnlySpan<byte> buffer, MessageHead head, in HeadLimits limits, out int end) =>
        FindLineEnd(buffer, head, limits.MaxHeaderLine, HttpError.HeaderLineTooLong, limits.MaxHeadBytes, out end);

    /// <summary>
    /// Finds the CR of the current line's CRLF. Whichever limit the line meets first is the one it is refused for, so that the
    /// answer is the same for a line that came whole and one that is still coming.
    /// </summary>
    private static ParseStatus FindLineEnd(
        ReadOnlySpan<byte> buffer, MessageHead head, int maxLine, HttpError tooLong, int maxHead, out int end)
    {
        end = ControlBytes.IndexOf(buffer, head.Scanned);
        int lineLimit = head.LineStart + maxLine;
        int headLimit = maxHead - 2;
        if (end > lineLimit || end > headLimit) return Fail(head, lineLimit <= headLimit ? tooLong : HttpError.HeadTooLarge);

        if (end + 1 < buffer.Length && buffer[end] == '\r' && buffer[end + 1] == '\n') return ParseStatus.Ok;
        if (end == buffer.Length || (end + 1 == buffer.Length && buffer[end] == '\r'))
        {
            head.Scanned = end;
            return ParseStatus.NeedMore;
        }

        return Fail(head, buffer[end] switch
        {
            (byte)'\r' => HttpError.BareCr,
            (byte)'\n' => HttpError.BareLf,
            _ => HttpError.ControlCharacter,
        });
    }

    private static void NextLine(MessageHead head, int end, bool inFields)
    {
        head.LineStart = end + 2;
        head.Scanned = end + 2;
        head.InFields = inFields;
    }

    private static ParseStatus Fail(MessageHead head, HttpError error)
    {
        head.Error = error;
        return ParseStatus.Error;
    }
}
