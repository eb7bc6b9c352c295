using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Http1;

public class HeadWriterResponseTests
{
    private const string Now = "Date: Fri, 02 Jan 2026 03:04:05 GMT";

    [Theory]
    [InlineData("HTTP/1.1 200 OK", "HTTP/1.1 200 OK")]
    [InlineData("HTTP/1.0 404 Not Found", "HTTP/1.1 404 Not Found")]
    [InlineData("HTTP/1.1 200", "HTTP/1.1 200 ")]
    [InlineData("HTTP/1.1 200 ", "HTTP/1.1 200 ")]
    public void Status_line_is_http11(string received, string sent) =>
        Assert.Equal($"{sent}\r\n{Now}\r\n\r\n", Write($"{received}\r\n\r\n"));

    [Fact]
    public void Fields_of_the_hop_are_removed_and_a_date_is_kept()
    {
        string text = Write(
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: x\r\nContent-Length: 5\r\nConnection: keep-alive, X-One\r\nKeep-Alive: 5\r\nX-One: 1\r\n"
            + "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nETag: \"1\"\r\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: x\r\nContent-Length: 5\r\nETag: \"1\"\r\n\r\n", text);
    }

    [Theory]
    [InlineData("None", "")]
    [InlineData("Close", "Connection: close\r\n")]
    [InlineData("KeepAlive", "Connection: keep-alive\r\n")]
    public void Client_is_told_about_its_connection(string option, string sent) => Assert.Equal(
        $"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{sent}{Now}\r\n\r\n",
        Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", option: option));

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\nTrailer: T\r\n", "AsReceived", "Transfer-Encoding: chunked\r\nTrailer: T\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTrailer: T\r\n", "UntilClose", "")]
    [InlineData("", "Chunked", "Transfer-Encoding: chunked\r\n")]
    public void Content_is_framed_as_told(string received, string framing, string sent) =>
        Assert.Equal($"HTTP/1.1 200 OK\r\n{sent}{Now}\r\n\r\n", Write($"HTTP/1.1 200 OK\r\n{received}\r\n", framing: framing));

    [Fact]
    public void Switch_of_protocols_passes_upgrade() => Assert.Equal(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        Write("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", option: "Upgrade"));

    [Theory]
    [InlineData("204 No Content", Now + "\r\n")]
    [InlineData("103 Early Hints", "")]
    public void No_framing_where_no_content_can_be(string status, string sent) =>
        Assert.Equal($"HTTP/1.1 {status}\r\nLink: x\r\n{sent}\r\n", Write($"HTTP/1.1 {status}\r\nContent-Length: 0\r\nLink: x\r\n\r\n"));

    [Fact]
    public void Via_and_changes_are_added()
    {
        HeaderChanges changes = HeaderChanges.Compile([new(HeaderAction.Set, "Server", "us"), new(HeaderAction.Remove, "X-Powered-By")]);
        string text = Write("HTTP/1.0 200 OK\r\nserver: them\r\nDate: d\r\nx-powered-by: y\r\n\r\n", new ResponseRewrite(true, changes));
        Assert.Equal("HTTP/1.1 200 OK\r\nDate: d\r\nVia: 1.0 marchproxy\r\nServer: us\r\n\r\n", text);
    }

    private static string Write(string received, ResponseRewrite? rewrite = null, string option = "None", string framing = "AsReceived")
    {
        Parsed<ResponseHead> parsed = Parsed.Response(received);
        Assert.Equal("ok", parsed.Outcome);
        var output = new OutBuffer(new byte[64], 64 * 1024);
        var hop = new ResponseHop(Enum.Parse<ConnectionOption>(option), Enum.Parse<ResponseFraming>(framing));
        var date = new HttpDate(new ManualTimeProvider().GetUtcNow());
        Assert.True(HeadWriter.WriteResponse(output, parsed.Head, parsed.Bytes, rewrite ?? new ResponseRewrite(false, HeaderChanges.None), hop, date));
        return Encoding.Latin1.GetString(output.Written);
    }
}
