using System.Text;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Tests.Server;

namespace MarchProxy.Edge.Tests.Http2;

/// <summary>What RFC 9113 says of peers that break it: which error, and of the stream or of the connection.</summary>
public sealed class ConformanceTests : IAsyncLifetime
{
    private readonly ScriptedOrigin _origin = ScriptedOrigin.Always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", close: false);
    private EdgeRig _rig = null!;

    public async Task InitializeAsync() => _rig = await EdgeRig.StartAsync(_origin.Port);

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        _origin.Dispose();
    }

    public static TheoryData<string, byte[], string> BrokenConnections => new()
    {
        { "4.2 a frame larger than announced", [0, 0x40, 1, 0, 0, 0, 0, 0, 1], "FrameSizeError" },
        { "5.1 DATA on an idle stream", RawHttp2.Frame(FrameType.Data, 0, 1, [1]), "ProtocolError" },
        { "5.1 RST_STREAM on an idle stream", RawHttp2.Frame(FrameType.RstStream, 0, 1, RawHttp2.Int(8)), "ProtocolError" },
        { "5.1 WINDOW_UPDATE on an idle stream", RawHttp2.Frame(FrameType.WindowUpdate, 0, 1, RawHttp2.Int(8)), "ProtocolError" },
        { "5.1.1 a client's stream with an even number", RawHttp2.Frame(FrameType.Headers, 5, 2, RawHttp2.Get()), "ProtocolError" },
        { "6.1 DATA on stream zero", RawHttp2.Frame(FrameType.Data, 0, 0, [1]), "ProtocolError" },
        { "6.1 padding as long as the frame", [.. RawHttp2.Frame(FrameType.Headers, 4, 1, RawHttp2.Post()), .. RawHttp2.Frame(FrameType.Data, 8, 1, [2, 0])], "ProtocolError" },
        { "6.2 HEADERS on stream zero", RawHttp2.Frame(FrameType.Headers, 5, 0, RawHttp2.Get()), "ProtocolError" },
        { "6.2 padding longer than HEADERS", RawHttp2.Frame(FrameType.Headers, 0xD, 1, [200, .. RawHttp2.Get()]), "ProtocolError" },
        { "6.3 PRIORITY on stream zero", RawHttp2.Frame(FrameType.Priority, 0, 0, [0, 0, 0, 0, 1]), "ProtocolError" },
        { "6.3 PRIORITY of another size", RawHttp2.Frame(FrameType.Priority, 0, 1, [0, 0, 0, 0]), "FrameSizeError" },
        { "6.4 RST_STREAM on stream zero", RawHttp2.Frame(FrameType.RstStream, 0, 0, RawHttp2.Int(8)), "ProtocolError" },
        { "6.4 RST_STREAM of another size", RawHttp2.Frame(FrameType.RstStream, 0, 1, [0, 0, 0]), "FrameSizeError" },
        { "6.5 SETTINGS on a stream", RawHttp2.Frame(FrameType.Settings, 0, 1, []), "ProtocolError" },
        { "6.5 SETTINGS cut off", RawHttp2.Frame(FrameType.Settings, 0, 0, [0, 1, 0]), "FrameSizeError" },
        { "6.5 an acknowledgement with content", RawHttp2.Frame(FrameType.Settings, 1, 0, RawHttp2.Setting(Http2Setting.EnablePush, 0)), "FrameSizeError" },
        { "6.5.2 ENABLE_PUSH of two", RawHttp2.Frame(FrameType.Settings, 0, 0, RawHttp2.Setting(Http2Setting.EnablePush, 2)), "ProtocolError" },
        { "6.5.2 a window above 2^31-1", RawHttp2.Frame(FrameType.Settings, 0, 0, RawHttp2.Setting(Http2Setting.InitialWindowSize, 0x80000000)), "FlowControlError" },
        { "6.5.2 frames of a kilobyte", RawHttp2.Frame(FrameType.Settings, 0, 0, RawHttp2.Setting(Http2Setting.MaxFrameSize, 1024)), "ProtocolError" },
        { "6.6 a client pushes", RawHttp2.Frame(FrameType.PushPromise, 4, 1, [0, 0, 0, 2]), "ProtocolError" },
        { "6.7 PING of another size", RawHttp2.Frame(FrameType.Ping, 0, 0, [1, 2, 3]), "FrameSizeError" },
        { "6.7 PING on a stream", RawHttp2.Frame(FrameType.Ping, 0, 1, new byte[8]), "ProtocolError" },
        { "6.8 GOAWAY on a stream", RawHttp2.Frame(FrameType.GoAway, 0, 1, new byte[8]), "ProtocolError" },
        { "6.9 an update of nothing", RawHttp2.Frame(FrameType.WindowUpdate, 0, 0, RawHttp2.Int(0)), "ProtocolError" },
        { "6.9 an update of another size", RawHttp2.Frame(FrameType.WindowUpdate, 0, 0, [0]), "FrameSizeError" },
        { "6.9.1 a window that overflows", RawHttp2.Frame(FrameType.WindowUpdate, 0, 0, RawHttp2.Int(int.MaxValue)), "FlowControlError" },
        { "6.10 CONTINUATION of nothing", RawHttp2.Frame(FrameType.Continuation, 4, 1, []), "ProtocolError" },
        { "6.10 another frame between", [.. RawHttp2.Frame(FrameType.Headers, 1, 1, RawHttp2.Get()), .. RawHttp2.Frame(FrameType.Ping, 0, 0, new byte[8])], "ProtocolError" },
        { "6.10 another stream's", [.. RawHttp2.Frame(FrameType.Headers, 1, 1, RawHttp2.Get()), .. RawHttp2.Frame(FrameType.Continuation, 4, 3, [])], "ProtocolError" },
        { "4.3 fields that do not decode", RawHttp2.Frame(FrameType.Headers, 5, 1, [0xBE]), "CompressionError" },
    };

    [Theory]
    [MemberData(nameof(BrokenConnections))]
    public async Task A_broken_connection_ends_with_its_error(string section, byte[] bytes, string error)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        await client.WriteAsync(bytes);
        Assert.True(await client.GoAwayAsync() == Enum.Parse<Http2Error>(error), section);
        Assert.Null(await client.ReadAsync());
    }

    [Fact]
    public async Task The_first_frame_is_settings()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web, preface: false);
        await client.WriteAsync([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(FrameType.Ping, 0, 0, new byte[8])]);
        Assert.Equal(Http2Error.ProtocolError, await client.GoAwayAsync());
    }

    [Theory]
    [InlineData(":method=GET :scheme=http :authority=a.test", "no :path")]
    [InlineData(":method=GET :scheme=http :path= :authority=a.test", "an empty :path")]
    [InlineData(":method=GET :path=/ :authority=a.test", "no :scheme")]
    [InlineData(":scheme=http :path=/ :authority=a.test", "no :method")]
    [InlineData(":method=GET :method=GET :scheme=http :path=/ :authority=a.test", "twice the same")]
    [InlineData(":method=GET :scheme=http :path=/ x=1 :authority=a.test", "a pseudo-field behind fields")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test :status=200", "a response's")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test :new=1", "one that nobody knows")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test X-Upper=1", "a name in upper case")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test connection=close", "a connection's field")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test transfer-encoding=chunked", "a transfer coding")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test upgrade=h2c", "an upgrade")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test te=gzip", "TE that is not trailers")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test x=a\r\ny:b", "a line within a value")]
    [InlineData(":method=GET :scheme=http :path=/a\r\nx:y :authority=a.test", "a line within the path")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test x=a\0b", "a NUL")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test host=b.test", "two hosts")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test content-length=5", "content announced that does not come")]
    [InlineData(":method=GET :scheme=http :path=/ :authority=a.test content-length=0x0", "a length that is none")]
    [InlineData(":method=CONNECT :scheme=http :path=/ :authority=a.test", "CONNECT with a path")]
    [InlineData(":method=GET :protocol=websocket :scheme=http :path=/ :authority=a.test", "a protocol without CONNECT")]
    public async Task A_malformed_request_is_reset_and_the_connection_goes_on(string fields, string why)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        byte[] block = RawHttp2.Block([.. fields.Split(' ').Select(f => (f[..f.IndexOf('=', 1)], f[(f.IndexOf('=', 1) + 1)..]))]);
        await client.HeadersAsync(1, block);
        Assert.True((await client.NextAsync(FrameType.RstStream)).Error == Http2Error.ProtocolError, why);
        await client.HeadersAsync(3, RawHttp2.Get());
        Assert.StartsWith(":status: 200", (await client.AnswerAsync(3)).Head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/a b", ":status: 400")]
    [InlineData("/#x", ":status: 400")]
    public async Task What_http1_refuses_is_refused_alike(string path, string status)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        await client.HeadersAsync(1, RawHttp2.Get(path));
        RawFrame frame = path.Contains(' ', StringComparison.Ordinal) ? await client.NextAsync(FrameType.RstStream) : await client.NextAsync(FrameType.Headers);
        if (frame.Type == FrameType.Headers) Assert.StartsWith(status, client.Fields(frame), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_larger_than_allowed_is_told_so()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        byte[] block = RawHttp2.Get("/", [.. Enumerable.Range(0, 5).Select(i => ("x" + i, new string('v', 8000)))]);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndStream, 1, block[..16000]);
        await client.SendAsync(FrameType.Continuation, 0, 1, block[16000..32000]);
        await client.SendAsync(FrameType.Continuation, FrameFlags.EndHeaders, 1, block[32000..]);
        Assert.StartsWith(":status: 431", (await client.AnswerAsync(1)).Head, StringComparison.Ordinal);
        await client.HeadersAsync(3, RawHttp2.Get());
        Assert.StartsWith(":status: 200", (await client.AnswerAsync(3)).Head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 5)]
    [InlineData(7, 5)]
    public async Task Content_of_another_length_than_announced_resets_the_stream(int announced, int sent)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        await client.HeadersAsync(1, RawHttp2.Post(("content-length", announced.ToString(System.Globalization.CultureInfo.InvariantCulture))), ends: false);
        await client.SendAsync(FrameType.Data, FrameFlags.EndStream, 1, new byte[sent]);
        Assert.Equal(Http2Error.ProtocolError, (await client.NextAsync(FrameType.RstStream)).Error);
    }

    [Fact]
    public async Task Frames_and_flags_that_nobody_knows_are_passed_over()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web, RawHttp2.Setting((Http2Setting)0x99, 7));
        await client.SendAsync((FrameType)0x77, 0xFF, 5, 1, 2, 3);
        await client.SendAsync(FrameType.Priority, 0, 9, 0, 0, 0, 1, 9);
        await client.SendAsync(FrameType.Headers, 0xFF & ~0x0A & ~0x20, 1, RawHttp2.Get());
        (string head, byte[] content, _) = await client.AnswerAsync(1);
        Assert.StartsWith(":status: 200", head, StringComparison.Ordinal);
        Assert.Equal("hello", Encoding.ASCII.GetString(content));
        await client.SendAsync(FrameType.Ping, 0, 0, "12345678"u8.ToArray());
        Assert.Equal("12345678", Encoding.ASCII.GetString((await client.NextAsync(FrameType.Ping)).Payload));
    }

    [Fact]
    public async Task Padding_and_cookie_crumbs_are_taken_and_trailers_pass()
    {
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            string head = (await ScriptedOrigin.ReadHeadAsync(stream))!;
            var body = new StringBuilder();
            byte[] buffer = new byte[4096];
            while (!body.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) body.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer)));
            byte[] seen = Encoding.ASCII.GetBytes(head + body);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{seen.Length:x}\r\n{Encoding.ASCII.GetString(seen)}\r\n0\r\nX-Check: 1\r\n\r\n"));
        });
        await using EdgeRig rig = await EdgeRig.StartAsync(origin.Port);
        using RawHttp2 client = await RawHttp2.ConnectAsync(rig.Web);
        await client.SendAsync(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.Padded, 1, [4, .. RawHttp2.Post(("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")), 0, 0, 0, 0]);
        await client.SendAsync(FrameType.Data, FrameFlags.Padded, 1, [3, .. "some"u8, 0, 0, 0]);
        await client.SendAsync(FrameType.Headers, 5, 1, RawHttp2.Block(("x-sum", "9")));
        (string answer, byte[] content, string trailers) = await client.AnswerAsync(1);
        string told = Encoding.ASCII.GetString(content);
        Assert.StartsWith(":status: 200", answer, StringComparison.Ordinal);
        Assert.Contains("cookie: a=1; b=2\r\n", told, StringComparison.Ordinal);
        Assert.Contains("TE: trailers\r\n", told, StringComparison.Ordinal);
        Assert.EndsWith("4\r\nsome\r\n0\r\nx-sum: 9\r\n\r\n", told, StringComparison.Ordinal);
        Assert.Equal("x-check: 1\n", trailers);
    }
}
