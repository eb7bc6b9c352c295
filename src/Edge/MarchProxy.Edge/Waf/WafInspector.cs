using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Waf;

/// <summary>Holds a request's head to a route's rules. Allocates nothing.</summary>
internal static class WafInspector
{
    /// <summary>Fields that come once or not at all; of two, one server reads the first and the next one the last.</summary>
    private static readonly ulong s_single = KnownHeaders.Set(
        KnownHeader.Authorization, KnownHeader.ContentType, KnownHeader.UserAgent, KnownHeader.Referer, KnownHeader.Origin, KnownHeader.Range, KnownHeader.IfModifiedSince, KnownHeader.MaxForwards);

    /// <summary>Looks at a request.</summary>
    /// <param name="profile">The rules.</param>
    /// <param name="head">Its head.</param>
    /// <param name="buffer">The bytes of the head.</param>
    public static WafVerdict Inspect(WafProfile profile, RequestHead head, ReadOnlySpan<byte> buffer)
    {
        var verdict = default(WafVerdict);
        ReadOnlySpan<byte> target = head.Path.In(buffer);
        int mark = target.IndexOf((byte)'?');
        ReadOnlySpan<byte> path = mark < 0 ? target : target[..mark];
        if (profile.ListsMethods && !profile.Takes(head.MethodName.In(buffer))) verdict.Note(profile, WafRule.Method);
        if (profile.MaxUri > 0 && target.Length > profile.MaxUri) verdict.Note(profile, WafRule.UriLength);
        if (profile.MaxQuery > 0 && mark >= 0 && target.Length - mark - 1 > profile.MaxQuery) verdict.Note(profile, WafRule.QueryLength);
        if (profile.MaxHeaders > 0 && head.Count > profile.MaxHeaders) verdict.Note(profile, WafRule.HeaderCount);
        if (profile.MaxHeaderBytes > 0 && head.FieldsEnd - head.FieldsStart > profile.MaxHeaderBytes) verdict.Note(profile, WafRule.HeaderSize);
        if (profile.MaxBody > 0 && head.ContentLength > profile.MaxBody) verdict.Note(profile, WafRule.BodySize);
        if (profile.ContentTypes is { } types && head.Body != BodyKind.None && !(head.TryGet(KnownHeader.ContentType, out ByteRange type) && types.Take(type.In(buffer)))) verdict.Note(profile, WafRule.ContentType);
        if (profile[WafRule.PathTraversal] != WafMode.Off || profile[WafRule.PathEncoding] != WafMode.Off)
        {
            (bool climbs, bool deceives) = PathInspector.Inspect(path);
            if (climbs) verdict.Note(profile, WafRule.PathTraversal);
            if (deceives) verdict.Note(profile, WafRule.PathEncoding);
        }

        if (profile[WafRule.HeaderAnomaly] != WafMode.Off || profile.ListsMethods) InspectFields(profile, head, buffer, ref verdict);
        return verdict;
    }

    private static void InspectFields(WafProfile profile, RequestHead head, ReadOnlySpan<byte> buffer, ref WafVerdict verdict)
    {
        ulong seen = 0;
        foreach (ref readonly HeaderField field in head.Fields)
        {
            ReadOnlySpan<byte> value = field.Value.In(buffer);
            if (field.Id == KnownHeader.Unknown)
            {
                ReadOnlySpan<byte> name = field.Name.In(buffer);
                if (IsOdd(name)) verdict.Note(profile, WafRule.HeaderAnomaly);
                if (profile.ListsMethods && IsMethodOverride(name) && !profile.Takes(value)) verdict.Note(profile, WafRule.Method);
            }
            else
            {
                ulong bit = KnownHeaders.Bit(field.Id);
                if ((seen & bit & s_single) != 0) verdict.Note(profile, WafRule.HeaderAnomaly);
                seen |= bit;
            }

            if (!IsUtf8(value)) verdict.Note(profile, WafRule.HeaderAnomaly);
        }
    }

    /// <summary>
    /// A name that a server behind may take for another: CGI and WSGI read an underscore as the dash of a field that we write ourselves; and fields by which some frameworks
    /// take another path than the one that was routed.
    /// </summary>
    private static bool IsOdd(ReadOnlySpan<byte> name) =>
        name.Contains((byte)'_') || (name.Length is 13 or 14 && (Ascii.EqualsIgnoreCase(name, "x-original-url"u8) || Ascii.EqualsIgnoreCase(name, "x-rewrite-url"u8)));

    private static bool IsMethodOverride(ReadOnlySpan<byte> name) =>
        name.Length is 13 or 17 or 22
        && (Ascii.EqualsIgnoreCase(name, "x-http-method-override"u8) || Ascii.EqualsIgnoreCase(name, "x-method-override"u8) || Ascii.EqualsIgnoreCase(name, "x-http-method"u8));

    private static bool IsUtf8(ReadOnlySpan<byte> value)
    {
        if (Ascii.IsValid(value)) return true;
        var utf8 = default(Utf8State);
        foreach (byte b in value)
        {
            if (!utf8.Take(b)) return false;
        }

        return utf8.IsComplete;
    }
}
