using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

/// <summary>A head parsed from text, one byte a character, with its ranges turned back into text.</summary>
internal sealed class Parsed<THead>(string text, byte[] bytes, THead head, ParseStatus status, int consumed)
    where THead : MessageHead
{
    public byte[] Bytes => bytes;

    public THead Head => head;

    public ParseStatus Status => status;

    public int Consumed => consumed;

    /// <summary>"need-more", "ok" or the error's code.</summary>
    public string Outcome => status switch
    {
        ParseStatus.NeedMore => "need-more",
        ParseStatus.Ok => "ok",
        _ => HttpErrorInfo.Of(head.Error).Code,
    };

    public string Text(ByteRange range) => text.Substring(range.Start, range.Length);

    public string Value(KnownHeader id) => head.TryGet(id, out ByteRange value) ? Text(value) : "(absent)";
}

internal static class Parsed
{
    public static Parsed<RequestHead> Request(string text, HeadLimits? limits = null)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var head = new RequestHead();
        ParseStatus status = HeadParser.ParseRequest(bytes, head, limits ?? HeadLimits.Default, out int consumed);
        return new Parsed<RequestHead>(text, bytes, head, status, consumed);
    }

    public static Parsed<ResponseHead> Response(string text, RequestMethod? method = RequestMethod.Get)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var head = new ResponseHead();
        ParseStatus status = HeadParser.ParseResponse(bytes, head, HeadLimits.Default, out int consumed);
        if (status == ParseStatus.Ok && method is { } known) head.SetFraming(known);
        return new Parsed<ResponseHead>(text, bytes, head, status, consumed);
    }

    /// <summary>A GET with these field lines, each without CRLF.</summary>
    public static Parsed<RequestHead> Fields(params string[] lines) => Request($"GET / HTTP/1.1\r\nHost: a\r\n{Join(lines)}\r\n");

    public static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(l => l + "\r\n"));
}
