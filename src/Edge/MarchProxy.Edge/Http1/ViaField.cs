using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>Our entry in Via (RFC 9110 section 7.6.3), and the finding of it in what comes in.</summary>
internal static class ViaField
{
    public static ReadOnlySpan<byte> Pseudonym => "marchproxy"u8;

    /// <summary>The line added to a message, with the version that it was received by.</summary>
    public static ReadOnlySpan<byte> Line(MessageHead head) =>
        head.MajorVersion == 2 ? "Via: 2.0 marchproxy\r\n"u8 : head.MinorVersion == 1 ? "Via: 1.1 marchproxy\r\n"u8 : "Via: 1.0 marchproxy\r\n"u8;

    /// <summary>
    /// How often a proxy of this name has handled the request; a chain of them is legitimate, a long one is a loop
    /// (508, or 502 with Proxy-Status <c>proxy_loop_detected</c>).
    /// </summary>
    public static int CountOwn(RequestHead head, ReadOnlySpan<byte> buffer)
    {
        if (!head.Has(KnownHeader.Via)) return 0;
        int count = 0;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            if (field.Id != KnownHeader.Via) continue;
            var members = new ListMembers(field.Value.In(buffer));
            while (members.MoveNext())
            {
                // received-protocol RWS received-by [ RWS comment ]
                ReadOnlySpan<byte> rest = members.Current;
                int space = rest.IndexOfAny((byte)' ', (byte)'\t');
                if (space < 0) continue;
                rest = rest[space..].TrimStart(" \t"u8);
                int end = rest.IndexOfAny((byte)' ', (byte)'\t');
                if (Ascii.EqualsIgnoreCase(end < 0 ? rest : rest[..end], Pseudonym)) count++;
            }
        }

        return count;
    }
}
