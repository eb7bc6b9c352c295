using System.Globalization;
using System.Text;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Tests.Server;

namespace MarchProxy.Edge.Tests.Http2;

/// <summary>Services that speak HTTP/2, under clients of both kinds.</summary>
public sealed class UpstreamTests
{
    private static readonly byte[] s_ok = RawHttp2.Block((":status", "200"), ("content-type", "text/plain"));
    private const string Upgrade = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    [Fact]
    public async Task A_client_of_http1_reaches_a_service_of_http2()
    {
        string asked = "";
        using ScriptedOrigin origin = Serve(async (server, request, stream) =>
        {
            asked = request;
            await server.HeadersAsync(stream, RawHttp2.Block((":status", "103"), ("link", "</a.css>")), ends: false);
            await server.HeadersAsync(stream, s_ok, ends: false);
            await server.SendAsync(FrameType.Data, 0, stream, "hello "u8.ToArray());
            await server.SendAsync(FrameType.Data, 0, stream, "world"u8.ToArray());
            await server.HeadersAsync(stream, RawHttp2.Block(("x-sum", "42")));
        });
        await using EdgeRig rig = await RigAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, "GET /a?b=c HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-One: Two\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 103", answer, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200 \r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Via: 2.0 marchproxy\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("5\r\nworld\r\n0\r\nx-sum: 42\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.StartsWith(":method: GET\n:scheme: http\n:path: /a?b=c\n:authority: a.test\n", asked, StringComparison.Ordinal);
        Assert.Contains("x-one: Two\n", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("connection", asked, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HEAD", "content-length: 7")]
    [InlineData("GET", "Content-Length: 0")]
    public async Task An_answer_that_ends_with_its_head_is_framed_for_http1(string method, string framing)
    {
        using ScriptedOrigin origin = Serve((server, _, stream) => server.HeadersAsync(stream, method == "HEAD" ? RawHttp2.Block((":status", "200"), ("content-length", "7")) : s_ok));
        await using EdgeRig rig = await RigAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, $"{method} / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        Assert.Contains(framing + "\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_requests_share_a_connection_as_many_as_it_takes_at_a_time()
    {
        int connections = 0;
        using var origin = new ScriptedOrigin(async (socket, _) =>
        {
            Interlocked.Increment(ref connections);
            using RawHttp2 server = await RawHttp2.AcceptAsync(socket, RawHttp2.Setting(Http2Setting.MaxConcurrentStreams, 20));
            await LoopAsync(server, async (_, stream) =>
            {
                await server.HeadersAsync(stream, s_ok, ends: false);
                await server.SendAsync(FrameType.Data, FrameFlags.EndStream, stream, "x"u8.ToArray());
            });
        });
        await using EdgeRig rig = await RigAsync(origin.Port);
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => EdgeRig.AskAsync(rig.Web, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")));
        Assert.All(answers, a => Assert.StartsWith("HTTP/1.1 200", a, StringComparison.Ordinal));
        Assert.Equal(1, connections);
    }

    [Theory]
    [InlineData("goaway")]
    [InlineData("refused")]
    public async Task What_the_service_has_not_looked_at_is_sent_again(string how)
    {
        int tries = 0;
        using ScriptedOrigin origin = Serve(async (server, _, stream) =>
        {
            if (Interlocked.Increment(ref tries) > 1) await server.HeadersAsync(stream, RawHttp2.Block((":status", "204")));
            else if (how == "goaway") await server.SendAsync(FrameType.GoAway, 0, 0, [.. RawHttp2.Int(0), .. RawHttp2.Int(0)]);
            else await server.SendAsync(FrameType.RstStream, 0, stream, RawHttp2.Int((int)Http2Error.RefusedStream));
        });
        await using EdgeRig rig = await RigAsync(origin.Port);

        // Not even a request that may not be repeated is in danger: nobody has looked at it. Its content was not read yet either.
        string answer = await EdgeRig.AskAsync(rig.Web, "DELETE /x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 204", answer, StringComparison.Ordinal);
        Assert.Equal(2, tries);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Any(l => l.Contains("\"retries\":1", StringComparison.Ordinal)), () => string.Join('\n', rig.Lines));
    }

    [Fact]
    public async Task A_dead_address_is_passed_over_for_clients_of_both_kinds()
    {
        using ScriptedOrigin origin = Serve((server, _, stream) => server.HeadersAsync(stream, RawHttp2.Block((":status", "204"))));
        await using EdgeRig rig = await EdgeRig.StartAsync($$"""
            services:
              - { name: origin, addresses: [127.0.0.9, 127.0.0.1], ports: "{{origin.Port}}", protocol: h2c, outlier: { failures: 0 } }
            routes:
              - { name: all, retries: 1, backends: [origin] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """, new EdgeSettings { Loops = 1 });
        for (int i = 0; i < 4; i++)
        {
            Assert.StartsWith("HTTP/1.1 204", await EdgeRig.AskAsync(rig.Web, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
            using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
            await client.HeadersAsync(1, RawHttp2.Get());
            Assert.StartsWith(":status: 204", (await client.AnswerAsync(1)).Head, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_answer_cut_short_is_shown_as_cut_and_one_that_comes_early_comes_whole()
    {
        using ScriptedOrigin origin = Serve(async (server, request, stream) =>
        {
            await server.HeadersAsync(stream, s_ok, ends: false);
            await server.SendAsync(FrameType.Data, (byte)(request.Contains("/cut", StringComparison.Ordinal) ? 0 : 1), stream, "some"u8.ToArray());
            await server.SendAsync(FrameType.RstStream, 0, stream, RawHttp2.Int(request.Contains("/cut", StringComparison.Ordinal) ? 2 : 0));
        });
        await using EdgeRig rig = await RigAsync(origin.Port);
        Assert.DoesNotContain("0\r\n\r\n", (await EdgeRig.AskAsync(rig.Web, "GET /cut HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")).Split("\r\n\r\n", 2)[1], StringComparison.Ordinal);

        // The service wants no more of an upload, and has said all it has to say (RFC 9113 section 8.1).
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.HeadersAsync(1, RawHttp2.Post(), ends: false);
        await client.SendAsync(FrameType.Data, 0, 1, new byte[100]);
        Assert.Equal("some", Encoding.ASCII.GetString((await client.AnswerAsync(1)).Content));
        Assert.Equal(Http2Error.NoError, (await client.NextAsync(FrameType.RstStream)).Error);
    }

    [Fact]
    public async Task A_websocket_of_http1_goes_over_http2_where_the_service_takes_it()
    {
        string asked = "";
        using var origin = new ScriptedOrigin(async (socket, _) =>
        {
            using RawHttp2 server = await RawHttp2.AcceptAsync(socket, RawHttp2.Setting(Http2Setting.EnableConnectProtocol, 1));
            RawFrame request = await server.NextAsync(FrameType.Headers);
            asked = server.Fields(request);
            Assert.False(request.Ends);
            await server.HeadersAsync(request.Stream, RawHttp2.Block((":status", "200")), ends: false);
            await EchoAsync(server);
        });
        await using EdgeRig rig = await RigAsync(origin.Port);
        string answer = await EdgeRig.AskAsync(rig.Web, Upgrade + "early;", endAfter: "late");
        Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nearly;late", answer, StringComparison.Ordinal);
        Assert.StartsWith(":method: CONNECT\n:protocol: websocket\n", asked, StringComparison.Ordinal);
        Assert.Contains("sec-websocket-version: 13\n", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("sec-websocket-key", asked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_of_http2_without_websockets_is_told_of()
    {
        using ScriptedOrigin origin = Serve((server, _, stream) => server.HeadersAsync(stream, s_ok));
        await using EdgeRig rig = await RigAsync(origin.Port);
        Assert.Contains("no-websocket-over-http2", await EdgeRig.AskAsync(rig.Web, Upgrade, endAfter: ""), StringComparison.Ordinal);
    }

    internal static async Task EchoAsync(RawHttp2 server)
    {
        while (await server.ReadAsync() is { } frame)
        {
            if (frame.Type == FrameType.Data) await server.SendAsync(FrameType.Data, frame.Flags, frame.Stream, frame.Payload);
        }
    }

    private static Task<EdgeRig> RigAsync(int port) => EdgeRig.StartAsync(string.Create(CultureInfo.InvariantCulture, $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{port}}", protocol: h2c }
        routes:
          - { name: all, backends: [origin] }
        listeners:
          - { name: web, port: 0, purpose: ingress }
        """), new EdgeSettings { Loops = 1 });

    private static ScriptedOrigin Serve(Func<RawHttp2, string, int, Task> answer) => new(async (socket, _) =>
    {
        using RawHttp2 server = await RawHttp2.AcceptAsync(socket);
        await LoopAsync(server, (request, stream) => answer(server, request, stream));
    });

    private static async Task LoopAsync(RawHttp2 server, Func<string, int, Task> answer)
    {
        while (await server.ReadAsync() is { } frame)
        {
            if (frame.Type == FrameType.Headers) await answer(server.Fields(frame), frame.Stream);
        }
    }
}
