using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>Upgrades become tunnels: bytes pass both ways, an end passes as an end.</summary>
public sealed class UpgradeTests
{
    [Fact]
    public async Task A_websocket_handshake_passes_and_bytes_follow_both_ways()
    {
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            string head = (await ScriptedOrigin.ReadHeadAsync(stream))!;
            Assert.Contains("Upgrade: websocket", head, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("Connection: Upgrade", head, StringComparison.OrdinalIgnoreCase);
            await stream.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst"u8.ToArray());
            var buffer = new byte[1024];
            while (await stream.ReadAsync(buffer) is > 0 and int n) await stream.WriteAsync(buffer.AsMemory(0, n));
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(rig.Web);
        NetworkStream stream = client.GetStream();

        // The first bytes of the new protocol may come with the handshake.
        await stream.WriteAsync("GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly;"u8.ToArray());
        await stream.WriteAsync("late"u8.ToArray());
        client.Client.Shutdown(SocketShutdown.Send);
        using var all = new MemoryStream();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await stream.CopyToAsync(all, timeout.Token);
        string answer = Encoding.ASCII.GetString(all.ToArray());
        Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nfirstearly;late", answer, StringComparison.Ordinal);
    }
}
