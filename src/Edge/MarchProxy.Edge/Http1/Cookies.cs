namespace MarchProxy.Edge.Http1;

/// <summary>Cookies that a client brings (RFC 6265 section 5.4).</summary>
internal static class Cookies
{
    /// <summary>The first cookie of a name, over all lines: HTTP/2 may bring them on several (RFC 9113 section 8.2.3).</summary>
    public static bool TryGet(RequestHead head, ReadOnlySpan<byte> buffer, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!head.Has(KnownHeader.Cookie)) return false;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id == KnownHeader.Cookie && TryGet(field.Value.In(buffer), name, out value)) return true;
        }

        return false;
    }

    /// <summary>The first cookie of a name in one field's value.</summary>
    public static bool TryGet(ReadOnlySpan<byte> cookies, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        while (!cookies.IsEmpty)
        {
            int end = cookies.IndexOf((byte)';');
            ReadOnlySpan<byte> pair = (end < 0 ? cookies : cookies[..end]).Trim((byte)' ');
            cookies = end < 0 ? default : cookies[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (equals < 0 || !pair[..equals].SequenceEqual(name)) continue;
            value = pair[(equals + 1)..];
            return true;
        }

        value = default;
        return false;
    }
}
