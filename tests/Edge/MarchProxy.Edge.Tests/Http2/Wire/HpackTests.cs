using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Http2.Wire;

namespace MarchProxy.Edge.Tests.Http2.Wire;

/// <summary>HPACK by the examples of RFC 7541 appendix C, by its own word, and under random bytes.</summary>
public sealed class HpackTests
{
    private const string Requests = """
        828684410f7777772e6578616d706c652e636f6d
        828684be58086e6f2d6361636865
        828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565
        """;

    private const string CodedRequests = """
        828684418cf1e3c2e5f23a6ba0ab90f4ff
        828684be5886a8eb10649cbf
        828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf
        """;

    private const string CodedResponses = """
        488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3
        4883640effc1c0bf
        88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007
        """;

    [Theory]
    [InlineData(Requests)]
    [InlineData(CodedRequests)]
    public void Examples_of_requests_decode(string sections)
    {
        var decoder = new HpackDecoder(4096);
        string[] all = [.. sections.Split('\n').Select(s => Decode(decoder, s.Trim()))];
        Assert.Equal(":method=GET :scheme=http :path=/ :authority=www.example.com", all[0]);
        Assert.Equal(":method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache", all[1]);
        Assert.Equal(":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value", all[2]);
    }

    [Fact]
    public void Examples_of_responses_decode_and_evict()
    {
        var decoder = new HpackDecoder(256);
        string[] all = [.. CodedResponses.Split('\n').Select(s => Decode(decoder, s.Trim()))];
        Assert.Equal(":status=302 cache-control=private date=Mon, 21 Oct 2013 20:13:21 GMT location=https://www.example.com", all[0]);
        Assert.StartsWith(":status=307 cache-control=private ", all[1], StringComparison.Ordinal);
        Assert.EndsWith("content-encoding=gzip set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1", all[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Huffman_takes_every_byte_and_refuses_bad_padding()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)], coded = new byte[2048], back = new byte[256];
        int length = Huffman.Encode(all, coded);
        Assert.Equal(Huffman.EncodedLength(all), length);
        Assert.Equal(256, Huffman.Decode(coded.AsSpan(0, length), back));
        Assert.Equal(all, back);
        Assert.Equal(-1, Huffman.Decode([0xFF], back));
        Assert.Equal(-1, Huffman.Decode([0x18], back));
        Assert.Equal(-1, Huffman.Decode([0x1F, 0xFF], back));
        Assert.Equal(-1, Huffman.Decode([0xFF, 0xFF, 0xFF, 0xFF], back));
        Assert.Equal(1, Huffman.Decode([0x1F], back));
        Assert.Equal(-2, Huffman.Decode([0x1F], []));
    }

    [Theory]
    [InlineData("80", "index zero")]
    [InlineData("be", "an entry that is not there")]
    [InlineData("ffffffffff7f", "an integer without end")]
    [InlineData("3fe21f", "a table larger than allowed")]
    [InlineData("8220", "a size update behind a field")]
    [InlineData("0003616263", "no value")]
    [InlineData("00ff80808080", "a length cut off")]
    [InlineData("000361626305", "a value cut off")]
    public void What_is_not_well_formed_is_refused(string section, string why)
    {
        var sink = new Text();
        Assert.True(new HpackDecoder(4096).Decode(Convert.FromHexString(section), ref sink) == HpackStatus.Malformed, why);
    }

    [Fact]
    public void A_bomb_is_not_unfolded()
    {
        // One entry of 4,000 bytes, then told a thousand times by one byte each.
        byte[] first = [0x40, 1, (byte)'x', 0x7F, 0xA1, 0x1E, .. new byte[4000]];
        var sink = new Text();
        var decoder = new HpackDecoder(4096);
        Assert.Equal(HpackStatus.Ok, decoder.Decode(first, ref sink));
        Assert.Equal(HpackStatus.Bomb, decoder.Decode(Enumerable.Repeat((byte)0xBE, 1000).ToArray(), ref sink));
    }

    [Fact]
    public void What_is_encoded_decodes_over_a_long_time_and_changes_of_size()
    {
        var random = new Random(7541);
        var encoder = new HpackEncoder();
        var decoder = new HpackDecoder(4096);
        byte[] target = new byte[64 << 10];
        for (int round = 0; round < 3000; round++)
        {
            if (round % 500 == 499) encoder.SetMaxTableSize(random.Next(3) switch { 0 => 0, 1 => 200, _ => 70_000 });
            int at = encoder.Begin(target);
            at += HpackEncoder.Status(target.AsSpan(at), 100 + random.Next(500));
            var expected = new StringBuilder();
            for (int field = random.Next(12); field > 0; field--)
            {
                string name = random.Next(3) == 0 ? "x-" + random.Next(50) : KnownHeaders.NameOf((KnownHeader)random.Next(1, 47));
                string value = new((char)random.Next(32, 255), random.Next(random.Next(8) == 0 ? 900 : 30));
                KnownHeader id = KnownHeaders.Find(Encoding.Latin1.GetBytes(name));
                at += encoder.Field(target.AsSpan(at), id, id == KnownHeader.Unknown ? 0 : StaticTable.IndexOf(id), Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value));
                expected.Append(' ').Append(name).Append('=').Append(value);
            }

            string back = Decode(decoder, target.AsSpan(0, at));
            Assert.EndsWith(expected.ToString(), back, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Random_bytes_are_an_outcome_never_an_exception()
    {
        var random = new Random(1);
        byte[] bytes = new byte[300];
        for (int round = 0; round < 20_000; round++)
        {
            var decoder = new HpackDecoder(round % 5 * 100);
            var sink = new Text();
            for (int section = 0; section < 3; section++)
            {
                Span<byte> part = bytes.AsSpan(0, random.Next(bytes.Length));
                random.NextBytes(part);
                decoder.Decode(part, ref sink);
            }
        }
    }

    private static string Decode(HpackDecoder decoder, string hex) => Decode(decoder, Convert.FromHexString(hex));

    private static string Decode(HpackDecoder decoder, ReadOnlySpan<byte> section)
    {
        var sink = new Text();
        Assert.Equal(HpackStatus.Ok, decoder.Decode(section, ref sink));
        return sink.All;
    }

    private sealed class Text : IFieldSink
    {
        private readonly StringBuilder _text = new();

        public string All => _text.ToString().TrimStart(' ');

        public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
            _text.Append(' ').Append(Encoding.Latin1.GetString(name)).Append('=').Append(Encoding.Latin1.GetString(value));
    }
}
