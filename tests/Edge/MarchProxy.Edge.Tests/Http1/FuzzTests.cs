using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class FuzzTests
{
    private const int Rounds = 30_000;

    [Fact]
    public void Nothing_throws_nor_reads_outside_its_input()
    {
        using var memory = new GuardedMemory();
        var samples = new Samples(6);
        var request = new RequestHead();
        var response = new ResponseHead();
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = (round % 4) switch { 0 => samples.Request(), 1 => samples.Response(), 2 => samples.Chunks(), _ => samples.Noise() };
            int length = samples.Random.Next(bytes.Length + 1);
            ReadOnlySpan<byte> input = round % 8 < 4 ? memory.AtEnd(bytes.AsSpan(0, length)) : memory.AtStart(bytes.AsSpan(0, length));

            request.Reset();
            ParseStatus status = HeadParser.ParseRequest(input, request, HeadLimits.Default, out int consumed);
            Check(input, request, status, consumed);
            response.Reset();
            status = HeadParser.ParseResponse(input, response, HeadLimits.Default, out consumed);
            Check(input, response, status, consumed);
            var chunks = default(ChunkDecoder);
            chunks.Advance(input, out consumed);
            Assert.InRange(consumed, 0, input.Length);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(100)]
    public void Searches_find_every_byte_at_every_place(int length)
    {
        using var memory = new GuardedMemory();
        byte[] clean = new byte[length];
        Array.Fill(clean, (byte)'a');
        for (int from = 0; from <= length; from++)
        {
            Assert.Equal(length, ControlBytes.IndexOf(memory.AtEnd(clean), from));
            Assert.Equal(length, AsciiSet.Token.IndexOfOther(memory.AtEnd(clean), from));
            for (int at = from; at < length; at++)
            {
                byte[] bytes = [.. clean];
                bytes[at] = 0x7F;
                if (at > from) bytes[from] = (byte)'\t';
                Assert.Equal(at, ControlBytes.IndexOf(memory.AtEnd(bytes), from));
                Assert.Equal(at > from ? from : at, AsciiSet.Token.IndexOfOther(memory.AtEnd(bytes), from));
            }
        }
    }

    [Fact]
    public void Sets_hold_exactly_their_characters()
    {
        for (int b = 0; b < 256; b++)
        {
            char c = (char)b;
            byte[] bytes = new byte[20];
            Array.Fill(bytes, (byte)b);
            Check(AsciiSet.Token, bytes, char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
            Check(AsciiSet.HostName, bytes, char.IsAsciiLetterOrDigit(c) || "-._".Contains(c));
            Check(AsciiSet.IPv6, bytes, char.IsAsciiHexDigit(c) || ":.".Contains(c));
            Check(AsciiSet.Target, bytes, c is > ' ' and < '\u007f' and not '#');
            bool control = c != '\t' && (c < ' ' || c == '\u007f');
            Assert.Equal((control, control ? 0 : 40), (ControlBytes.IsControl((byte)b), ControlBytes.IndexOf([.. bytes, .. bytes], 0)));
        }

        static void Check(AsciiSet set, byte[] bytes, bool belongs)
        {
            Assert.Equal(belongs, set.Contains(bytes[0]));
            Assert.Equal(belongs ? bytes.Length : 0, set.IndexOfOther(bytes, 0));
            Assert.Equal(belongs ? 3 : 0, set.IndexOfOther(bytes.AsSpan(0, 3), 0));
        }
    }

    private static void Check(ReadOnlySpan<byte> input, MessageHead head, ParseStatus status, int consumed)
    {
        Assert.Equal(status == ParseStatus.Error, head.Error != HttpError.None);
        if (status != ParseStatus.Ok)
        {
            Assert.Equal(0, consumed);
            return;
        }

        Assert.InRange(consumed, 4, input.Length);
        Assert.True(input[..consumed].EndsWith("\r\n\r\n"u8));
        foreach (HeaderField field in head.Fields) Assert.True(field.Value.End < consumed && field.Name.End < field.ValueStart + 1);
    }
}
