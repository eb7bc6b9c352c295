using System.Globalization;
using System.Text;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Tests.Server;

namespace MarchProxy.Edge.Tests.Http2;

/// <summary>What a client's connection of HTTP/2 carries beside plain requests, and how it ends.</summary>
public sealed class SessionTests
{
    private const int WebSockets = 200, Connections = 4, Changes = 40;

    private static byte[] WebSocket => RawHttp2.Block((":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/ws"), (":authority", "a.test"), ("sec-websocket-version", "13"), ("origin", "http://a.test"));

    [Fact]
    public async Task A_websocket_over_http2_reaches_a_service_of_http1()
    {
        string asked = "";
        using ScriptedOrigin origin = WebSocketOrigin(head => asked = head);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        RawFrame settings = await client.NextAsync(FrameType.Settings);
        Assert.Contains(Convert.ToHexString(RawHttp2.Setting(Http2Setting.EnableConnectProtocol, 1)), Convert.ToHexString(settings.Payload), StringComparison.Ordinal);
        await client.HeadersAsync(1, WebSocket, ends: false);
        RawFrame answer = await client.NextAsync(FrameType.Headers);
        string fields = client.Fields(answer);
        Assert.StartsWith(":status: 200", fields, StringComparison.Ordinal);
        Assert.DoesNotContain("sec-websocket-accept", fields, StringComparison.Ordinal);
        Assert.False(answer.Ends);
        Assert.StartsWith("GET /ws HTTP/1.1\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("Upgrade: websocket\r\n", asked, StringComparison.Ordinal);
        await client.SendAsync(FrameType.Data, 0, 1, "ping"u8.ToArray());
        Assert.Equal("ping", Encoding.ASCII.GetString((await client.NextAsync(FrameType.Data)).Payload));

        // An end passes as an end.
        await client.SendAsync(FrameType.Data, FrameFlags.EndStream, 1, "last"u8.ToArray());
        Assert.Equal("last", Encoding.ASCII.GetString((await client.NextAsync(FrameType.Data)).Payload));
        Assert.True((await client.NextAsync(FrameType.Data)).Ends);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Any(l => l.Contains("\"kind\":\"upgrade\"", StringComparison.Ordinal)), () => string.Join('\n', rig.Lines));
    }

    [Fact]
    public async Task A_handshake_that_proves_nothing_opens_no_websocket()
    {
        using var origin = ScriptedOrigin.Always("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm90aGluZw==\r\n\r\n", close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.HeadersAsync(1, WebSocket, ends: false);
        Assert.StartsWith(":status: 502", (await client.AnswerAsync(1)).Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hundred_web_sockets_over_http2_outlive_changes()
    {
        using ScriptedOrigin origin = WebSocketOrigin(_ => { });
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml(origin.Port, 0));
        var clients = new List<RawHttp2>();
        for (int c = 0; c < Connections; c++)
        {
            RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
            clients.Add(client);
            for (int i = 0; i < WebSockets / Connections; i++) await client.HeadersAsync((i * 2) + 1, WebSocket, ends: false);
            for (int i = 0; i < WebSockets / Connections; i++) Assert.StartsWith(":status: 200", client.Fields(await client.NextAsync(FrameType.Headers)), StringComparison.Ordinal);
        }

        for (int change = 1; change <= Changes; change++)
        {
            await rig.ApplyAsync(Yaml(origin.Port, change));
            if (change % 10 == 0) await Task.WhenAll(clients.Select(EchoAsync));
        }

        Assert.DoesNotContain(rig.Lines, l => l.Contains("\"kind\":\"upgrade\"", StringComparison.Ordinal));
        foreach (RawHttp2 client in clients) client.Dispose();
    }

    [Fact]
    public async Task A_forward_proxy_serves_connect_and_absolute_requests_over_http2()
    {
        using var web = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", close: false);
        using var echo = new ScriptedOrigin(async (stream, _) =>
        {
            byte[] buffer = new byte[64];
            while (await stream.ReadAsync(buffer) is > 0 and int n) await stream.WriteAsync(buffer.AsMemory(0, n));
        });
        await using EdgeRig rig = await EdgeRig.StartAsync($$"""
            services:
              - { name: lan, addresses: [127.0.0.0/8] }
              - { name: world, addresses: [web.test], resolve: { web.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
            mappings:
              - { name: all, sources: [lan], destinations: [world], protocols: [http, tcp] }
            listeners:
              - { name: web, port: 0, purpose: forward-proxy }
            """);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.HeadersAsync(1, RawHttp2.Block((":method", "GET"), (":scheme", "http"), (":authority", $"web.test:{web.Port}"), (":path", "/x")));
        Assert.Equal("hello", Encoding.ASCII.GetString((await client.AnswerAsync(1)).Content));
        await client.HeadersAsync(3, RawHttp2.Block((":method", "CONNECT"), (":authority", $"web.test:{echo.Port}")), ends: false);
        Assert.StartsWith(":status: 200", client.Fields(await client.NextAsync(FrameType.Headers)), StringComparison.Ordinal);
        await client.SendAsync(FrameType.Data, 0, 3, "through"u8.ToArray());
        Assert.Equal("through", Encoding.ASCII.GetString((await client.NextAsync(FrameType.Data)).Payload));
        await client.HeadersAsync(5, RawHttp2.Block((":method", "CONNECT"), (":authority", "other.test:443")), ends: false);
        Assert.StartsWith(":status: 403", (await client.AnswerAsync(5)).Head, StringComparison.Ordinal);

        // A policy that changes its mind ends the tunnel, and only that.
        await rig.ApplyAsync("listeners:\n  - { name: web, port: 0, purpose: forward-proxy }\n");
        Assert.Equal(3, (await client.NextAsync(FrameType.RstStream, 3)).Stream);
    }

    [Fact]
    public async Task A_drain_ends_what_runs_in_good_order()
    {
        var go = new SemaphoreSlim(0);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
            {
                await go.WaitAsync();
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray());
            }
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1, DrainIdleMs = 0, DrainDelayMs = 0 });
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.HeadersAsync(1, RawHttp2.Get());
        await client.SendAsync(FrameType.Ping, 0, 0, new byte[8]);
        await client.NextAsync(FrameType.Ping);
        Task drain = rig.Server.DrainAsync();

