using System.IO.Compression;
using System.Text;
using MarchProxy.Edge.Compression;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tests.Http1;

namespace MarchProxy.Edge.Tests.Compression;

public sealed class CompressionTests
{
    [Theory]
    [InlineData("Brotli", "gzip, deflate, br, zstd")]
    [InlineData("Gzip", "gzip")]
    [InlineData("Gzip", "x-gzip")]
    [InlineData("Gzip", "GZIP ; Q=0.8 , br;q=0.5")]
    [InlineData("Gzip", "br;q=0, *")]
    [InlineData("Brotli", "*")]
    [InlineData("Brotli", "*;q=0.1, gzip;q=0")]
    [InlineData("Identity", "*;q=0")]
    [InlineData("Identity", "identity")]
    [InlineData("Identity", "identity, gzip;q=0.5")]
    [InlineData("Gzip", "identity;q=0.5, gzip;q=0.5")]
    [InlineData("Gzip", "identity;q=0.3, gzip;q=0.5")]
    [InlineData("Identity", "gzip;q=0")]
    [InlineData("Identity", "gzip;q=0.000")]
    [InlineData("Gzip", "gzip;q=0.001")]
    [InlineData("Identity", "gzip;q=2")]
    [InlineData("Identity", "gzip;q=")]
    [InlineData("Identity", "gzip;x=1")]
    [InlineData("Identity", "")]
    [InlineData("Identity", "compress, deflate")]
    [InlineData("Brotli", "gzip\r\nAccept-Encoding: br")]
    public void A_client_gets_the_coding_that_it_likes_best(string coding, string accepts)
    {
        Parsed<RequestHead> request = Parsed.Fields("Accept-Encoding: " + accepts);
        Assert.Equal(coding, AcceptEncoding.Choose(request.Head, request.Bytes, [ContentCoding.Brotli, ContentCoding.Gzip]).ToString());
    }

    [Fact]
    public void A_client_that_says_nothing_gets_none()
    {
        Parsed<RequestHead> request = Parsed.Fields("Accept: */*");
        Assert.Equal(ContentCoding.Identity, AcceptEncoding.Choose(request.Head, request.Bytes, [ContentCoding.Gzip]));
    }

    [Theory]
    [InlineData("Compress", "200 OK", "Content-Type: text/html; charset=utf-8", "Content-Length: 5000")]
    [InlineData("Compress", "200 OK", "Content-Type: Application/Problem+JSON", "Transfer-Encoding: chunked")]
    [InlineData("Compress", "404 Not Found", "Content-Type: text/plain", "Content-Length: 1024")]
    [InlineData("None", "200 OK", "Content-Type: text/html", "Content-Length: 1023")]
    [InlineData("None", "200 OK", "Content-Type: image/png", "Content-Length: 5000")]
    [InlineData("None", "200 OK", "Content-Length: 5000")]
    [InlineData("None", "200 OK", "Content-Type: text/html", "Content-Encoding: gzip", "Content-Length: 5000")]
    [InlineData("None", "200 OK", "Content-Type: text/html", "Content-Encoding: identity", "Content-Length: 5000")]
    [InlineData("None", "200 OK", "Content-Type: text/html", "Cache-Control: no-transform", "Content-Length: 5000")]
    [InlineData("None", "206 Partial Content", "Content-Type: text/html", "Content-Range: bytes 0-4999/9000", "Content-Length: 5000")]
    [InlineData("None", "204 No Content", "Content-Type: text/html")]
    [InlineData("None", "304 Not Modified", "Content-Type: text/html")]
    [InlineData("None", "200 OK", "Content-Type: text/html", "Repr-Digest: sha-256=:x:", "Content-Length: 5000")]
    public void Only_what_gains_by_it_is_compressed(string choice, string status, params string[] lines)
    {
        var rule = new CompressionRule(new Model.Resources.Compression(), "route/r");
        Parsed<ResponseHead> response = Parsed.Response($"HTTP/1.1 {status}\r\n{Parsed.Join(lines)}\r\n");
        Parsed<RequestHead> takes = Parsed.Fields("Accept-Encoding: gzip"), takesNot = Parsed.Fields();
        Assert.Equal(choice, rule.Decide(takes.Head, takes.Bytes, response.Head, response.Bytes, out _).ToString());

        // Whether it depends on the client at all is told to those who do not take it, too.
        Assert.Equal(choice == "Compress" ? "VaryOnly" : "None", rule.Decide(takesNot.Head, takesNot.Bytes, response.Head, response.Bytes, out _).ToString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    public void What_comes_out_is_what_went_in_whatever_the_pieces_and_flushes(int level)
    {
        foreach (ContentCoding coding in new[] { ContentCoding.Gzip, ContentCoding.Brotli, ContentCoding.Zstd })
        {
            for (int seed = 0; seed < 8; seed++)
            {
                var random = new Random(seed);
                byte[] content = Content(random, random.Next(200_000));
                using ContentEncoder encoder = ContentEncoder.Make(coding, level);
                for (int at = 0; at < content.Length;)
                {
                    int count = Math.Min(random.Next(1, 60_000), content.Length - at);
                    encoder.Write(content.AsSpan(at, count));
                    at += count;
                    if (random.Next(3) == 0) encoder.Flush();
                }

                encoder.Finish();
                Assert.Equal(content, Decode(coding, encoder.Output.WrittenSpan.ToArray()));
                if (content.Length > 10_000) Assert.InRange(encoder.Output.WrittenCount, 1, content.Length / 2);
            }
        }
    }

    [Theory]
    [InlineData((int)ContentCoding.Gzip)]
    [InlineData((int)ContentCoding.Brotli)]
    public void A_flush_lets_the_client_read_all_that_went_in(int coding)
    {
        using ContentEncoder encoder = ContentEncoder.Make((ContentCoding)coding, 4);
        encoder.Write("data: first\n\n"u8);
        Assert.True(encoder.HasUnflushed);
        encoder.Flush();
        Assert.False(encoder.HasUnflushed);
        byte[] sofar = encoder.Output.WrittenSpan.ToArray();
        using Stream stream = Decoder((ContentCoding)coding, new MemoryStream(sofar));
        var first = new byte[13];
        stream.ReadExactly(first);
        Assert.Equal("data: first\n\n", Encoding.ASCII.GetString(first));
    }

    private static byte[] Content(Random random, int length)
    {
        string[] words = ["the ", "quick ", "brown ", "fox ", "jumps ", "over ", "{\"id\": ", "\"value\", ", "\n"];
        var text = new StringBuilder();
        while (text.Length < length) text.Append(words[random.Next(words.Length)]);
        return Encoding.ASCII.GetBytes(text.ToString()[..length]);
    }

    private static byte[] Decode(ContentCoding coding, byte[] bytes)
    {
        if (coding == ContentCoding.Zstd) return Foreign.Run("zstd", "-dc", bytes);
        using var result = new MemoryStream();
        using (Stream stream = Decoder(coding, new MemoryStream(bytes))) stream.CopyTo(result);
        return result.ToArray();
    }

    private static Stream Decoder(ContentCoding coding, Stream from) =>
        coding == ContentCoding.Gzip ? new GZipStream(from, CompressionMode.Decompress) : new BrotliStream(from, CompressionMode.Decompress);
}
