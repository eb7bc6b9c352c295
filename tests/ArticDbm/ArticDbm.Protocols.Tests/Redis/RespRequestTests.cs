using System.Text;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Protocols.Tests.Redis;

public sealed class RespRequestTests
{
    [Theory]
    [InlineData("*1\r\n$4\r\nPING\r\n", "PING")]
    [InlineData("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n", "SET|a|")]
    [InlineData("*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n", "GET|a\r\nb")]
    [InlineData("PING\r\n", "PING")]
    [InlineData("  set  a 'b c'  \"d\\x41\\n\"\n", "set|a|b c|dA\n")]
    [InlineData("get 'it\\'s'\r\n", "get|it's")]
    [InlineData("\r\n", "")]
    [InlineData("*0\r\n", "")]
    [InlineData("*-1\r\n", "")]
    public void Reads_commands_whatever_the_cuts(string text, string words)
    {
        byte[] data = Encoding.Latin1.GetBytes(text);
        for (int step = 1; step <= data.Length; step++)
        {
            var reader = new RespRequestReader();
            int have = 0;
            RespStatus status;
            do
            {
                have = Math.Min(have + step, data.Length);
                status = reader.Read(data.AsSpan(0, have), 1024);
                if (status == RespStatus.NeedMore) Assert.InRange(reader.Wanted, have + 1, data.Length + 2);
            }
            while (status == RespStatus.NeedMore && have < data.Length);

            Assert.Equal(RespStatus.Ok, status);
            Assert.Equal(data.Length, reader.Length);
            Assert.Equal(words, string.Join('|', Enumerable.Range(0, reader.Count).Select(i => Encoding.Latin1.GetString(reader.Argument(data, i)))));
        }
    }

    [Theory]
    [InlineData("*1\r\n$-1\r\n")]
    [InlineData("*1\r\n+PING\r\n")]
    [InlineData("*1\r\n$04\r\nPING\r\n")]
    [InlineData("*01\r\n$4\r\nPING\r\n")]
    [InlineData("*-0\r\n")]
    [InlineData("*1\r\n$4\r\nPINGxx")]
    [InlineData("*x\r\n")]
    [InlineData("*\r\n")]
    [InlineData("*99999999999999999999\r\n")]
    [InlineData("*1\n$4\r\nPING\r\n")]
    [InlineData("get \"open\r\n")]
    [InlineData("get 'a'b\r\n")]
    public void Refuses_what_Redis_would_not_take(string text) => Assert.Equal(RespStatus.Malformed, new RespRequestReader().Read(Encoding.Latin1.GetBytes(text), 1024));

    [Fact]
    public void Keeps_its_limits()
    {
        Assert.Equal(RespStatus.TooLarge, new RespRequestReader().Read("*1048577\r\n"u8, 1024));
        Assert.Equal(RespStatus.TooLarge, new RespRequestReader().Read("*11\r\n"u8, 1024, 10));
        Assert.Equal(RespStatus.TooLarge, new RespRequestReader().Read("*1\r\n$2000\r\n"u8, 1024));
        Assert.Equal(RespStatus.TooLarge, new RespRequestReader().Read(new byte[RespRequestReader.MaxLine + 2].Select(_ => (byte)'a').ToArray(), 1 << 20));
    }

    [Fact]
    public void Any_bytes_are_read_alike_at_once_and_byte_by_byte()
    {
        var random = new Random(5);
        byte[] alphabet = [.. "*$\r\n0123-PINGab'\" \\x"u8];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] data = new byte[random.Next(1, 40)];
            for (int i = 0; i < data.Length; i++) data[i] = alphabet[random.Next(alphabet.Length)];
            if (random.Next(2) == 0) "*2\r\n$1\r\na\r\n"u8[..Math.Min(11, data.Length)].CopyTo(data);
            var whole = new RespRequestReader();
            RespStatus expected = whole.Read(data, 64);
            var bytewise = new RespRequestReader();
            RespStatus status = RespStatus.NeedMore;
            for (int have = 1; have <= data.Length && status == RespStatus.NeedMore; have++) status = bytewise.Read(data.AsSpan(0, have), 64);
            Assert.Equal((expected, whole.Count), (status, bytewise.Count));
            if (expected == RespStatus.Ok) Assert.Equal(whole.Length, bytewise.Length);
        }
    }

    [Fact]
    public void A_command_of_many_small_arguments_is_read_once()
    {
        byte[] data = Encoding.ASCII.GetBytes("*50001\r\n$3\r\nDEL\r\n" + string.Concat(Enumerable.Repeat("$1\r\na\r\n", 50_000)));
        var reader = new RespRequestReader();
        for (int have = 1_000; reader.Read(data.AsSpan(0, Math.Min(have, data.Length)), 1 << 20) == RespStatus.NeedMore; have += 1_000) Assert.True(have <= data.Length);
        Assert.Equal(50_001, reader.Count);
    }

    [Fact]
    public void Reading_a_command_allocates_nothing()
    {
        byte[] data = [.. "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"u8];
        var reader = new RespRequestReader();
        reader.Read(data, 1024);
        Assert.Equal("SET", RedisCommands.Find(reader.Argument(data, 0)).Name);
        reader.Reset();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            reader.Read(data, 1024);
            _ = RedisCommands.Find(reader.Argument(data, 0));
            reader.Reset();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
