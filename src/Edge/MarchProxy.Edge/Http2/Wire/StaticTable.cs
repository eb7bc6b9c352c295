using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>The static table of HPACK (RFC 7541 appendix A); indices from 1.</summary>
internal static class StaticTable
{
    public const int Count = 61;

    private static readonly (byte[] Name, byte[] Value)[] s_entries = Build();
    private static readonly byte[] s_byKnown = BuildKnown();

    public static ReadOnlySpan<byte> Name(int index) => s_entries[index].Name;

    public static ReadOnlySpan<byte> Value(int index) => s_entries[index].Value;

    /// <summary>The index of the first entry with the name of a known field; zero when there is none.</summary>
    public static int IndexOf(KnownHeader id) => s_byKnown[(int)id];

    private static (byte[] Name, byte[] Value)[] Build()
    {
        const string all = """

            :authority
            :method GET
            :method POST
            :path /
            :path /index.html
            :scheme http
            :scheme https
            :status 200
            :status 204
            :status 206
            :status 304
            :status 400
            :status 404
            :status 500
            accept-charset
            accept-encoding gzip, deflate
            accept-language
            accept-ranges
            accept
            access-control-allow-origin
            age
            allow
            authorization
            cache-control
            content-disposition
            content-encoding
            content-language
            content-length
            content-location
            content-range
            content-type
            cookie
            date
            etag
            expect
            expires
            from
            host
            if-match
            if-modified-since
            if-none-match
            if-range
            if-unmodified-since
            last-modified
            link
            location
            max-forwards
            proxy-authenticate
            proxy-authorization
            range
            referer
            refresh
            retry-after
            server
            set-cookie
            strict-transport-security
            transfer-encoding
            user-agent
            vary
            via
            www-authenticate
            """;
        return [.. all.Split('\n').Select(line => line.TrimEnd('\r')).Select(line =>
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            return space < 0 ? (Encoding.ASCII.GetBytes(line), Array.Empty<byte>()) : (Encoding.ASCII.GetBytes(line[..space]), Encoding.ASCII.GetBytes(line[(space + 1)..]));
        })];
    }

    private static byte[] BuildKnown()
    {
        byte[] known = new byte[64];
        for (int i = Count; i > 0; i--)
        {
            if (KnownHeaders.Find(s_entries[i].Name) is var id and not KnownHeader.Unknown) known[(int)id] = (byte)i;
        }

        return known;
    }
}
