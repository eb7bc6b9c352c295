namespace MarchProxy.Edge.Http1;

internal static partial class HeadWriter
{
    /// <summary>Offset of the space that a received status line needs behind its code.</summary>
    private const int SpaceAfterStatus = 12;

    /// <summary>
    /// Writes the head of the response to the client, always as HTTP/1.1 (RFC 9110 section 6.2). A final response without Date gets
    /// one (section 6.6.1). An edit, if there is one, comes between what was received and what the route changes.
    /// </summary>
    public static bool WriteResponse(
        OutBuffer output, ResponseHead head, ReadOnlySpan<byte> buffer, ResponseRewrite rewrite, in ResponseHop hop, HttpDate date, ResponseEdit? edit = null)
    {
        if (!output.EnsureRoom(head.FieldsEnd + rewrite.Changes.Appended.Length + FixedAdditions + (edit?.Lines.Length ?? 0))) return false;

        var writer = new ByteWriter(output.Free);
        int status = edit is { Status: > 0 } ? edit.Status : head.Status;
        bool sameLine = head.MinorVersion == 1 && buffer[SpaceAfterStatus] == ' ' && status == head.Status;
        int from = sameLine ? 0 : head.FieldsStart;
        if (!sameLine) WriteStatusLine(ref writer, head, buffer, status);

        CopyFields(ref writer, head, buffer, from, rewrite.Dropped | DroppedBy(head, hop, edit), rewrite.Changes);
        if (hop.Framing == ResponseFraming.Chunked) writer.Append("Transfer-Encoding: chunked\r\n"u8);
        else if (hop.Framing == ResponseFraming.Length) AppendContentLength(ref writer, hop.Length);
        if (edit is not null) writer.Append(edit.Lines);
        writer.Append(hop.Connection switch
        {
            ConnectionOption.Close => "Connection: close\r\n"u8,
            ConnectionOption.KeepAlive => "Connection: keep-alive\r\n"u8,
            ConnectionOption.Upgrade => "Connection: Upgrade\r\n"u8,
            _ => default,
        });
        if (rewrite.AddVia) writer.Append(ViaField.Line(head));
        if (head.Status >= 200 && !head.Has(KnownHeader.Date))
        {
            writer.Append("Date: "u8);
            writer.Append(date.Text);
            writer.Append("\r\n"u8);
        }

        writer.Append(rewrite.Changes.Appended);
        writer.Append("\r\n"u8);
        output.Commit(writer.Length);
        return true;
    }

    private static void AppendContentLength(ref ByteWriter writer, long length)
    {
        writer.Append("Content-Length: "u8);
        writer.AppendNumber(length);
        writer.Append("\r\n"u8);
    }

    private static ulong DroppedBy(ResponseHead head, in ResponseHop hop, ResponseEdit? edit)
    {
        ulong dropped = hop.Connection == ConnectionOption.Upgrade ? 0 : KnownHeaders.Bit(KnownHeader.Upgrade);
        if (edit is not null) dropped |= edit.Dropped;

        // RFC 9112 section 6.1 and RFC 9110 section 8.6: neither belongs to 1xx and 204.
        if (head.Status is < 200 or 204) dropped |= KnownHeaders.Set(KnownHeader.ContentLength, KnownHeader.TransferEncoding);
        return hop.Framing switch
        {
            ResponseFraming.AsReceived => dropped,

            // Trailers, and the field that announces them, pass where there are pieces to put them behind.
            ResponseFraming.Chunked or ResponseFraming.ByStream => dropped | KnownHeaders.Bit(KnownHeader.TransferEncoding),
            _ => dropped | KnownHeaders.Set(KnownHeader.TransferEncoding, KnownHeader.Trailer) | (hop.Framing == ResponseFraming.Length ? KnownHeaders.Bit(KnownHeader.ContentLength) : 0),
        };
    }

    private static void WriteStatusLine(ref ByteWriter writer, ResponseHead head, ReadOnlySpan<byte> buffer, int status)
    {
        writer.Append("HTTP/1.1 "u8);
        writer.AppendNumber(status);
        writer.Append((byte)' ');
        if (status == head.Status) writer.Append(head.Reason.In(buffer));
        writer.Append("\r\n"u8);
    }
}
