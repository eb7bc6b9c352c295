using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Caching;

/// <summary>Heads as they are kept, and as a 304 renews them (RFC 9111 sections 3.1 and 3.2).</summary>
internal static class StoredHead
{
    private static readonly ulong s_never = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.ProxyAuthenticate, KnownHeader.ProxyAuthorization, KnownHeader.Te, KnownHeader.Trailer,
        KnownHeader.TransferEncoding, KnownHeader.Upgrade, KnownHeader.ContentLength, KnownHeader.Age, KnownHeader.SetCookie);

    /// <summary>Fields that describe the content, which a 304 does not have (RFC 9111 section 3.2).</summary>
    private static readonly ulong s_ofContent = KnownHeaders.Set(KnownHeader.ContentEncoding, KnownHeader.ContentType, KnownHeader.ContentRange);

    /// <summary>The head to keep. Its length is written last, by <see cref="Finish"/>, since it may not be known yet.</summary>
    public static byte[] Of(ResponseHead head, ReadOnlySpan<byte> buffer, HttpDate date)
    {
        var output = new MemoryStream(head.FieldsEnd + 64);
        Line(output, head, buffer);
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (Keeps(field)) Field(output, field.Name.In(buffer), field.Value.In(buffer));
        }

        if (!head.Has(KnownHeader.Date)) Field(output, "Date"u8, date.Text);
        return output.ToArray();
    }

    /// <summary>The head with its length, ready to be parsed.</summary>
    public static byte[] Finish(byte[] head, long length) => [.. head, .. Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n\r\n"))];

    /// <summary>The head of a response that a 304 confirmed: its fields replace those of the same names.</summary>
    public static byte[] Renew(ResponseHead stored, ReadOnlySpan<byte> storedBuffer, ResponseHead confirmation, ReadOnlySpan<byte> buffer)
    {
        var output = new MemoryStream(storedBuffer.Length + buffer.Length);
        Line(output, stored, storedBuffer);
        foreach (ref readonly HeaderField field in stored.Fields)
        {
            if (field.Id == KnownHeader.ContentLength || Keeps(field) && !Replaces(confirmation, buffer, field, storedBuffer)) Field(output, field.Name.In(storedBuffer), field.Value.In(storedBuffer));
        }

        foreach (ref readonly HeaderField field in confirmation.Fields)
        {
            if (Keeps(field) && !IsOfContent(field)) Field(output, field.Name.In(buffer), field.Value.In(buffer));
        }

        output.Write("\r\n"u8);
        return output.ToArray();
    }

    private static bool Replaces(ResponseHead confirmation, ReadOnlySpan<byte> buffer, in HeaderField field, ReadOnlySpan<byte> storedBuffer)
    {
        foreach (ref readonly HeaderField other in confirmation.Fields)
        {
            if (Keeps(other) && !IsOfContent(other) && Ascii.EqualsIgnoreCase(other.Name.In(buffer), field.Name.In(storedBuffer))) return true;
        }

        return false;
    }

    private static bool Keeps(in HeaderField field) => !field.Nominated && (field.Id == KnownHeader.Unknown || (s_never & KnownHeaders.Bit(field.Id)) == 0);

    private static bool IsOfContent(in HeaderField field) => field.Id != KnownHeader.Unknown && (s_ofContent & KnownHeaders.Bit(field.Id)) != 0;

    private static void Line(MemoryStream output, ResponseHead head, ReadOnlySpan<byte> buffer)
    {
        output.Write("HTTP/1.1 "u8);
        output.Write(Encoding.ASCII.GetBytes(head.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        output.Write(" "u8);
        output.Write(head.Reason.In(buffer));
        output.Write("\r\n"u8);
    }

    private static void Field(MemoryStream output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        output.Write(name);
        output.Write(": "u8);
        output.Write(value);
        output.Write("\r\n"u8);
    }
}
