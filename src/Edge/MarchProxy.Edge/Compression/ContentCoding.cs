using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Compression;

/// <summary>A coding that responses are compressed by (RFC 9110 section 8.4.1, RFC 7932, RFC 8878).</summary>
internal enum ContentCoding : byte
{
    Identity,
    Brotli,
    Gzip,
    Zstd,
}

/// <summary>Chooses a coding by what a client accepts.</summary>
internal static class AcceptEncoding
{
    /// <summary>Weights are thousandths.</summary>
    private const int Full = 1000;

    public static ReadOnlySpan<byte> NameOf(ContentCoding coding) => coding switch
    {
        ContentCoding.Brotli => "br"u8,
        ContentCoding.Gzip => "gzip"u8,
        ContentCoding.Zstd => "zstd"u8,
        _ => "identity"u8,
    };

    public static ContentCoding Find(ReadOnlySpan<byte> name) =>
        Ascii.EqualsIgnoreCase(name, "br"u8) ? ContentCoding.Brotli
        : Ascii.EqualsIgnoreCase(name, "gzip"u8) || Ascii.EqualsIgnoreCase(name, "x-gzip"u8) ? ContentCoding.Gzip
        : Ascii.EqualsIgnoreCase(name, "zstd"u8) ? ContentCoding.Zstd : ContentCoding.Identity;

    // RFC 9110 section 12.5.3: Accept-Encoding = #( codings [ weight ] ); weight = OWS ";" OWS "q=" qvalue
    /// <summary>The coding that a client likes best of those offered; where it likes several equally, the one offered first. A client that says nothing gets none.</summary>
    public static ContentCoding Choose(RequestHead request, ReadOnlySpan<byte> buffer, ReadOnlySpan<ContentCoding> offered)
    {
        if (!request.Has(KnownHeader.AcceptEncoding)) return ContentCoding.Identity;
        Span<int> weights = stackalloc int[4];
        weights.Fill(-1);
        int any = -1;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Id != KnownHeader.AcceptEncoding) continue;
            var members = new ListMembers(field.Value.In(buffer));
            while (members.MoveNext()) Note(members.Current, weights, ref any);
        }

        ContentCoding best = ContentCoding.Identity;
        int most = Math.Max(0, weights[(int)ContentCoding.Identity]);
        foreach (ContentCoding coding in offered)
        {
            int weight = weights[(int)coding] >= 0 ? weights[(int)coding] : any;

            // A client that names no weight for identity likes it least of what it accepts.
            bool better = best == ContentCoding.Identity ? weight > 0 && weight >= most : weight > most;
            if (!better) continue;
            best = coding;
            most = weight;
        }

        return best;
    }

    private static void Note(ReadOnlySpan<byte> member, Span<int> weights, ref int any)
    {
        int semicolon = member.IndexOf((byte)';');
        ReadOnlySpan<byte> name = (semicolon < 0 ? member : member[..semicolon]).Trim(" \t"u8);
        int weight = semicolon < 0 ? Full : Weight(member[(semicolon + 1)..]);
        if (name.SequenceEqual("*"u8)) any = weight;
        else if (Find(name) is var coding && coding != ContentCoding.Identity || Ascii.EqualsIgnoreCase(name, "identity"u8)) weights[(int)Find(name)] = weight;
    }

    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); what is none counts as a refusal
    private static int Weight(ReadOnlySpan<byte> parameter)
    {
        parameter = parameter.Trim(" \t"u8);
        if (parameter.Length < 3 || parameter[0] is not ((byte)'q' or (byte)'Q') || parameter[1] != '=') return 0;
        ReadOnlySpan<byte> value = parameter[2..];
        if (value[0] is < (byte)'0' or > (byte)'1' || value.Length > 5 || (value.Length > 1 && value[1] != '.')) return 0;
        int weight = (value[0] - '0') * Full;
        for (int i = 2, unit = 100; i < value.Length; i++, unit /= 10)
        {
            if (value[i] is < (byte)'0' or > (byte)'9') return 0;
            weight += (value[i] - '0') * unit;
        }

        return Math.Min(weight, Full);
    }
}
