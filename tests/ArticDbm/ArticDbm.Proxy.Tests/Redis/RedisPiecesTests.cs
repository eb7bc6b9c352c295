using System.Text;
using ArticDbm.Proxy.Redis;

namespace ArticDbm.Proxy.Tests.Redis;

public sealed class RedisPiecesTests
{
    [Theory]
    [InlineData("$9\r\n# R\r\nrole:master\r\nconnected_slaves:0\r\n", true, 0.0, true)]
    [InlineData("$9\r\n# R\r\nrole:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:9\r\n", false, 0.0, true)]
    [InlineData("$9\r\n# R\r\nrole:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:25\r\n", false, 15.0, true)]
    [InlineData("$9\r\n# R\r\nrole:slave\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n", false, null, true)]
    [InlineData("-LOADING Redis is loading the dataset in memory\r\n", false, null, false)]
    public void Reads_what_a_server_says_of_itself(string info, bool primary, double? lag, bool serves)
    {
        var standing = RedisStanding.Read(info);
        Assert.Equal((primary, lag, serves), (standing.IsPrimary, standing.Lag?.TotalSeconds, standing.Serves));
    }

    [Theory]
    [InlineData("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n", "Message")]
    [InlineData("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "Confirmation")]
    [InlineData("*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n", "Confirmation")]
    [InlineData("*2\r\n$4\r\npong\r\n$0\r\n\r\n", "None")]
    [InlineData("*2\r\n*1\r\n:1\r\n:2\r\n", "None")]
    [InlineData("*0\r\n", "None")]
    [InlineData(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n", "Message")]
    [InlineData(">2\r\n+invalidate\r\n_\r\n", "Message")]
    [InlineData(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", "Confirmation")]
    public void Tells_messages_from_replies_whatever_the_cuts(string text, string expected)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);
        for (int have = 1; have <= data.Length; have++)
        {
            if (!PushWords.TryRead(data.AsSpan(0, have), out PushWord word))
            {
                Assert.True(have < data.Length);
                continue;
            }

            Assert.Equal(expected, word.ToString());
        }
    }
}
