using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>Upstreams that misbehave: an answer with a reason, or a reset once the head has gone out; never a hang.</summary>
public sealed class UpstreamTroubleTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502, "duplicate-content-length")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", 502, "length-and-transfer-encoding")]
    [InlineData("garbage\r\n\r\n", 502, "status-line")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", 502, "bare-lf")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502, "unasked-upgrade")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, "")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "")]
    public async Task A_malformed_response_is_a_502_with_its_reason(string response, int status, string reason)
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always(response, close: true);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, Request);
        Assert.Contains($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        if (reason.Length > 0) Assert.Contains($"X-MarchProxy-Reason: {reason}\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_connection_is_told()
    {
        int port;
        using (ScriptedOrigin gone = ScriptedOrigin.Always("", close: true)) port = gone.Port;
        await using EdgeRig rig = await EdgeRig.StartAsync(port);
        string answer = await EdgeRig.AskAsync(rig.Web, Request);
        Assert.StartsWith("HTTP/1.1 502", answer, StringComparison.Ordinal);
        Assert.Contains("error=connection_refused", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stalled_upstream_is_a_504()
    {
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            await ScriptedOrigin.ReadHeadAsync(stream);
            await ScriptedOrigin.ReadHeadAsync(stream);
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, ResponseHeadMs = 200 });
        string answer = await EdgeRig.AskAsync(rig.Web, Request);
        Assert.StartsWith("HTTP/1.1 504", answer, StringComparison.Ordinal);
        Assert.Contains("error=http_response_timeout", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX")]
    public async Task A_cut_response_never_looks_whole(string response)
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always(response, close: true);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, Request);
        Assert.DoesNotContain("0\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.True(answer.EndsWith("<reset>", StringComparison.Ordinal) || answer.Contains(" 502 ", StringComparison.Ordinal), answer);
    }

    [Fact]
    public async Task Bytes_behind_a_response_reach_nobody()
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen", close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1 });
        for (int i = 0; i < 5; i++) Assert.DoesNotContain("stolen", await EdgeRig.AskAsync(rig.Web, Request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_before_the_body_has_ended_reaches_the_client()
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", close: true);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n" + new string('x', 1000));
        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
            {
                string path = head.Split(' ')[1];
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {path.Length}\r\n\r\n{path}"));
            }
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        string requests = string.Concat(Enumerable.Range(0, 50).Select(i => $"GET /r{i:00} HTTP/1.1\r\nHost: a.test\r\n{(i == 49 ? "Connection: close\r\n" : "")}\r\n"));
        string answer = await EdgeRig.AskAsync(rig.Web, requests);
        int at = 0;
        for (int i = 0; i < 50; i++)
        {
            at = answer.IndexOf($"\r\n\r\n/r{i:00}", at, StringComparison.Ordinal);
            Assert.True(at >= 0, $"answer {i} is missing or out of order");
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400)]
    [InlineData("GET / HTTP/2.5\r\nHost: a\r\n\r\n", 505)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501)]
    public async Task Smuggling_is_refused_and_the_connection_closed(string request, int status)
    {
        using ScriptedOrigin origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, request + "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Equal(1, answer.Split("X-MarchProxy-Reason:").Length - 1);
        Assert.DoesNotContain(" 200 OK", answer, StringComparison.Ordinal);
    }
}
