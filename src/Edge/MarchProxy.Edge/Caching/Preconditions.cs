using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Caching;

/// <summary>A client's conditions and ranges, judged against a response that is kept.</summary>
internal static class Preconditions
{
    /// <summary>Conditions about changing things, which only the upstream can judge.</summary>
    public static bool HasOthers(RequestHead head, ReadOnlySpan<byte> buffer)
    {
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id != KnownHeader.Unknown) continue;
            ReadOnlySpan<byte> name = field.Name.In(buffer);
            if (System.Text.Ascii.EqualsIgnoreCase(name, "if-match"u8) || System.Text.Ascii.EqualsIgnoreCase(name, "if-unmodified-since"u8)) return true;
        }

        return false;
    }

    // RFC 9110 section 13.2.2
    /// <summary>Whether the client has it already: 304.</summary>
    public static bool NotModified(RequestHead request, ReadOnlySpan<byte> requestBuffer, ResponseHead stored, ReadOnlySpan<byte> storedBuffer, long now)
    {
        if (stored.Status is not (200 or 203 or 204)) return false;
        if (request.Has(KnownHeader.IfNoneMatch))
        {
            stored.TryGet(KnownHeader.ETag, out ByteRange tag);
            foreach (ref readonly HeaderField field in request.Fields)
            {
                if (field.Id == KnownHeader.IfNoneMatch && Names(field.Value.In(requestBuffer), tag.In(storedBuffer))) return true;
            }

            return false;
        }

        if (!request.TryGet(KnownHeader.IfModifiedSince, out ByteRange since) || !HttpDateReader.TryRead(since.In(requestBuffer), now, out long asked)) return false;
        long? changed = Freshness.Date(stored, storedBuffer, "last-modified"u8, now, out _) ?? Freshness.Date(stored, storedBuffer, "date"u8, now, out _);
        return changed is { } time && time <= asked;
    }

    // If-None-Match = "*" / #entity-tag; entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE; compared weakly
    /// <summary>Whether a list of tags has this one.</summary>
    public static bool Names(ReadOnlySpan<byte> list, ReadOnlySpan<byte> tag)
    {
        list = list.Trim(" \t"u8);
        if (list.SequenceEqual("*"u8)) return true;
        tag = Opaque(tag);
        while (!tag.IsEmpty && !list.IsEmpty)
        {
            list = list.TrimStart(" \t,"u8);
            if (list.StartsWith("W/"u8)) list = list[2..];
            if (list.IsEmpty || list[0] != '"') return false;
            int end = list[1..].IndexOf((byte)'"');
            if (end < 0) return false;
            if (list[..(end + 2)].SequenceEqual(tag)) return true;
            list = list[(end + 2)..];
        }

        return false;
    }

    // RFC 9110 sections 13.1.5 and 14.2
    /// <summary>The one range that a request asks for; false where the whole is to be served, which a server always may.</summary>
    public static bool TryRange(RequestHead request, ReadOnlySpan<byte> requestBuffer, ResponseHead stored, ReadOnlySpan<byte> storedBuffer, long length, out long start, out long count, out bool unsatisfiable)
    {
        start = count = 0;
        unsatisfiable = false;
        if (stored.Status != 200 || !request.TryGet(KnownHeader.Range, out ByteRange range)) return false;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Id == KnownHeader.Unknown && System.Text.Ascii.EqualsIgnoreCase(field.Name.In(requestBuffer), "if-range"u8) && !SameRepresentation(field.Value.In(requestBuffer), stored, storedBuffer)) return false;
        }

        return TryRange(range.In(requestBuffer), length, out start, out count, out unsatisfiable);
    }

    // ranges-specifier = "bytes=" ( first-pos "-" [ last-pos ] / "-" suffix-length )
    /// <summary>Reads one range of bytes; several are not taken.</summary>
    public static bool TryRange(ReadOnlySpan<byte> value, long length, out long start, out long count, out bool unsatisfiable)
    {
        start = count = 0;
        unsatisfiable = false;
        if (value.Length < 7 || !System.Text.Ascii.EqualsIgnoreCase(value[..6], "bytes="u8)) return false;
        ReadOnlySpan<byte> spec = value[6..].Trim(" \t"u8);
        int dash = spec.IndexOf((byte)'-');
        if (dash < 0) return false;
        ReadOnlySpan<byte> first = spec[..dash], last = spec[(dash + 1)..];
        bool hasFirst = Number(first, out long from), hasLast = Number(last, out long to);
        if ((!hasFirst && !first.IsEmpty) || (!hasLast && !last.IsEmpty) || (!hasFirst && !hasLast)) return false;
        if (!hasFirst)
        {
            start = Math.Max(0, length - to);
            count = length - start;
            unsatisfiable = count == 0;
            return true;
        }

        if (hasLast && to < from) return false;
        unsatisfiable = from >= length;
        start = from;
        count = unsatisfiable ? 0 : (hasLast ? Math.Min(to, length - 1) : length - 1) - from + 1;
        return true;
    }

    /// <summary>If-Range: a strong tag that is ours, or the date of the last change, byte for byte.</summary>
    private static bool SameRepresentation(ReadOnlySpan<byte> condition, ResponseHead stored, ReadOnlySpan<byte> storedBuffer)
    {
        if (condition.StartsWith("\""u8)) return stored.TryGet(KnownHeader.ETag, out ByteRange tag) && tag.In(storedBuffer).SequenceEqual(condition);
        return stored.TryGet(KnownHeader.LastModified, out ByteRange changed) && changed.In(storedBuffer).SequenceEqual(condition);
    }

    private static ReadOnlySpan<byte> Opaque(ReadOnlySpan<byte> tag) => tag.StartsWith("W/"u8) ? tag[2..] : tag;

    private static bool Number(ReadOnlySpan<byte> digits, out long value)
    {
        value = 0;
        if (digits.Length is 0 or > 18) return false;
        foreach (byte digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            value = (value * 10) + digit - '0';
        }

        return true;
    }
}
