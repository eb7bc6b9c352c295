using System.Net.Sockets;
using System.Text;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Tests.Http2;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>A proxied request allocates nothing once everything is warm.</summary>
public sealed class AllocationTests
{
    private const int Requests = 100_000;

    /// <summary>Log batches of 64 KiB that a busy machine's writer takes long to give back; a single object a request would be a hundred thousand times 24 bytes.</summary>
    private const long Slack = 2_300_000;

    [Fact]
    public async Task A_request_in_steady_state_allocates_nothing_on_its_loop()
    {
        AppContext.SetSwitch("MarchProxy.Net.NoLeakLog", true);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            byte[] response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray();
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) > 0) await stream.WriteAsync(response);
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1 });
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(rig.Web);
        byte[] request = Encoding.ASCII.GetBytes("GET /some/path HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\n\r\n");
        var answer = new byte[4096];
        await RunAsync(client.GetStream(), request, answer, 10_000);
        long before = await rig.Server.LoopAllocationsAsync();
        await RunAsync(client.GetStream(), request, answer, Requests);
        long allocated = await rig.Server.LoopAllocationsAsync() - before;
        Assert.True(allocated < Slack, $"{allocated} bytes for {Requests} requests");
    }

    [Theory]
    [InlineData("cache: { ttl: 1h }")]
    [InlineData("waf: { methods: [GET], maxUri: 2k, maxBody: 1m, contentTypes: [text/plain] }, rateLimit: { requestsPerSecond: 10000000, headers: true }, affinity: { cookie: stick }, retryOn: [5xx, reset], compression: {}")]
    public async Task What_a_route_does_beside_allocates_nothing_either(string feature)
    {
        AppContext.SetSwitch("MarchProxy.Net.NoLeakLog", true);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            byte[] response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"u8.ToArray();
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) > 0) await stream.WriteAsync(response);
        });
        await using EdgeRig rig = await EdgeRig.StartAsync($$"""
            services:
              - { name: origin, addresses: [127.0.0.1], ports: "{{origin.Port}}", circuit: { requests: 100 } }
            routes:
              - { name: all, backends: [origin], {{feature}} }
            listeners:
              - { name: web, port: 0, purpose: ingress }
            """, new EdgeSettings { Loops = 1 });
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(rig.Web);
        byte[] request = Encoding.ASCII.GetBytes("GET /some/path HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\nAccept-Encoding: gzip\r\n\r\n");
        var answer = new byte[4096];
        await RunAsync(client.GetStream(), request, answer, 10_000);
        long before = await rig.Server.LoopAllocationsAsync();
        await RunAsync(client.GetStream(), request, answer, Requests);
        long allocated = await rig.Server.LoopAllocationsAsync() - before;
        Assert.True(allocated < Slack, $"{allocated} bytes for {Requests} requests");
    }

    [Fact]
    public async Task A_request_of_http2_in_steady_state_allocates_nothing_on_its_loop()
    {
        AppContext.SetSwitch("MarchProxy.Net.NoLeakLog", true);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            byte[] response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: test\r\n\r\nhello"u8.ToArray();
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) > 0) await stream.WriteAsync(response);
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port, new EdgeSettings { Loops = 1 });
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        byte[] block = RawHttp2.Get("/some/path", ("user-agent", "test"));
        int stream = await RunAsync(client, block, 1, Requests / 4);
        long before = await rig.Server.LoopAllocationsAsync();
        await RunAsync(client, block, stream, Requests);
        long allocated = await rig.Server.LoopAllocationsAsync() - before;
        Assert.True(allocated < Slack, $"{allocated} bytes for {Requests} requests");
    }

    private static async Task<int> RunAsync(RawHttp2 client, byte[] block, int stream, int count)
    {
        for (int i = 0; i < count; i++, stream += 2)
        {
            await client.HeadersAsync(stream, block);
            while (await client.NextAsync(FrameType.Data, stream) is { Ends: false })
            {
                // Whatever the cut, it ends.
            }

            if (i % 1000 == 0) await client.SendAsync(FrameType.WindowUpdate, 0, 0, RawHttp2.Int(5000));
        }

        return stream;
    }

    private static async Task RunAsync(NetworkStream stream, byte[] request, byte[] answer, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await stream.WriteAsync(request);
            int n = await stream.ReadAsync(answer);
            Assert.True(n > 0 && answer.AsSpan(0, 15).SequenceEqual("HTTP/1.1 200 OK"u8));
        }
    }
}
