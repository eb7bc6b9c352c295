using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class ChunkDecoderTests
{
    [Theory]
    [InlineData("0\r\n\r\n", "end")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "end")]
    [InlineData("0000000000000005\r\nhello\r\n000\r\n\r\n", "end")]
    [InlineData("A\r\n0123456789\r\na\r\n\r\n\0\r\n\r\n\r\n\0\r\n0\r\n\r\n", "end")]
    [InlineData("5;a\r\nhello\r\n0;b=c;d=\"e\\\"\\\\;\t \u00e9\"\r\n\r\n", "end")]
    [InlineData("0\r\nGrpc-Status: 0\r\nX:\r\n\r\n", "end")]
    [InlineData("0\r\nX: caf\u00e9 \t y\r\n\r\n", "end")]
    [InlineData("", "need-more")]
    [InlineData("5\r\nhel", "need-more")]
    [InlineData("0\r\n", "need-more")]
    [InlineData("0\r\nX: y\r\n", "need-more")]
    [InlineData("7fffffffffffffff\r\nx", "need-more")]
    [InlineData("\r\n", "chunk-size")]
    [InlineData(";a\r\n", "chunk-size")]
    [InlineData(" 5\r\n", "chunk-size")]
    [InlineData("5 \r\n", "chunk-size")]
    [InlineData("5\t\r\n", "chunk-size")]
    [InlineData("5 ;a\r\n", "chunk-size")]
    [InlineData("0x5\r\n", "chunk-size")]
    [InlineData("x\r\n", "chunk-size")]
    [InlineData("-5\r\n", "chunk-size")]
    [InlineData("+5\r\n", "chunk-size")]
    [InlineData("5_0\r\n", "chunk-size")]
    [InlineData("5\n", "chunk-size")]
    [InlineData("5\rx", "chunk-size")]
    [InlineData("5\r\r\n", "chunk-size")]
    [InlineData("\u00b2\r\n", "chunk-size")]
    [InlineData("8000000000000000\r\n", "chunk-size")]
    [InlineData("ffffffffffffffff\r\n", "chunk-size")]
    [InlineData("00000000000000005\r\n", "chunk-size")]
    [InlineData("10000000000000005\r\n", "chunk-size")]
    [InlineData("5\r\nhello0\r\n\r\n", "chunk-end")]
    [InlineData("5\r\nhello\n0\r\n\r\n", "chunk-end")]
    [InlineData("5\r\nhello\r0\r\n\r\n", "chunk-end")]
    [InlineData("5\r\nhello!\r\n0\r\n\r\n", "chunk-end")]
    [InlineData("5;\r\n", "chunk-extension")]
    [InlineData("5;a=\r\n", "chunk-extension")]
    [InlineData("5;=b\r\n", "chunk-extension")]
    [InlineData("5;a b\r\n", "chunk-extension")]
    [InlineData("5; a\r\n", "chunk-extension")]
    [InlineData("5;a\nb\r\n", "chunk-extension")]
    [InlineData("5;a\n", "chunk-extension")]
    [InlineData("5;a\rb", "chunk-size")]
    [InlineData("5;a=\"b\r\n\"", "chunk-extension")]
    [InlineData("5;a=\"b\n\"", "chunk-extension")]
    [InlineData("5;a=\"b\0\"", "chunk-extension")]
    [InlineData("5;a=\"\\\r\n\"", "chunk-extension")]
    [InlineData("5;a=\"b\"c\r\n", "chunk-extension")]
    [InlineData("5;a=b\"c\r\n", "chunk-extension")]
    [InlineData("0\r\n\n", "trailer")]
    [InlineData("0\r\n\rx", "trailer")]
    [InlineData("0\r\nX\r\n\r\n", "trailer")]
    [InlineData("0\r\n: y\r\n\r\n", "trailer")]
    [InlineData("0\r\nX : y\r\n\r\n", "trailer")]
    [InlineData("0\r\n X: y\r\n\r\n", "trailer")]
    [InlineData("0\r\nX: y\nZ: z\r\n\r\n", "trailer")]
    [InlineData("0\r\nX: y\rZ\r\n\r\n", "trailer")]
    [InlineData("0\r\nX: \0\r\n\r\n", "trailer")]
    [InlineData("0\r\nX: y\r\n z\r\n\r\n", "trailer")]
    [InlineData("0\r\nGET / HTTP/1.1\r\n\r\n", "trailer")]
    [InlineData("0\r\nContent-Length: 5\r\n\r\n", "forbidden-trailer")]
    [InlineData("0\r\nX: y\r\nTRANSFER-encoding: chunked\r\n\r\n", "forbidden-trailer")]
    [InlineData("0\r\nHost: a\r\n\r\n", "forbidden-trailer")]
    [InlineData("0\r\nAuthorization: a\r\n\r\n", "forbidden-trailer")]
    [InlineData("0\r\nProxy-Authorization: a\r\n\r\n", "forbidden-trailer")]
    [InlineData("0\r\nX-Forwarded-For: a\r\n\r\n", "forbidden-trailer")]
    public void Stream_is_judged(string text, string outcome)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var decoder = default(ChunkDecoder);
        ChunkStatus status = decoder.Advance(bytes, out int consumed);
        Assert.Equal(outcome, Outcome(status, decoder));
        if (status != ChunkStatus.Error) Assert.Equal(bytes.Length, consumed);
    }

    [Fact]
    public void What_follows_the_message_is_left_alone()
    {
        var decoder = default(ChunkDecoder);
        Assert.Equal(ChunkStatus.End, decoder.Advance("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n"u8, out int consumed));
        Assert.Equal(15, consumed);
        Assert.Equal(5, decoder.PayloadBytes);
        Assert.Equal(ChunkStatus.End, decoder.Advance("GET /"u8, out consumed));
        Assert.Equal(0, consumed);
    }

    [Fact]
    public void Broken_stream_stays_broken()
    {
        var decoder = default(ChunkDecoder);
        Assert.Equal(ChunkStatus.Error, decoder.Advance("x"u8, out _));
        Assert.Equal(ChunkStatus.Error, decoder.Advance("0\r\n\r\n"u8, out int consumed));
        Assert.Equal(0, consumed);
    }

    [Fact]
    public void Payload_is_handed_out_without_framing()
    {
        var decoder = default(ChunkDecoder);
        ReadOnlySpan<byte> input = "5;x=y\r\nhello\r\n7\r\n, world\r\n0\r\nT: u\r\n\r\nnext"u8;
        var payload = new StringBuilder();
        ChunkStatus status;
        while ((status = decoder.Decode(input, out int consumed, out ByteRange data)) == ChunkStatus.Data)
        {
            Assert.Equal(consumed, data.End);
            payload.Append(Encoding.ASCII.GetString(data.In(input)));
            input = input[consumed..];
        }

        Assert.Equal((ChunkStatus.End, "hello, world"), (status, payload.ToString()));
    }

    [Theory]
    [InlineData(ChunkDecoder.MaxChunkExtension - 1, "need-more")]
    [InlineData(ChunkDecoder.MaxChunkExtension, "chunk-extension-too-long")]
    public void Extension_of_a_chunk_is_bounded(int nameLength, string outcome)
    {
        var decoder = default(ChunkDecoder);
        ChunkStatus status = decoder.Advance(Encoding.ASCII.GetBytes($"5;{new string('x', nameLength)}\r\n"), out _);
        Assert.Equal(outcome, Outcome(status, decoder));
    }

    [Theory]
    [InlineData(ChunkDecoder.MaxExtensions / 256, "need-more")]
    [InlineData(ChunkDecoder.MaxExtensions / 256 + 1, "chunk-extension-too-long")]
    public void Extensions_of_a_message_are_bounded(int chunks, string outcome)
    {
        string chunk = $"1;{new string('x', 255)}\r\n.\r\n";
        var decoder = default(ChunkDecoder);
        ChunkStatus status = decoder.Advance(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(chunk, chunks))), out _);
        Assert.Equal(outcome, Outcome(status, decoder));
    }

    [Theory]
    [InlineData(ChunkDecoder.MaxTrailer, "end")]
    [InlineData(ChunkDecoder.MaxTrailer + 1, "trailer-too-large")]
    public void Trailer_is_bounded(int length, string outcome)
    {
        var decoder = default(ChunkDecoder);
        ChunkStatus status = decoder.Advance(Encoding.ASCII.GetBytes($"0\r\nX: {new string('y', length - 7)}\r\n\r\n"), out _);
        Assert.Equal(outcome, Outcome(status, decoder));
    }

    [Theory]
    [InlineData(1, "1\r\n")]
    [InlineData(15, "f\r\n")]
    [InlineData(16, "10\r\n")]
    [InlineData(65536, "10000\r\n")]
    [InlineData(int.MaxValue, "7fffffff\r\n")]
    public void Chunk_size_is_written(int length, string line)
    {
        Span<byte> target = stackalloc byte[ChunkFrame.MaxSizeLine];
        int written = ChunkFrame.WriteSize(target, length);
        Assert.Equal(line, Encoding.ASCII.GetString(target[..written]));
    }

    internal static string Outcome(ChunkStatus status, in ChunkDecoder decoder) => status switch
    {
        ChunkStatus.End => "end",
        ChunkStatus.NeedMore => "need-more",
        ChunkStatus.Error => HttpErrorInfo.Of(decoder.Error).Code,
        _ => "data",
    };
}
