using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>Under clients and upstreams that vanish at random, nobody ever sees an answer to another's request.</summary>
public sealed class TaggedResponseTests
{
    [Fact]
    public async Task No_client_ever_sees_another_clients_bytes()
    {
        using var origin = new ScriptedOrigin(ServeAsync);
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        int[] whole = await Task.WhenAll(Enumerable.Range(0, 24).Select(client => ClientAsync(rig.Web, client)));
        Assert.True(whole.Sum() > 300, $"only {whole.Sum()} answers came whole: the test did not test much");
    }

    private static async Task ServeAsync(NetworkStream stream, Socket socket)
    {
        var random = new Random(socket.RemoteEndPoint!.GetHashCode());
        while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
        {
            string tag = head.Split(' ')[1];
            string body = string.Concat(Enumerable.Repeat(tag + ";", random.Next(1, 400)));
            bool chunked = random.Next(2) == 0;
            string response = chunked
                ? $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n"
                : $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";
            byte[] bytes = Encoding.ASCII.GetBytes(response);
            switch (random.Next(12))
            {
                case 0:
                    return;
                case 1:
                    await stream.WriteAsync(bytes.AsMemory(0, random.Next(bytes.Length)));
                    socket.LingerState = new LingerOption(true, 0);
                    return;
                default:
                    int cut = random.Next(bytes.Length);
                    await stream.WriteAsync(bytes.AsMemory(0, cut));
                    await Task.Yield();
                    await stream.WriteAsync(bytes.AsMemory(cut));
                    break;
            }
        }
    }

    /// <summary>Forty requests, some abandoned half-way; how many answers came whole.</summary>
    private static async Task<int> ClientAsync(IPEndPoint edge, int client)
    {
        var random = new Random(client);
        int whole = 0;
        for (int i = 0; i < 40; i++)
        {
            string tag = $"/c{client}r{i}x";
            using var connection = new TcpClient { NoDelay = true };
            await connection.ConnectAsync(edge);
            NetworkStream stream = connection.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {tag} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"));
            var buffer = new byte[64 << 10];
            int length = 0;
            bool leaves = random.Next(4) == 0;
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                while (length < buffer.Length && await stream.ReadAsync(buffer.AsMemory(length), timeout.Token) is > 0 and int n)
                {
                    length += n;
                    if (leaves) break;
                }

                if (leaves) connection.Client.LingerState = new LingerOption(true, 0);
                else if (length > 0 && Encoding.ASCII.GetString(buffer, 0, 12) == "HTTP/1.1 200") whole++;
            }
            catch (IOException)
            {
                // Reset: the upstream vanished after the head.
            }

            string seen = Encoding.ASCII.GetString(buffer, 0, length);
            int at = seen.IndexOf("/c", StringComparison.Ordinal);
            while (at >= 0)
            {
                int end = Math.Min(at + tag.Length, seen.Length);
                Assert.StartsWith(seen[at..end], tag, StringComparison.Ordinal);
                at = seen.IndexOf("/c", end, StringComparison.Ordinal);
            }
        }

        return whole;
    }
}