        // First that no more should come, then, once that was heard, what was taken (RFC 9113 section 6.8); what comes in between is served.
        RawFrame notice = await client.NextAsync(FrameType.GoAway);
        Assert.Equal(("7FFFFFFF", Http2Error.NoError), (Convert.ToHexString(notice.Payload, 0, 4), notice.Error));
        RawFrame ping = await client.NextAsync(FrameType.Ping);
        await client.HeadersAsync(3, RawHttp2.Get());
        await client.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, ping.Payload);
        Assert.Equal(3, (await client.NextAsync(FrameType.GoAway)).Payload[3]);
        go.Release(2);
        RawFrame[] answers = [await client.NextAsync(FrameType.Data), await client.NextAsync(FrameType.Data)];
        Assert.Equal([1, 3], answers.Select(f => f.Stream).Order());
        Assert.All(answers, f => Assert.Equal("hello", Encoding.ASCII.GetString(f.Payload)));
        Assert.Null(await client.ReadAsync());
        await drain.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_grpc_client_is_answered_in_its_own_terms()
    {
        await using EdgeRig rig = await EdgeRig.StartAsync("""
            services:
              - { name: dead, addresses: [127.0.0.1], ports: "1", protocol: h2c }
            routes:
              - { name: dead, hosts: [a.test], backends: [dead] }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.HeadersAsync(1, RawHttp2.Post(("content-type", "application/grpc"), ("te", "trailers")));
        string head = (await client.AnswerAsync(1)).Head;
        Assert.StartsWith(":status: 200\n", head, StringComparison.Ordinal);
        Assert.Contains("content-type: application/grpc\ngrpc-status: 14\ngrpc-message: The upstream refuses connections.\n", head, StringComparison.Ordinal);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Any(l => l.Contains("\"status\":502", StringComparison.Ordinal)), () => string.Join('\n', rig.Lines));
    }

    [Fact]
    public async Task A_preface_in_pieces_is_put_together()
    {
        using var origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", close: false);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web, preface: false);
        byte[] all = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(FrameType.Settings, 0, 0, []), .. RawHttp2.Frame(FrameType.Headers, 5, 1, RawHttp2.Get())];
        foreach (byte one in all) await client.WriteAsync([one]);
        Assert.Equal("hello", Encoding.ASCII.GetString((await client.AnswerAsync(1)).Content));
    }

    private static ScriptedOrigin WebSocketOrigin(Action<string> asked) => new(async (stream, _) =>
    {
        string head = (await ScriptedOrigin.ReadHeadAsync(stream))!;
        asked(head);
        string key = head.Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
        byte[] proof = new byte[WebSocketProof.Length];
        WebSocketProof.Of(Encoding.ASCII.GetBytes(key), proof);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Encoding.ASCII.GetString(proof)}\r\n\r\n"));
        byte[] buffer = new byte[64];
        while (await stream.ReadAsync(buffer) is > 0 and int n) await stream.WriteAsync(buffer.AsMemory(0, n));
    });

    private static string Yaml(int origin, int change) => string.Create(CultureInfo.InvariantCulture, $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin}}", description: "{{change}}" }
        routes:
          - { name: all, backends: [{ service: origin, weight: {{1 + (change % 9)}} }], responseHeaders: { set: { X-Change: "{{change}}" } } }
        listeners:
          - { name: web, port: 0, purpose: ingress }
          - { name: extra{{change % 3}}, port: 0, purpose: ingress }
        """);

    private static async Task EchoAsync(RawHttp2 client)
    {
        for (int i = 0; i < WebSockets / Connections; i++) await client.SendAsync(FrameType.Data, 0, (i * 2) + 1, "ping"u8.ToArray());
        var answered = new HashSet<int>();
        while (answered.Count < WebSockets / Connections)
        {
            RawFrame frame = await client.NextAsync(FrameType.Data);
            Assert.Equal("ping", Encoding.ASCII.GetString(frame.Payload));
            Assert.True(answered.Add(frame.Stream));
        }
    }
}
