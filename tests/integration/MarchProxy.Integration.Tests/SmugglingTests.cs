using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration;

/// <summary>
/// Requests hidden in requests, as published research hides them (Kettle: HTTP Desync Attacks, HTTP/2: The Sequel is Always Worse, Browser-Powered Desync, HTTP/1.1 Must Die;
/// Linhart and others: HTTP Request Smuggling; w4ke: Funky Chunks), against a real nginx behind us: it must never see the hidden one.
/// </summary>
public sealed class SmugglingTests : IAsyncLifetime
{
    private const string Hidden = "GET /hidden HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    private NginxServer _nginx = null!;
    private Proxy _proxy = null!;

    public async Task InitializeAsync()
    {
        _nginx = await NginxServer.StartAsync();
        _proxy = await Proxy.StartAsync(Proxy.FirstSteps(_nginx.Port));
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _nginx.DisposeAsync();
    }

    /// <summary>Ways to say <c>Transfer-Encoding: chunked</c> that one of two servers might not understand.</summary>
    public static TheoryData<string> Obfuscations => [.. new[]
    {
        "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked", "Transfer-Encoding:\u000bchunked", "Transfer-Encoding:\u000cchunked", "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked-false", "Transfer-Encoding: chunk", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding\r\n : chunked",
        "X: x\r\n Transfer-Encoding: chunked", "X: x\nTransfer-Encoding: chunked", "X: x\rTransfer-Encoding: chunked", "X: x\0\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\0", "Transfer_Encoding: chunked",
        "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding: chunked;q=1", "transfer-encoding: Chunked", "TRANSFER-ENCODING: CHUNKED", "Transfer-Encoding: \tchunked\t", "Transfer-\u00e9ncoding: chunked",
    }];

    [Theory]
    [MemberData(nameof(Obfuscations))]
    public async Task Length_and_coding_that_contradict_each_other_hide_nothing(string coding)
    {
        // CL.TE: a server that goes by the length sends the hidden request as content of the first, one that goes by the coding as the next request.
        string content = "0\r\n\r\n" + Hidden;
        await NothingIsHiddenAsync($"POST /open HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {content.Length}\r\n{coding}\r\n\r\n{content}");

        // TE.CL: the reverse.
        string chunk = $"{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n";
        int size = chunk.IndexOf("\r\n", StringComparison.Ordinal) + 2;
        await NothingIsHiddenAsync($"POST /open HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {size}\r\n{coding}\r\n\r\n{chunk}", mayPipeline: coding.Contains('_'));
        await NothingIsHiddenAsync($"POST /open HTTP/1.1\r\nHost: shop.test\r\n{coding}\r\nContent-Length: {size}\r\n\r\n{chunk}", mayPipeline: coding.Contains('_'));
    }

