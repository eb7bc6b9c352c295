using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>Edits cut nothing that they still allow: upgraded connections and downloads through a hundred of them.</summary>
public sealed class NeverDroppedTests
{
    private const int WebSockets = 200, Downloads = 50, Changes = 100, Chunks = 40, ChunkBytes = 32 << 10;

    [Fact]
    public async Task Two_hundred_web_sockets_and_fifty_downloads_outlive_a_hundred_changes()
    {
        var go = new SemaphoreSlim(0);
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            string head = (await ScriptedOrigin.ReadHeadAsync(stream))!;
            if (head.Contains("websocket", StringComparison.Ordinal))
            {
                await stream.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"u8.ToArray());
                var buffer = new byte[64];
                while (await stream.ReadAsync(buffer) is > 0 and int n) await stream.WriteAsync(buffer.AsMemory(0, n));
                return;
            }

            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Length: {Chunks * ChunkBytes}\r\n\r\n")));
            for (int i = 0; i < Chunks; i++)
            {
                // A part of every download waits for each few changes.
                await go.WaitAsync();
                await stream.WriteAsync(new byte[ChunkBytes]);
            }
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml(origin.Port, 0));
        Task<long>[] downloads = [.. Enumerable.Range(0, Downloads).Select(_ => DownloadAsync(rig))];
        var sockets = new List<TcpClient>();
        for (int i = 0; i < WebSockets; i++)
        {
            var client = new TcpClient { NoDelay = true };
            sockets.Add(client);
            await client.ConnectAsync(rig.Web);
            await client.GetStream().WriteAsync("GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"u8.ToArray());
            Assert.StartsWith("HTTP/1.1 101", await ReadHeadAsync(client.GetStream()), StringComparison.Ordinal);
        }

        for (int change = 1; change <= Changes; change++)
        {
            await rig.ApplyAsync(Yaml(origin.Port, change));
            go.Release(Downloads * Chunks / Changes);
            if (change % 10 == 0) await Task.WhenAll(sockets.Select(EchoAsync));
        }

        long[] whole = await Task.WhenAll(downloads).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(whole, bytes => Assert.Equal(Chunks * ChunkBytes, bytes));
        foreach (TcpClient client in sockets) client.Dispose();
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Count(l => l.Contains("\"kind\":\"upgrade\"", StringComparison.Ordinal)) == WebSockets, () => rig.Metrics());
        Assert.DoesNotContain(rig.Lines, l => l.Contains("\"reason\":\"closed\"", StringComparison.Ordinal));
    }

    /// <summary>Each change moves something: other routes come and go, weights and fields change, another listener opens and closes.</summary>
    private static string Yaml(int origin, int change) => string.Create(CultureInfo.InvariantCulture, $$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin}}", description: "{{change}}" }
          - { name: other{{change % 7}}, addresses: [127.0.0.2], ports: "{{origin}}" }
        routes:
          - { name: all, backends: [{ service: origin, weight: {{1 + (change % 9)}} }], responseHeaders: { set: { X-Change: "{{change}}" } } }
          - { name: extra{{change}}, hosts: [b{{change}}.test], backends: [other{{change % 7}}] }
        mappings:
          - { name: m{{change % 5}}, sources: [all], destinations: [origin] }
        listeners:
          - { name: web, port: 0, purpose: ingress }
          - { name: extra{{change % 3}}, port: 0, purpose: ingress }
        """);

    private static async Task<long> DownloadAsync(EdgeRig rig)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(rig.Web);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync("GET /big HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", await ReadHeadAsync(stream), StringComparison.Ordinal);
        byte[] buffer = new byte[ChunkBytes];
        long total = 0;
        while (await stream.ReadAsync(buffer) is > 0 and int n) total += n;
        return total;
    }

    private static async Task EchoAsync(TcpClient client)
    {
        byte[] sent = "ping"u8.ToArray(), got = new byte[4];
        await client.GetStream().WriteAsync(sent);
        await client.GetStream().ReadExactlyAsync(got).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(sent, got);
    }

    private static async Task<string> ReadHeadAsync(NetworkStream stream) => await ScriptedOrigin.ReadHeadAsync(stream).WaitAsync(TimeSpan.FromSeconds(20)) ?? "";
}
