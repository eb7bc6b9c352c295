using ArticDbm.Protocols.MySql;

namespace ArticDbm.Protocols.Tests.MySql;

public sealed class MySqlResponseTests
{
    private static readonly byte[] s_column = [3, (byte)'d', (byte)'e', (byte)'f', 0, 0, 0, 0, 0];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Results_follow_each_other_until_one_is_the_last(bool deprecatesEof)
    {
        MySqlResponse response = MySqlResponse.OfQuery(deprecatesEof);
        for (int result = 0; result < 2; result++)
        {
            Assert.Equal(MySqlRole.Content, Next(ref response, [2]));
            Assert.Equal(MySqlRole.Content, Next(ref response, s_column));
            Assert.Equal(MySqlRole.LastColumn, Next(ref response, s_column));
            if (!deprecatesEof)
            {
                Assert.Equal(MySqlRole.ColumnsEof, Next(ref response, [0xFE, 0, 0, 2, 0]));
                response.Told(MySqlRole.ColumnsEof, MySqlStatus.AutoCommit);
            }

            Assert.Equal(MySqlRole.Row, Next(ref response, [0, 1, 2]));
            Assert.Equal(MySqlRole.Row, Next(ref response, [0xFB, 1, 2]));
            Assert.Equal(MySqlRole.RowsEnd, Next(ref response, [0xFE, 0, 0, 2, 0]));
            Assert.False(response.IsDone);
            response.Told(MySqlRole.RowsEnd, MySqlStatus.MoreResults);
        }

        Assert.Equal(MySqlRole.Ok, Next(ref response, [0, 0, 0, 2, 0, 0, 0]));
        response.Told(MySqlRole.Ok, MySqlStatus.AutoCommit);
        Assert.True(response.IsDone);
    }

    [Fact]
    public void A_row_of_many_packets_is_one_row_whatever_its_pieces_begin_with()
    {
        MySqlResponse response = MySqlResponse.OfRows(deprecatesEof: true);
        Assert.Equal(MySqlRole.Row, response.Next(new MySqlPacket(MySqlPacket.MaxPayload, 1), [0xFE, 0, 0, 0, 2, 0, 0, 0, 0]));
        Assert.Equal(MySqlRole.Content, response.Next(new MySqlPacket(MySqlPacket.MaxPayload, 2), [0xFF, 0, 0, 0, 2, 0, 0, 0, 0]));
        Assert.Equal(MySqlRole.Content, response.Next(new MySqlPacket(5, 3), [0xFE, 0, 0, 2, 0]));
        Assert.Equal(MySqlRole.RowsEnd, response.Next(new MySqlPacket(5, 4), [0xFE, 0, 0, 2, 0]));
    }

    [Fact]
    public void A_cursor_has_columns_and_no_rows()
    {
        MySqlResponse response = MySqlResponse.OfQuery(deprecatesEof: false);
        Next(ref response, [1]);
        Assert.Equal(MySqlRole.LastColumn, Next(ref response, s_column));
        Assert.Equal(MySqlRole.ColumnsEof, Next(ref response, [0xFE, 0, 0, 0x42, 0]));
        response.Told(MySqlRole.ColumnsEof, MySqlStatus.AutoCommit | MySqlStatus.CursorExists);
        Assert.True(response.IsDone);
    }

    [Theory]
    [InlineData("FF1504", MySqlRole.Error)]
    [InlineData("FB2F657463", MySqlRole.LocalFile)]
    [InlineData("FE", MySqlRole.Malformed)]
    [InlineData("FE0000000001000000", MySqlRole.Malformed)]
    [InlineData("", MySqlRole.Malformed)]
    public void First_packets(string hex, MySqlRole role)
    {
        MySqlResponse response = MySqlResponse.OfQuery(deprecatesEof: true);
        Assert.Equal(role, Next(ref response, Convert.FromHexString(hex)));
        Assert.Equal(role == MySqlRole.Error, response.IsDone);
    }

    [Fact]
    public void Garbage_never_goes_on_for_ever()
    {
        var random = new Random(99);
        for (int i = 0; i < 20_000; i++)
        {
            MySqlResponse response = random.Next(3) switch { 0 => MySqlResponse.OfQuery(true), 1 => MySqlResponse.OfQuery(false), _ => MySqlResponse.OfRows(true) };
            for (int n = 0; n < 40 && !response.IsDone; n++)
            {
                byte[] payload = new byte[random.Next(12)];
                random.NextBytes(payload);
                MySqlRole role = Next(ref response, payload);
                if (role == MySqlRole.Malformed) break;
                if (role is MySqlRole.Ok or MySqlRole.RowsEnd or MySqlRole.ColumnsEof) response.Told(role, (MySqlStatus)random.Next(0x10000));
            }
        }
    }

    private static MySqlRole Next(ref MySqlResponse response, byte[] payload) => response.Next(new MySqlPacket(payload.Length, 0), payload.AsSpan(0, Math.Min(payload.Length, MySqlResponse.Peek)));
}