    [Theory]
    [InlineData("Content-Length: 0\r\nContent-Length: {0}")]
    [InlineData("Content-Length: {0}\r\nContent-Length: 0")]
    [InlineData("Content-Length: 0, {0}")]
    [InlineData("Content-Length: +{0}")]
    [InlineData("Content-Length: -0")]
    [InlineData("Content-Length: 0x0")]
    [InlineData("Content-Length: 0 {0}")]
    [InlineData("Content-Length : {0}")]
    [InlineData("Content-Length: {0}a")]
    [InlineData("Content-Length: \r\n {0}")]
    [InlineData("Content-Length: 18446744073709551616")]
    [InlineData("Content_Length: {0}")]
    [InlineData("Content-Length: {0}\r\nExpect: 100-continue")]
    [InlineData("Content-Length: {0}\r\nExpect: y 100-continue")]
    [InlineData("Content-Length: {0}\r\nExpect:\r\n 100-continue")]
    [InlineData("Content-Length: {0}\r\nConnection: Content-Length")]
    [InlineData("Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding")]
    [InlineData("Content-Length: {0}\r\nX-HTTP-Method-Override: GET")]
    public async Task A_length_that_can_be_read_two_ways_hides_nothing(string length)
    {
        foreach (string method in new[] { "GET", "POST", "HEAD", "OPTIONS" })
        {
            await NothingIsHiddenAsync($"{method} /open HTTP/1.1\r\nHost: shop.test\r\n{string.Format(CultureInfo.InvariantCulture, length, Hidden.Length)}\r\n\r\n{Hidden}", mayPipeline: length.Contains('_', StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("2;\n\r\nxx\r\n0\r\n\r\n")]
    [InlineData("2;x=\n\r\nxx\r\n0\r\n\r\n")]
    [InlineData("2\nxx\r\n0\r\n\r\n")]
    [InlineData("2\r\nxx\n0\r\n\r\n")]
    [InlineData("2\r\nxxyy0\r\n\r\n")]
    [InlineData("2 \r\nxx\r\n0\r\n\r\n")]
    [InlineData("0x2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("+2\r\nxx\r\n0\r\n\r\n")]
    [InlineData("-1\r\nxx\r\n0\r\n\r\n")]
    [InlineData("00000000000000000\r\n\r\n")]
    [InlineData("fffffffffffffffff\r\nxx\r\n0\r\n\r\n")]
    [InlineData("10000000000000002\r\nxx\r\n0\r\n\r\n")]
    [InlineData("2\r\nxx\r\n0\n\n")]
    [InlineData("2\r\nxx\r\n0\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("0\r\nHost: evil.test\r\nX\n: y\r\n\r\n")]
    [InlineData("\r\n0\r\n\r\n")]
    public async Task Chunks_that_can_be_read_two_ways_hide_nothing(string chunks)
    {
        int before = _nginx.Requests().Count(r => r.Contains("/hidden", StringComparison.Ordinal));
        string answers = await SayAsync($"POST /open HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{Hidden}");

        // Where the chunks are sound, what follows them is the next request: then each was answered as one of its own.
        int seen = _nginx.Requests().Count(r => r.Contains("/hidden", StringComparison.Ordinal)) - before;
        Assert.True(seen == 0 || (seen == 1 && answers.Contains("path=/hidden", StringComparison.Ordinal) && !answers.Contains("HTTP/1.1 400", StringComparison.Ordinal)), answers);
    }

    [Theory]
    [InlineData("GET /open HTTP/1.1\r\nHost: shop.test\r\nHost: evil.test\r\n\r\n")]
    [InlineData("GET http://evil.test/open HTTP/1.1\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /open HTTP/1.1\r\nHost: shop.test@evil.test\r\n\r\n")]
    [InlineData("GET /open HTTP/1.1 x\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /open\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /open HTTP/1.2\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /open HTTP/2.0\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET\t/open\tHTTP/1.1\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /op\0en HTTP/1.1\r\nHost: shop.test\r\n\r\n")]
    [InlineData("GET /open HTTP/1.1\r\n\r\n")]
    [InlineData("GET /open HTTP/1.1\r\nHost: shop.test\r\nX: a\rb\r\n\r\n")]
    public async Task Heads_that_can_be_read_two_ways_are_refused(string head)
    {
        string answer = await SayAsync(head);
        Assert.Matches("^HTTP/1.1 (400|404|421|505)", answer);
        Assert.DoesNotContain(_nginx.Requests(), r => r.Contains("/open", StringComparison.Ordinal));
    }

    private async Task NothingIsHiddenAsync(string attack, bool mayPipeline = false)
    {
        int before = _nginx.Requests().Length;
        string answers = await SayAsync(attack);
        string[] seen = _nginx.Requests()[before..];
        bool hidden = seen.Any(r => r.Contains("/hidden", StringComparison.Ordinal));
        Assert.True(!hidden || (mayPipeline && answers.Split("HTTP/1.1 ").Length > 2), $"{attack}\n{answers}\n{string.Join('\n', seen)}");
    }

    /// <summary>Says it, ends our side, and hears out what comes.</summary>
    private async Task<string> SayAsync(string text)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(_proxy["web"]));
        NetworkStream stream = client.GetStream();
        var heard = new MemoryStream();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text), patience.Token);
            client.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(heard, patience.Token);
        }
        catch (IOException)
        {
            // A refusal may end with a reset when more was sent than was read.
        }

        return Encoding.Latin1.GetString(heard.ToArray());
    }
}
