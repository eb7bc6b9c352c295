using ArticDbm.Proxy.MySql;
using ArticDbm.Security;

namespace ArticDbm.Proxy.Tests.MySql;

public sealed class MySqlSettingsTests
{
    [Fact]
    public void The_difference_sets_what_is_wanted_and_takes_back_the_rest()
    {
        MySqlSettings now = MySqlSettings.None.With("time_zone", "+01:00").With("character_set_client", "latin1").With("autocommit", "OFF");
        MySqlSettings wanted = MySqlSettings.None.With("time_zone", "+02:00").With("sql_select_limit", "10").With("autocommit", "OFF");
        Assert.Equal("SET character_set_client = utf8mb4, SESSION sql_select_limit = 10, SESSION time_zone = '+02:00'", MySqlSettings.Difference(now, wanted));
    }

    [Fact]
    public void Values_cannot_break_out_of_their_quotes()
    {
        string sql = MySqlSettings.Difference(MySqlSettings.None, MySqlSettings.None.With("init_connect", "x' OR 1\\"));
        Assert.Equal("SET SESSION init_connect = 0x7827204F5220315C", sql);
        Assert.Equal("SET character_set_results = NULL", MySqlSettings.Difference(MySqlSettings.None, MySqlSettings.None.With("character_set_results", "")));
    }

    [Theory]
    [InlineData("STRICT_TRANS_TABLES", SqlQuoting.Usual)]
    [InlineData("REAL_AS_FLOAT,ANSI_QUOTES,ANSI", SqlQuoting.AnsiQuotes)]
    [InlineData("NO_BACKSLASH_ESCAPES,ANSI_QUOTES", SqlQuoting.AnsiQuotes | SqlQuoting.NoBackslashEscapes)]
    public void Quotes_are_read_as_sql_mode_says(string mode, SqlQuoting quoting) => Assert.Equal(quoting, MySqlSettings.Quoting(mode));

    [Fact]
    public void The_same_settings_are_one_object_on_a_loop()
    {
        var loop = new MySqlLoop();
        MySqlSettings one = loop.Same(MySqlSettings.None.With("a", "1").With("b", "2")), two = loop.Same(MySqlSettings.None.With("b", "2").With("a", "1"));
        Assert.Same(one, two);
        Assert.Same(MySqlSettings.None, loop.Same(MySqlSettings.None));
    }

    [Theory]
    [InlineData("SET NAMES gbk", true)]
    [InlineData("set character_set_client = 'Big5'", true)]
    [InlineData("SET NAMES utf8mb4", false)]
    public void Character_sets_that_swallow_quotes_are_known(string sql, bool isUnsafe) => Assert.Equal(isUnsafe, MySqlCharsets.NamesUnsafe(System.Text.Encoding.UTF8.GetBytes(sql)));
}
