using System.Text;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Protocols.Tests.Redis;

public sealed class RespReplyTests
{
    [Theory]
    [InlineData("+OK\r\n")]
    [InlineData("-ERR no\r\n")]
    [InlineData(":1\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("$0\r\n\r\n")]
    [InlineData("$3\r\na\r\n\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*2\r\n*1\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n")]
    [InlineData("%1\r\n+a\r\n*2\r\n_\r\n#t\r\n")]
    [InlineData("~2\r\n,1.5\r\n(123\r\n")]
    [InlineData("=5\r\ntxt:a\r\n")]
    [InlineData("!3\r\nERR\r\n")]
    [InlineData(">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n")]
    [InlineData("|1\r\n+ttl\r\n:3\r\n*2\r\n:1\r\n:2\r\n")]
    [InlineData("*1\r\n|1\r\n+ttl\r\n:3\r\n:5\r\n")]
    [InlineData("$?\r\n;4\r\nabcd\r\n;1\r\ne\r\n;0\r\n")]
    [InlineData("*?\r\n:1\r\n*1\r\n:2\r\n.\r\n")]
    [InlineData("*2\r\n%?\r\n+a\r\n:1\r\n.\r\n+b\r\n")]
    public void Finds_the_end_whatever_the_cuts(string text)
    {
        // Another reply behind it must not be touched.
        byte[] data = Encoding.ASCII.GetBytes(text + "+next\r\n");
        for (int step = 1; step <= data.Length; step++)
        {
            var scanner = new RespReplyScanner();
            int at = 0, have = 0;
            RespStatus status;
            do
            {
                have = Math.Min(have + step, data.Length);
                status = scanner.Scan(data.AsSpan(at, have - at), out int used);
                at += used;
            }
            while (status == RespStatus.NeedMore && have < data.Length);

            Assert.Equal((RespStatus.Ok, text.Length), (status, at));
            Assert.False(scanner.IsMidway);
        }
    }

    [Theory]
    [InlineData("?\r\n")]
    [InlineData("*x\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData(";1\r\na\r\n")]
    [InlineData(".\r\n")]
    [InlineData("+a\n")]
    [InlineData("$99999999999\r\n")]
    public void Refuses_what_is_no_reply(string text) => Assert.Equal(RespStatus.Malformed, new RespReplyScanner().Scan(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void Nesting_has_an_end()
    {
        byte[] deep = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", RespReplyScanner.MaxDepth)) + ":1\r\n");
        Assert.Equal(RespStatus.Ok, new RespReplyScanner().Scan(deep, out _));
        Assert.Equal(RespStatus.Malformed, new RespReplyScanner().Scan([.. "*1\r\n"u8, .. deep], out _));
        Assert.Equal(RespStatus.Malformed, new RespReplyScanner().Scan(Enumerable.Repeat((byte)'+', RespReplyScanner.MaxLine + 2).ToArray(), out _));
    }

    [Fact]
    public void Any_bytes_end_in_the_same_place_at_once_and_byte_by_byte()
    {
        var random = new Random(7);
        byte[] alphabet = [.. "+-:$*%~>|_#,(=!;.?\r\n01234ab"u8];
        for (int round = 0; round < 30_000; round++)
        {
            var text = new StringBuilder();
            for (int i = random.Next(1, 12); i > 0; i--)
            {
                text.Append(random.Next(3) == 0 ? ((char)alphabet[random.Next(alphabet.Length)]).ToString() : new[] { "*2\r\n", "$1\r\na\r\n", ":1\r\n", "%1\r\n", "|1\r\n", "$?\r\n", ";1\r\na\r\n", ";0\r\n", "*?\r\n", ".\r\n", "+ok\r\n", "$-1\r\n", "*0\r\n" }[random.Next(13)]);
            }

            byte[] data = Encoding.ASCII.GetBytes(text.ToString());
            var whole = new RespReplyScanner();
            RespStatus expected = whole.Scan(data, out int end);
            var bytewise = new RespReplyScanner();
            RespStatus status = RespStatus.NeedMore;
            int at = 0;
            for (int have = 1; have <= data.Length && status == RespStatus.NeedMore; have++)
            {
                status = bytewise.Scan(data.AsSpan(at, have - at), out int used);
                at += used;
            }

            Assert.Equal(expected, status);
            if (expected == RespStatus.Ok) Assert.Equal(end, at);
        }
    }

    [Fact]
    public void Reads_slots_and_redirections()
    {
        Assert.True(RespValue.TryRead("*1\r\n*3\r\n:0\r\n:5460\r\n*4\r\n$9\r\n127.0.0.1\r\n:30001\r\n$2\r\nid\r\n*0\r\n"u8, out RespValue? slots));
        Assert.Equal(5460, slots!.Items![0].Items![1].Number);
        Assert.Equal("127.0.0.1", slots.Items[0].Items![2].Items![0].Text);
        Assert.False(RespValue.TryRead("*2\r\n:1\r\n"u8, out _));
        Assert.True(ClusterRedirect.TryRead("-MOVED 3999 127.0.0.1:6381\r\n"u8, out ClusterRedirect moved));
        Assert.Equal(new ClusterRedirect(false, 3999, "127.0.0.1", 6381), moved);
        Assert.True(ClusterRedirect.TryRead("-ASK 1 ::1:7000\r\n"u8, out ClusterRedirect asked));
        Assert.Equal(new ClusterRedirect(true, 1, "::1", 7000), asked);
        foreach (string no in new[] { "-ERR x\r\n", "-MOVED\r\n", "-MOVED 99999 a:1\r\n", "-MOVED 1 a\r\n", "-MOVED 1 a:0\r\n", "-MOVED 1 a:1x\r\n" }) Assert.False(ClusterRedirect.TryRead(Encoding.ASCII.GetBytes(no), out _), no);
    }
}
