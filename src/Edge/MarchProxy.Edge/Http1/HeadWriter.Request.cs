namespace MarchProxy.Edge.Http1;

internal static partial class HeadWriter
{
    /// <summary>
    /// Writes the head of the upstream request: origin-form, HTTP/1.1. Content follows with the client's framing, since a
    /// request is only ever framed by one Content-Length or by chunks.
    /// </summary>
    public static bool WriteRequest(
        OutBuffer output, RequestHead head, ReadOnlySpan<byte> buffer, RequestRewrite rewrite, in RequestHop hop, RequestEdit? edit = null)
    {
        int host = Math.Max(head.Authority.Length, rewrite.Host.Length);
        int room = head.FieldsEnd + rewrite.AddPrefix.Length + rewrite.Changes.Appended.Length + 3 * host + FixedAdditions + (edit is null ? 0 : edit.Lines.Length + (edit.Path?.Length ?? 0));
        if (!output.EnsureRoom(room)) return false;

        var writer = new ByteWriter(output.Free);
        bool noHost = rewrite.Host.Length > 0 || !head.Has(KnownHeader.Host);
        bool sameLine = head.Form == TargetForm.Origin && head.MinorVersion == 1 && rewrite.KeepsPath && !noHost && edit?.Path is null;
        int from = sameLine ? head.Start : head.FieldsStart;
        if (!sameLine) WriteRequestLine(ref writer, head, buffer, rewrite, edit);
        if (noHost) WriteHost(ref writer, rewrite.Host.Length > 0 ? rewrite.Host : head.Authority.In(buffer));

        ulong dropped = hop.PassUpgrade ? rewrite.Dropped : rewrite.Dropped | KnownHeaders.Bit(KnownHeader.Upgrade);
        if (edit is not null) dropped |= edit.Dropped;
        CopyFields(ref writer, head, buffer, from, dropped, rewrite.Changes);
        if (edit is not null) writer.Append(edit.Lines);
        WriteConnection(ref writer, head.AcceptsTrailers, hop.PassUpgrade);
        WriteForwarded(ref writer, head, buffer, rewrite.Forwarded, hop);
        writer.Append(rewrite.Changes.Appended);
        writer.Append("\r\n"u8);
        output.Commit(writer.Length);
        return true;
    }

    private static void WriteRequestLine(ref ByteWriter writer, RequestHead head, ReadOnlySpan<byte> buffer, RequestRewrite rewrite, RequestEdit? edit)
    {
        writer.Append(head.MethodName.In(buffer));
        writer.Append((byte)' ');
        if (edit?.Path is { } path && head.Form != TargetForm.Asterisk) writer.Append(path);
        else WritePath(ref writer, head, buffer, rewrite);
        writer.Append(" HTTP/1.1\r\n"u8);
    }

    private static void WritePath(ref ByteWriter writer, RequestHead head, ReadOnlySpan<byte> buffer, RequestRewrite rewrite)
    {
        ReadOnlySpan<byte> path = head.Path.In(buffer);

        // RFC 9112 section 3.2.4: OPTIONS for the whole server, asked of a proxy without path or query.
        bool wholeServer = head.Form == TargetForm.Asterisk || (head.Method == RequestMethod.Options && path.IsEmpty);
        if (wholeServer)
        {
            writer.Append((byte)'*');
            return;
        }

        path = rewrite.Strip(path);
        writer.Append(rewrite.AddPrefix);
        if (path.IsEmpty || path[0] != '/') writer.Append((byte)'/');
        writer.Append(path);
    }

    private static void WriteHost(ref ByteWriter writer, ReadOnlySpan<byte> host)
    {
        writer.Append("Host: "u8);
        writer.Append(host);
        writer.Append("\r\n"u8);
    }

    private static void WriteConnection(ref ByteWriter writer, bool trailers, bool upgrade)
    {
        if (trailers) writer.Append(upgrade ? "TE: trailers\r\nConnection: TE, Upgrade\r\n"u8 : "TE: trailers\r\nConnection: TE\r\n"u8);
        else if (upgrade) writer.Append("Connection: Upgrade\r\n"u8);
    }

    private static void WriteForwarded(
        ref ByteWriter writer, RequestHead head, ReadOnlySpan<byte> buffer, ForwardedPolicy policy, in RequestHop hop)
    {
        if (policy.Adds(ForwardedHeaders.Via)) writer.Append(ViaField.Line(head));
        ReadOnlySpan<byte> proto = hop.Secure ? "https"u8 : "http"u8;
        ReadOnlySpan<byte> host = head.Authority.In(buffer);
        bool keep = policy.Received == ReceivedForwarded.Trust;
        if (policy.Adds(ForwardedHeaders.XForwardedFor) && hop.Peer is not null)
        {
            writer.Append("X-Forwarded-For: "u8);
            AppendReceived(ref writer, head, buffer, KnownHeader.XForwardedFor, policy);
            writer.Append(hop.Peer.Address);
            writer.Append("\r\n"u8);
        }

        if (policy.Adds(ForwardedHeaders.XForwardedProto) && !(keep && head.Has(KnownHeader.XForwardedProto)))
        {
            writer.Append("X-Forwarded-Proto: "u8);
            writer.Append(proto);
            writer.Append("\r\n"u8);
        }

        if (policy.Adds(ForwardedHeaders.XForwardedHost) && !host.IsEmpty && !(keep && head.Has(KnownHeader.XForwardedHost)))
        {
            writer.Append("X-Forwarded-Host: "u8);
            writer.Append(host);
            writer.Append("\r\n"u8);
        }

        if (policy.Adds(ForwardedHeaders.Forwarded) && hop.Peer is not null)
        {
            writer.Append("Forwarded: "u8);
            AppendReceived(ref writer, head, buffer, KnownHeader.Forwarded, policy);
            AppendForwardedElement(ref writer, hop.Peer, host, proto);
        }
    }

    // RFC 7239 section 4: forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] ); a host may hold a colon, so it is quoted.
    private static void AppendForwardedElement(ref ByteWriter writer, PeerAddress peer, ReadOnlySpan<byte> host, ReadOnlySpan<byte> proto)
    {
        writer.Append("for="u8);
        writer.Append(peer.Node);
        if (!host.IsEmpty)
        {
            writer.Append(";host=\""u8);
            writer.Append(host);
            writer.Append((byte)'"');
        }

        writer.Append(";proto="u8);
        writer.Append(proto);
        writer.Append("\r\n"u8);
    }

    /// <summary>The client's values of a list field, joined into our line: many upstreams read only one line of it.</summary>
    private static void AppendReceived(
        ref ByteWriter writer, RequestHead head, ReadOnlySpan<byte> buffer, KnownHeader id, ForwardedPolicy policy)
    {
        if (policy.Received == ReceivedForwarded.Discard || !head.Has(id)) return;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id != id || field.ValueLength == 0 || field.Nominated) continue;
            writer.Append(field.Value.In(buffer));
            writer.Append(", "u8);
        }
    }
}
