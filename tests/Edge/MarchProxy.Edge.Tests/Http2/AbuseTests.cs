using System.Text;
using MarchProxy.Edge.Http2;
using MarchProxy.Edge.Http2.Wire;
using MarchProxy.Edge.Tests.Server;

namespace MarchProxy.Edge.Tests.Http2;

/// <summary>Peers that keep to the letter of the protocol and mean harm.</summary>
public sealed class AbuseTests : IAsyncLifetime
{
    private readonly SemaphoreSlim _go = new(0);
    private ScriptedOrigin _origin = null!;
    private EdgeRig _rig = null!;

    public async Task InitializeAsync()
    {
        // An origin that answers only when the test says so.
        _origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is { } head)
            {
                if (head.Contains("/slow", StringComparison.Ordinal)) await _go.WaitAsync();
                string body = head.Contains("/big", StringComparison.Ordinal) ? new string('x', 300_000) : "hello";
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            }
        });
        _rig = await EdgeRig.StartAsync(_origin.Port, new EdgeSettings { Loops = 1, BodyStallMs = 500, RequestHeadMs = 500 });
    }

    public async Task DisposeAsync()
    {
        _go.Release(1000);
        await _rig.DisposeAsync();
        _origin.Dispose();
    }

    [Theory]
    [InlineData("ping-flood")]
    [InlineData("settings-flood")]
    [InlineData("control-flood")]
    [InlineData("empty-data-flood")]
    [InlineData("continuation-flood")]
    [InlineData("rapid-reset")]
    [InlineData("made-you-reset")]
    [InlineData("header-bomb")]
    public async Task A_flood_ends_the_connection_and_is_counted(string kind)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        Task<Http2Error> end = client.GoAwayAsync();
        try
        {
            await FloodAsync(client, kind);
        }
        catch (IOException)
        {
            // It was cut off in the middle.
        }

        Assert.Equal(Http2Error.EnhanceYourCalm, await end);
        // A stream that is opened again and again while the last ones still end is refused: that is the same attack.
        string fault = kind == "made-you-reset" && _rig.Metrics().Contains("{fault=\"rapid-reset\"}", StringComparison.Ordinal) ? "rapid-reset" : kind;
        Assert.Contains($"marchproxy_http2_faults_total{{fault=\"{fault}\"}}", _rig.Metrics(), StringComparison.Ordinal);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => _rig.Lines.Any(l => l.Contains($"\"reason\":\"h2-{fault}\"", StringComparison.Ordinal)), () => string.Join('\n', _rig.Lines));
    }

    [Fact]
    public async Task A_browser_that_leaves_a_page_is_no_attacker()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        for (int page = 0; page < 3; page++)
        {
            for (int i = 0; i < 40; i++) await client.HeadersAsync((page * 200) + (i * 2) + 1, RawHttp2.Get("/slow"));
            for (int i = 0; i < 40; i++) await client.SendAsync(FrameType.RstStream, 0, (page * 200) + (i * 2) + 1, RawHttp2.Int((int)Http2Error.Cancel));
        }

        await client.HeadersAsync(1001, RawHttp2.Get());
        Assert.StartsWith(":status: 200", (await client.AnswerAsync(1001)).Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Streams_above_the_limit_are_refused_and_may_be_sent_again()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        for (int i = 0; i < 129; i++) await client.HeadersAsync((i * 2) + 1, RawHttp2.Get("/slow"));
        RawFrame refused = await client.NextAsync(FrameType.RstStream);
        Assert.Equal((257, Http2Error.RefusedStream), (refused.Stream, refused.Error));
    }

    [Fact]
    public async Task A_client_that_opens_no_window_is_let_go()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web, RawHttp2.Setting(Http2Setting.InitialWindowSize, 0));
        await client.HeadersAsync(1, RawHttp2.Get("/big"));
        Assert.StartsWith(":status: 200", client.Fields(await client.NextAsync(FrameType.Headers)), StringComparison.Ordinal);
        Assert.Equal(1, (await client.NextAsync(FrameType.RstStream)).Stream);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => _rig.Lines.Any(l => l.Contains("client-stalled", StringComparison.Ordinal)), () => string.Join('\n', _rig.Lines));
    }

    [Fact]
    public async Task Windows_hold_content_back_and_let_it_go_on()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web, RawHttp2.Setting(Http2Setting.InitialWindowSize, 1000));
        await client.HeadersAsync(1, RawHttp2.Get("/big"));
        Assert.Equal(1000, (await client.NextAsync(FrameType.Data)).Payload.Length);
        await client.SendAsync(FrameType.WindowUpdate, 0, 1, RawHttp2.Int(10));
        Assert.Equal(10, (await client.NextAsync(FrameType.Data)).Payload.Length);

        // A larger initial window makes open streams' larger too (RFC 9113 section 6.9.2).
        await client.SendAsync(FrameType.Settings, 0, 0, RawHttp2.Setting(Http2Setting.InitialWindowSize, 1500));
        Assert.Equal(500, (await client.NextAsync(FrameType.Data)).Payload.Length);
        await client.SendAsync(FrameType.WindowUpdate, 0, 1, RawHttp2.Int(1_000_000));
        int got = 1510;
        for (RawFrame frame; ; got += frame.Payload.Length)
        {
            frame = await client.NextAsync(FrameType.Data);
            if (got + frame.Payload.Length > 65_535 - 16_384) break;
        }

        await client.SendAsync(FrameType.WindowUpdate, 0, 0, RawHttp2.Int(1_000_000));
        Assert.Equal(1, await LastAsync(client));
    }

    [Fact]
    public async Task Content_above_the_window_and_a_window_that_overflows_end_the_stream()
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        byte[] slow = RawHttp2.Block((":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/slow"));
        await client.HeadersAsync(1, slow, ends: false);
        await client.SendAsync(FrameType.WindowUpdate, 0, 1, RawHttp2.Int(int.MaxValue));
        Assert.Equal(Http2Error.FlowControlError, (await client.NextAsync(FrameType.RstStream, 1)).Error);
        await client.HeadersAsync(3, slow, ends: false);

        // The origin reads none of it: once the kernel's buffers are full nothing is used up any more, whatever updates came before.
        Task<RawFrame> reset = client.NextAsync(FrameType.RstStream, 3);
        for (int i = 0; i < 4000 && !reset.IsCompleted; i++) await client.SendAsync(FrameType.Data, 0, 3, new byte[16384]);
        Assert.Equal(Http2Error.FlowControlError, (await reset).Error);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(20)]
    public async Task A_frame_that_never_ends_is_not_waited_for(int bytes)
    {
        using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
        await client.WriteAsync(RawHttp2.Frame(FrameType.Headers, 5, 1, RawHttp2.Get())[..bytes]);
        Assert.Equal(Http2Error.EnhanceYourCalm, await client.GoAwayAsync());
    }

    [Fact]
    public async Task Random_frames_end_in_an_error_and_never_in_a_defect()
    {
        var random = new Random(9113);
        for (int round = 0; round < 150; round++)
        {
            using RawHttp2 client = await RawHttp2.ConnectAsync(_rig.Web);
            var bytes = new List<byte>();
            for (int frame = 0; frame < 30; frame++)
            {
                byte[] payload = random.Next(3) == 0 ? RawHttp2.Get("/" + frame) : new byte[random.Next(30)];
                if (payload.Length < 30) random.NextBytes(payload);
                bytes.AddRange(RawHttp2.Frame((FrameType)random.Next(11), (byte)(random.Next(2) == 0 ? 5 : random.Next(256)), random.Next(4) == 0 ? random.Next(10) : (frame * 2) + 1, payload));
            }

            try
            {
                await client.WriteAsync([.. bytes]);
            }
            catch (IOException)
            {
                // Cut off.
            }
        }

        // The rig asserts that no defect was reported; the edge still serves.
        using RawHttp2 after = await RawHttp2.ConnectAsync(_rig.Web);
        await after.HeadersAsync(1, RawHttp2.Get());
        Assert.StartsWith(":status: 200", (await after.AnswerAsync(1)).Head, StringComparison.Ordinal);
    }

    private static async Task<int> LastAsync(RawHttp2 client)
    {
        while (true)
        {
            RawFrame frame = await client.NextAsync(FrameType.Data);
            if (frame.Ends) return frame.Stream;
        }
    }

    private static async Task FloodAsync(RawHttp2 client, string kind)
    {
        switch (kind)
        {
            case "ping-flood":
                for (int i = 0; i < Http2Calm.ControlBurst * 2; i++) await client.SendAsync(FrameType.Ping, 0, 0, new byte[8]);
                break;
            case "settings-flood":
                for (int i = 0; i < Http2Calm.ControlBurst; i++) await client.SendAsync(FrameType.Settings, 0, 0, RawHttp2.Setting(Http2Setting.MaxConcurrentStreams, 9));
                break;
            case "control-flood":
                for (int i = 0; i < Http2Calm.ControlBurst * 2; i++) await client.SendAsync(FrameType.Priority, 0, 9, new byte[5]);
                break;
            case "empty-data-flood":
                await client.HeadersAsync(1, RawHttp2.Post(), ends: false);
                for (int i = 0; i < Http2Calm.ControlBurst * 2; i++) await client.SendAsync(FrameType.Data, 0, 1);
                break;
            case "continuation-flood":
                await client.SendAsync(FrameType.Headers, 1, 1, RawHttp2.Get());
                for (int i = 0; i < 100; i++) await client.SendAsync(FrameType.Continuation, 0, 1, 0, 1, (byte)'x', 1, (byte)'y');
                break;
            case "rapid-reset":
                for (int i = 1; i < Http2Calm.ResetBurst * 6; i += 2)
                {
                    await client.HeadersAsync(i, RawHttp2.Get("/slow"));
                    await client.SendAsync(FrameType.RstStream, 0, i, RawHttp2.Int((int)Http2Error.Cancel));
                }

                break;
            case "made-you-reset":
                for (int i = 1; i < Http2Calm.ResetBurst * 6; i += 2)
                {
                    await client.HeadersAsync(i, RawHttp2.Get("/slow"));
                    await client.SendAsync(FrameType.WindowUpdate, 0, i, RawHttp2.Int(0));
                }

                break;
            default:
                await client.HeadersAsync(1, [.. RawHttp2.Get(), 0x40, 1, (byte)'x', 0x7F, 0xA1, 0x1E, .. new byte[4000].Select(_ => (byte)'v')]);
                await client.HeadersAsync(3, [.. RawHttp2.Get(), .. Enumerable.Repeat((byte)0xBE, 1000)]);
                break;
        }
    }
}
