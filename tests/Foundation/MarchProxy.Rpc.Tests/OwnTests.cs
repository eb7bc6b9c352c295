using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Net;
using Google.Protobuf;
using MarchProxy.Rpc.Client;
using MarchProxy.Rpc.Wire;

namespace MarchProxy.Rpc.Tests;

/// <summary>Our client against our server, and the wire by itself.</summary>
public sealed class OwnTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_kinds_work(bool gzip)
    {
        await using EchoService service = await EchoService.StartAsync(gzip);
        using var channel = new RpcChannel(service.Address);
        await Calls.AllKindsAsync(channel);
    }

    [Fact]
    public async Task A_defect_of_the_handler_tells_nothing()
    {
        await using EchoService service = await EchoService.StartAsync();
        using var channel = new RpcChannel(service.Address);
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(EchoService.Unary, new Say { Text = "defect" }));
        Assert.Equal(new RpcStatus(RpcCode.Unknown, "The handler failed."), e.Status);
    }

    [Fact]
    public async Task A_lost_server_is_unavailable_and_a_stream_ends()
    {
        EchoService service = await EchoService.StartAsync();
        using var channel = new RpcChannel(service.Address);
        await using RpcCall<Say, Say> chat = channel.Call(EchoService.Chat);
        await chat.WriteAsync(new Say { Text = "a" });
        Assert.Equal("re: a", (await chat.ReadAsync())!.Text);
        Task<Say?> next = chat.ReadAsync();
        await service.DisposeAsync();
        RpcCode code = (await Assert.ThrowsAsync<RpcException>(() => next)).Status.Code;
        Assert.True(code is RpcCode.Unavailable or RpcCode.Cancelled or RpcCode.Unknown, code.ToString());
        Assert.Equal(RpcCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(EchoService.Unary, new Say()))).Status.Code);
    }

    /// <summary>A server may answer and reset the stream before a byte of the body: whoever wants to write must be woken.</summary>
    [Fact]
    public async Task A_stream_that_ends_before_its_body_wakes_the_writer()
    {
        using var content = new OpenContent();
        var gone = new GoneStream();
        await Assert.ThrowsAnyAsync<Exception>(() => content.CopyToAsync(gone));
        await Assert.ThrowsAsync<IOException>(() => content.StreamAsync.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task What_is_not_grpc_is_told_so()
    {
        await using EchoService service = await EchoService.StartAsync();
        using var http = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage answer = await http.PostAsync(new Uri(service.Address, "/echo.Echo/Unary"), new StringContent("{}"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
    }

    [Fact]
    public async Task Messages_are_read_however_they_are_cut()
    {
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            Say[] sent = [.. Enumerable.Range(0, random.Next(1, 8)).Select(i => new Say { Number = i, Blob = ByteString.CopyFrom(new byte[random.Next(0, 2000)]) })];
            byte[] wire = [.. sent.SelectMany(s => MessageWriter.Frame(s, 1 << 20, gzip: random.Next(2) == 0))];
            var pipe = new Pipe();
            var reader = new MessageReader(pipe.Reader, 1 << 20, gzip: true);
            Task writing = WriteAsync(pipe.Writer, wire, random);
            foreach (Say expected in sent) Assert.Equal(expected, await reader.ReadAsync(Say.Parser, default));
            Assert.Null(await reader.ReadAsync(Say.Parser, default));
            await writing;
        }
    }

    [Theory]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 }, RpcCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 5, 1 }, RpcCode.Internal)]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, RpcCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 255, 255 }, RpcCode.Internal)]
    [InlineData(new byte[] { 1, 0, 0, 0, 2, 1, 2 }, RpcCode.Internal)]
    public async Task A_broken_message_is_a_status(byte[] wire, RpcCode code)
    {
        var reader = new MessageReader(PipeReader.Create(new MemoryStream(wire)), 1000, gzip: true);
        Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(async () => await reader.ReadAsync(Say.Parser, default))).Status.Code);
    }

    [Fact]
    public async Task A_bomb_is_refused_before_it_is_whole()
    {
        using var small = new MemoryStream();
        using (var gzip = new GZipStream(small, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(new byte[50 << 20]);
        byte[] wire = new byte[5 + small.Length];
        wire[0] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(wire.AsSpan(1), (uint)small.Length);
        small.ToArray().CopyTo(wire, 5);
        var reader = new MessageReader(PipeReader.Create(new MemoryStream(wire)), 1 << 20, gzip: true);
        Assert.Equal(RpcCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await reader.ReadAsync(Say.Parser, default))).Status.Code);
    }

    [Theory]
    [InlineData("1H", 3_600_000)]
    [InlineData("100m", 100)]
    [InlineData("99999999u", 99_999.999)]
    [InlineData("1", -1)]
    [InlineData("123456789S", -1)]
    [InlineData("-1S", -1)]
    [InlineData("1x", -1)]
    public void Timeouts_are_read(string text, double milliseconds)
    {
        Assert.Equal(milliseconds >= 0, Headers.TryParseTimeout(text, out TimeSpan timeout));
        if (milliseconds >= 0) Assert.Equal(milliseconds, timeout.TotalMilliseconds, 3);
    }

    [Fact]
    public void Timeouts_and_messages_survive_the_way()
    {
        foreach (double ms in new[] { 0.5, 1, 1500, 86_400_000.0 * 30 })
        {
            Assert.True(Headers.TryParseTimeout(Headers.FormatTimeout(TimeSpan.FromMilliseconds(ms)), out TimeSpan back));
            Assert.InRange(back.TotalMilliseconds, ms * 0.99, ms * 1.01);
        }

        foreach (string text in new[] { "", "100% é\n\u0000😀", "plain" }) Assert.Equal(text, Headers.Unescape(Headers.Escape(text)));
    }

    private static async Task WriteAsync(PipeWriter writer, byte[] wire, Random random)
    {
        for (int at = 0; at < wire.Length;)
        {
            int n = Math.Min(random.Next(1, 300), wire.Length - at);
            await writer.WriteAsync(wire.AsMemory(at, n));
            at += n;
        }

        await writer.CompleteAsync();
    }

    /// <summary>The body of a stream that the peer has reset.</summary>
    private sealed class GoneStream : MemoryStream
    {
        public override Task FlushAsync(CancellationToken cancellationToken) => Task.FromException(new IOException("The stream was reset."));
    }
}
