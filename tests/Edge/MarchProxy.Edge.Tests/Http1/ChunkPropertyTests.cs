using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class ChunkPropertyTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Streams_come_out_the_same_however_they_are_cut()
    {
        var samples = new Samples(4);
        int ended = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = samples.Chunks();
            var whole = default(ChunkDecoder);
            ChunkStatus expected = whole.Advance(bytes, out int length);
            var pieces = default(ChunkDecoder);
            ChunkStatus status = ChunkStatus.NeedMore;
            int end = 0;
            int total = 0;
            foreach (int cut in samples.Cuts(bytes.Length))
            {
                status = pieces.Advance(bytes.AsSpan(end, cut), out int consumed);
                end += cut;
                total += consumed;
                if (status != ChunkStatus.NeedMore) break;
            }

            string text = Encoding.Latin1.GetString(bytes);
            Assert.Equal((text, expected, length, whole.Error, whole.PayloadBytes), (text, status, total, pieces.Error, pieces.PayloadBytes));
            if (expected == ChunkStatus.End) ended++;
        }

        Assert.InRange(ended, Rounds / 10, Rounds * 9 / 10);
    }

    [Fact]
    public void What_is_written_in_chunks_is_read_back()
    {
        var samples = new Samples(5);
        Span<byte> sizeLine = stackalloc byte[ChunkFrame.MaxSizeLine];
        for (int round = 0; round < 2_000; round++)
        {
            var stream = new List<byte>();
            var payload = new List<byte>();
            for (int chunks = samples.Random.Next(5); chunks > 0; chunks--)
            {
                byte[] data = samples.Noise();
                if (data.Length == 0) continue;
                int written = ChunkFrame.WriteSize(sizeLine, data.Length);
                stream.AddRange(sizeLine[..written]);
                stream.AddRange(data);
                stream.AddRange(ChunkFrame.End);
                payload.AddRange(data);
            }

            stream.AddRange(ChunkFrame.Last);
            byte[] bytes = [.. stream];
            Assert.Equal(payload, Payload(bytes, samples));
        }
    }

    private static List<byte> Payload(byte[] bytes, Samples samples)
    {
        var decoder = default(ChunkDecoder);
        var payload = new List<byte>();
        ChunkStatus status = ChunkStatus.NeedMore;
        int end = 0;
        foreach (int cut in samples.Cuts(bytes.Length))
        {
            ReadOnlySpan<byte> input = bytes.AsSpan(end, cut);
            end += cut;
            while ((status = decoder.Decode(input, out int consumed, out ByteRange data)) == ChunkStatus.Data)
            {
                payload.AddRange(data.In(input));
                input = input[consumed..];
            }
        }

        Assert.Equal(ChunkStatus.End, status);
        Assert.Equal(payload.Count, decoder.PayloadBytes);
        return payload;
    }
}
