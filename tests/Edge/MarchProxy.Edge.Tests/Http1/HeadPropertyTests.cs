using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class HeadPropertyTests
{
    private const int Rounds = 20_000;

    private static readonly HeadLimits s_tight = new() { MaxHeadBytes = 260, MaxRequestLine = 30, MaxHeaderLine = 60, MaxHeaders = 6 };

    [Fact]
    public void Requests_come_out_the_same_however_they_are_cut()
    {
        var samples = new Samples(1);
        int accepted = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = samples.Request();
            HeadLimits limits = samples.Random.Next(4) == 0 ? s_tight : HeadLimits.Default;
            var whole = new RequestHead();
            ParseStatus expected = HeadParser.ParseRequest(bytes, whole, limits, out int length);
            var pieces = new RequestHead();
            ParseStatus status = ParseStatus.NeedMore;
            int consumed = 0;
            int end = 0;
            foreach (int cut in samples.Cuts(bytes.Length))
            {
                end += cut;
                status = HeadParser.ParseRequest(bytes.AsSpan(0, end).ToArray(), pieces, limits, out consumed);
                if (status != ParseStatus.NeedMore) break;
            }

            string text = Encoding.Latin1.GetString(bytes);
            Assert.Equal((text, expected, length, whole.Error), (text, status, consumed, pieces.Error));
            if (expected != ParseStatus.Ok) continue;
            accepted++;
            Assert.Equal(HeadDump.Of(whole), HeadDump.Of(pieces));
        }

        Assert.InRange(accepted, Rounds / 20, Rounds / 2);
    }

    [Fact]
    public void Responses_come_out_the_same_however_they_are_cut()
    {
        var samples = new Samples(2);
        int accepted = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = samples.Response();
            var whole = new ResponseHead();
            ParseStatus expected = HeadParser.ParseResponse(bytes, whole, HeadLimits.Default, out int length);
            var pieces = new ResponseHead();
            ParseStatus status = ParseStatus.NeedMore;
            int consumed = 0;
            int end = 0;
            foreach (int cut in samples.Cuts(bytes.Length))
            {
                end += cut;
                status = HeadParser.ParseResponse(bytes.AsSpan(0, end).ToArray(), pieces, HeadLimits.Default, out consumed);
                if (status != ParseStatus.NeedMore) break;
            }

            Assert.Equal((expected, length, whole.Error), (status, consumed, pieces.Error));
            if (expected != ParseStatus.Ok) continue;
            accepted++;
            Assert.Equal(HeadDump.Of(whole), HeadDump.Of(pieces));
        }

        Assert.InRange(accepted, Rounds / 20, Rounds * 3 / 4);
    }

    [Fact]
    public void Requests_are_accepted_and_read_as_by_a_naive_parser()
    {
        var samples = new Samples(3);
        int accepted = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = samples.Request();
            string text = Encoding.Latin1.GetString(bytes);
            NaiveRequestParser.Request? expected = NaiveRequestParser.Parse(bytes);
            Parsed<RequestHead> parsed = Parsed.Request(text);
            Assert.Equal((text, expected is not null), (text, parsed.Status == ParseStatus.Ok));
            if (expected is null) continue;
            accepted++;
            RequestHead head = parsed.Head;
            string body = head.Body == BodyKind.Chunked ? "chunked" : head.ContentLength < 0 ? "none" : head.ContentLength.ToString();
            string fields = string.Join('\n', head.Fields.ToArray().Select(f => $"{parsed.Text(f.Name)}: {parsed.Text(f.Value)}"));
            Assert.Equal(
                expected,
                new NaiveRequestParser.Request(parsed.Text(head.MethodName), parsed.Text(head.Target), head.MinorVersion, body, head.KeepAlive, fields));
            Assert.Equal(text.IndexOf("\r\n\r\n", head.Start, StringComparison.Ordinal) + 4, parsed.Consumed);
        }

        Assert.InRange(accepted, Rounds / 20, Rounds / 2);
    }

    [Fact]
    public void Slow_drip_is_searched_once()
    {
        // 16 KiB byte by byte: were each call to start over, this would take 128 MiB of searching per line, not 16 KiB.
        byte[] bytes = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('y', 16_000)}\r\n\r\n");
        var head = new RequestHead();
        for (int end = 1; end < bytes.Length; end++)
        {
            Assert.Equal(ParseStatus.NeedMore, HeadParser.ParseRequest(bytes.AsSpan(0, end), head, HeadLimits.Default, out _));
            Assert.InRange(head.Scanned, end - 1, end);
        }
    }
}
