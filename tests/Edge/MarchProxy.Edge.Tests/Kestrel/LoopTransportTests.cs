using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Edge.Kestrel;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MarchProxy.Edge.Tests.Kestrel;

public sealed class LoopTransportTests
{
    private static Task Echo(HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Requests_are_answered_over_one_connection(int major)
    {
        await using KestrelOnLoops host = await StartAsync(major, async context =>
        {
            Assert.Equal(IPAddress.Loopback, context.Connection.RemoteIpAddress);
            Assert.NotEqual(0, context.Connection.RemotePort);
            await context.Response.WriteAsync($"{context.Request.Protocol} {context.Request.Scheme} {context.Connection.LocalPort}");
        });
        using HttpClient client = KestrelOnLoops.Client(new Version(major, major == 1 ? 1 : 0));
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal($"HTTP/{(major == 1 ? "1.1" : "2")} http {host.Address.Port}", await client.GetStringAsync(host.Address));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Ten_megabytes_go_up_and_come_down_to_a_slow_reader(int major)
    {
        await using KestrelOnLoops host = await StartAsync(major, async context =>
        {
            // HttpClient reads the answer only after it has sent everything.
            using var all = new MemoryStream();
            await context.Request.Body.CopyToAsync(all);
            await context.Response.Body.WriteAsync(all.ToArray());
        });
        using HttpClient client = KestrelOnLoops.Client(new Version(major, major == 1 ? 1 : 0));
        byte[] sent = new byte[10 << 20];
        new Random(1).NextBytes(sent);
        using var request = new HttpRequestMessage(HttpMethod.Post, host.Address)
        {
            Content = new ByteArrayContent(sent),
            Version = client.DefaultRequestVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using Stream body = await response.Content.ReadAsStreamAsync();
        byte[] received = new byte[sent.Length], piece = new byte[7_000];
        for (int at = 0; at < received.Length;)
        {
            int n = await body.ReadAsync(piece).AsTask().WaitAsync(KestrelOnLoops.Patience);
            Assert.True(n > 0);
            piece.AsSpan(0, n).CopyTo(received.AsSpan(at));
            at += n;
            await Task.Yield();
        }

        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public async Task An_application_that_does_not_read_stops_the_peer_and_one_that_does_lets_it_go_on()
    {
        var read = new TaskCompletionSource();
        await using KestrelOnLoops host = await StartAsync(1, async context =>
        {
            await read.Task;
            await Echo(context);
        });
        using Socket peer = Connect(host.Address);
        const int Length = 64 << 20;
        peer.Send(Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {Length}\r\n\r\n"));
        peer.Blocking = false;
        byte[] chunk = new byte[64 << 10];
        long sent = 0;

        // Full when nothing more is taken for a while: that the peer's and our kernel buffers and the pipe hold, and no more.
        for (int idle = 0; idle < 20;)
        {
            int n = peer.Send(chunk, 0, (int)Math.Min(chunk.Length, Length - sent), SocketFlags.None, out SocketError error);
            sent += error == SocketError.Success ? n : 0;
            if (error == SocketError.Success)
            {
                idle = 0;
                continue;
            }

            Assert.Equal(SocketError.WouldBlock, error);
            idle += peer.Poll(10_000, SelectMode.SelectWrite) ? 0 : 1;
        }

        Assert.InRange(sent, 1 << 20, 32 << 20);
        read.SetResult();
        Assert.True(peer.Poll(20_000_000, SelectMode.SelectRead));
    }

    [Fact]
    public async Task A_client_that_ends_its_side_still_gets_its_answer()
    {
        var go = new TaskCompletionSource();
        await using KestrelOnLoops host = await StartAsync(1, async context =>
        {
            await go.Task;
            Assert.False(context.RequestAborted.IsCancellationRequested);
            await context.Response.WriteAsync("answer");
        });
        using Socket peer = Connect(host.Address);
        peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
        peer.Shutdown(SocketShutdown.Send);
        _ = Task.Run(() => go.SetResult());
        string all = await ReadToEndAsync(peer);
        Assert.StartsWith("HTTP/1.1 200", all, StringComparison.Ordinal);
        Assert.Contains("answer", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_resets_aborts_its_request()
    {
        var begun = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using KestrelOnLoops host = await StartAsync(1, async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            begun.SetResult();
            await aborted.Task;
        });
        Socket peer = Connect(host.Address);
        peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
        await begun.Task.WaitAsync(KestrelOnLoops.Patience);
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
        await aborted.Task.WaitAsync(KestrelOnLoops.Patience);
    }

    [Fact]
    public async Task An_application_can_abort_its_connection()
    {
        await using KestrelOnLoops host = await StartAsync(1, async context =>
        {
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        using Socket peer = Connect(host.Address);
        peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
        await Assert.ThrowsAsync<SocketException>(() => ReadToEndAsync(peer));
    }

    [Fact]
    public async Task A_peer_that_stalls_is_reset_after_its_time()
    {
        var aborted = new TaskCompletionSource();
        await using KestrelOnLoops host = await KestrelOnLoops.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            byte[] chunk = new byte[64 << 10];
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(chunk);
        }, options: new LoopTransportOptions { SendStallMs = 100 });
        using Socket peer = Connect(host.Address);
        peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
        await aborted.Task.WaitAsync(KestrelOnLoops.Patience);
    }

    [Fact]
    public async Task Many_connections_at_once_each_get_their_own_answer()
    {
        await using KestrelOnLoops host = await StartAsync(1, Echo);
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, _) =>
        {
            using HttpClient client = KestrelOnLoops.Client(HttpVersion.Version11);
            for (int k = 0; k < 3; k++)
            {
                using HttpResponseMessage response = await client.PostAsync(host.Address, new StringContent($"{i}.{k}"), CancellationToken.None);
                Assert.Equal($"{i}.{k}", await response.Content.ReadAsStringAsync(CancellationToken.None));
            }
        });
    }

    [Fact]
    public async Task Stopping_lets_a_request_end_refuses_new_ones_and_frees_every_descriptor()
    {
        await StopUnderwayAsync();
        int before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        await StopUnderwayAsync();
        Assert.Equal(before, Directory.GetFileSystemEntries("/proc/self/fd").Length);

        static async Task StopUnderwayAsync()
        {
            var begun = new TaskCompletionSource();
            var go = new TaskCompletionSource();
            await using KestrelOnLoops host = await StartAsync(1, async context =>
            {
                begun.SetResult();
                await go.Task;
                await context.Response.WriteAsync("finished");
            });
            using Socket peer = Connect(host.Address), idle = Connect(host.Address);
            peer.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
            await begun.Task.WaitAsync(KestrelOnLoops.Patience);
            Task stop = Task.Run(() => host.Server.StopAsync(CancellationToken.None));
            Assert.Equal("", await ReadToEndAsync(idle));
            Assert.Throws<SocketException>(() => Connect(host.Address));
            go.SetResult();
            Assert.Contains("finished", await ReadToEndAsync(peer), StringComparison.Ordinal);
            await stop.WaitAsync(KestrelOnLoops.Patience);
        }
    }

    [Fact]
    public async Task A_Unix_socket_serves_too()
    {
        string path = Path.Combine(Path.GetTempPath(), "edge-" + Guid.NewGuid().ToString("N")[..12]);
        await using (KestrelOnLoops host = await KestrelOnLoops.StartAsync(c => c.Response.WriteAsync("unix"), at: new UnixDomainSocketEndPoint(path)))
        {
            using var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            peer.Connect(new UnixDomainSocketEndPoint(path));
            peer.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8);
            Assert.Contains("unix", await ReadToEndAsync(peer), StringComparison.Ordinal);
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task An_address_that_is_taken_or_foreign_is_refused_at_the_start()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        await using KestrelOnLoops host = await StartAsync(1, Echo);
        await Assert.ThrowsAsync<AddressInUseException>(async () => await host.Transport.BindAsync(taken.LocalEndPoint!));
        await Assert.ThrowsAsync<IOException>(async () => await host.Transport.BindAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await host.Transport.BindAsync(new DnsEndPoint("x", 1)));
    }

    internal static Socket Connect(Uri at)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000, SendTimeout = 30_000 };
        try
        {
            socket.Connect(IPAddress.Loopback, at.Port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<string> ReadToEndAsync(Socket peer)
    {
        using var late = new CancellationTokenSource(KestrelOnLoops.Patience);
        var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        while (await peer.ReceiveAsync(buffer, late.Token) is var n and > 0) all.Write(buffer, 0, n);
        return Encoding.ASCII.GetString(all.ToArray());
    }

    private static Task<KestrelOnLoops> StartAsync(int major, RequestDelegate application) =>
        KestrelOnLoops.StartAsync(application, major == 1 ? HttpProtocols.Http1 : HttpProtocols.Http2);
}
