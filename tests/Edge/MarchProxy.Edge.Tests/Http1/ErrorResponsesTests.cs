using System.Text;
using System.Text.Json;
using MarchProxy.Edge.Http1;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Http1;

public class ErrorResponsesTests
{
    private static readonly HttpDate s_date = new(new ManualTimeProvider().GetUtcNow());

    [Fact]
    public void Whole_response_is_as_documented()
    {
        string text = Write(new LocalResponse
        {
            Status = 403,
            Reason = "no-mapping",
            Detail = "No mapping lets billing reach \"a\\b\".",
            Error = ProxyError.HttpRequestDenied,
            Close = true,
        });
        const string body = """{"type":"about:blank","title":"Forbidden","status":403,"detail":"No mapping lets billing reach \"a\\b\".","reason":"no-mapping"}""" + "\n";
        Assert.Equal(
            "HTTP/1.1 403 Forbidden\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Type: application/problem+json\r\n"
            + $"Content-Length: {body.Length}\r\nX-MarchProxy-Reason: no-mapping\r\n"
            + "Proxy-Status: marchproxy; error=http_request_denied; details=\"No mapping lets billing reach \\\"a\\\\b\\\".\"\r\n"
            + "Connection: close\r\n\r\n" + body,
            text);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(407)]
    [InlineData(408)]
    [InlineData(413)]
    [InlineData(414)]
    [InlineData(417)]
    [InlineData(421)]
    [InlineData(429)]
    [InlineData(431)]
    [InlineData(500)]
    [InlineData(501)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(505)]
    [InlineData(508)]
    public void Every_status_is_a_valid_response_with_a_title(int status)
    {
        Parsed<ResponseHead> parsed = Parsed.Response(Write(new LocalResponse { Status = status, Reason = "r", Detail = "d", Error = ProxyError.ProxyInternalError }));
        Assert.Equal(("ok", status, true), (parsed.Outcome, parsed.Head.Status, parsed.Head.KeepAlive));
        Assert.NotEqual("Error", parsed.Text(parsed.Head.Reason));
        Assert.Equal(parsed.Bytes.Length - parsed.Consumed, parsed.Head.ContentLength);
        Assert.Equal(status == 407 ? "Basic realm=\"marchproxy\"" : "(absent)", parsed.Value(KnownHeader.ProxyAuthenticate));
    }

    [Fact]
    public void Hostile_text_stays_inside_its_quotes()
    {
        string hostile = "x\r\nEvil: 1\"\\\0\u007f\t\u00e9\ud83d\ude00\ud800 " + new string('"', 600);
        Parsed<ResponseHead> parsed = Parsed.Response(Write(new LocalResponse { Status = 502, Reason = hostile, Detail = hostile, Error = ProxyError.DnsError }));
        Assert.Equal("ok", parsed.Outcome);
        Assert.Equal(5, parsed.Head.Count);
        using var body = JsonDocument.Parse(parsed.Bytes.AsMemory(parsed.Consumed));
        string expected = hostile[..ErrorResponses.MaxText].Replace('\ud800', '\ufffd').Replace("\ud83d\ufffd", "\ud83d\ude00", StringComparison.Ordinal);
        Assert.Equal(expected, body.RootElement.GetProperty("detail").GetString());
        Assert.Equal(expected, body.RootElement.GetProperty("reason").GetString());
    }

    [Fact]
    public void Head_requests_get_the_length_but_not_the_body()
    {
        Parsed<ResponseHead> parsed = Parsed.Response(
            Write(new LocalResponse { Status = 503, Reason = "r", Detail = "d", Error = ProxyError.ConnectionLimitReached, OmitBody = true, RetryAfterSeconds = 7, SayKeepAlive = true }));
        Assert.Equal(parsed.Bytes.Length, parsed.Consumed);
        Assert.True(parsed.Head.ContentLength > 0);
        string text = Encoding.Latin1.GetString(parsed.Bytes);
        Assert.Contains("\r\nRetry-After: 7\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: keep-alive\r\n", text, StringComparison.Ordinal);
        Assert.Contains("; error=connection_limit_reached; ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fault_has_a_code_of_its_own_and_blames_the_right_side()
    {
        HttpError[] errors = [.. Enum.GetValues<HttpError>().Where(e => e != HttpError.None)];
        Assert.Equal(errors.Length, errors.Select(e => HttpErrorInfo.Of(e).Code).Distinct().Count());
        foreach (HttpError error in errors)
        {
            HttpErrorInfo info = HttpErrorInfo.Of(error);
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", info.Code);
            LocalResponse client = LocalResponse.ForClient(error);
            Assert.Equal((info.Status, info.Code, true, ProxyError.HttpRequestError), (client.Status, client.Reason, client.Close, client.Error));
            Assert.InRange(client.Status, 400, 505);
            Assert.Equal((502, info.Code), (LocalResponse.ForUpstream(error).Status, LocalResponse.ForUpstream(error).Reason));
        }
    }

    private static string Write(in LocalResponse response)
    {
        var output = new OutBuffer(new byte[16], 64 * 1024);
        Assert.True(ErrorResponses.TryWrite(output, response, s_date));
        return Encoding.Latin1.GetString(output.Written);
    }
}
