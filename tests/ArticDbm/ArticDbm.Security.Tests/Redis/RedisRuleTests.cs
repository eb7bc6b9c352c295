using System.Text;

namespace ArticDbm.Security.Redis;

/// <summary>Each rule for Redis for and against: what it must find, and the ordinary thing nearest to it.</summary>
public sealed class RedisRuleTests
{
    [Theory]
    [InlineData("script-escape", "return loadstring(ARGV[1])()")]
    [InlineData("script-escape", "local f = load 'return 1'")]
    [InlineData("script-escape", "local io_l = package.loadlib('liblua.so', 'luaopen_io')")]
    [InlineData("script-escape", "return os.execute('id')")]
    [InlineData("script-escape", "local m = getmetatable('')")]
    [InlineData("script-escape", "return _G['load' .. 'string']('x')")]
    [InlineData("script-escape", "return string.dump(function() end)")]
    [InlineData("script-dangerous", "return redis.call('FLUSHALL')")]
    [InlineData("script-dangerous", "redis.pcall(\"config\", 'set', 'dir', '/tmp')")]
    [InlineData("script-dangerous", "return redis.call 'shutdown'")]
    [InlineData("script-truncation", "return redis.call('get', KEYS[1]) --')")]
    [InlineData("script-truncation", "x = 'a' redis.call('del', KEYS[1]) -- '")]
    [InlineData("script-literals", "return redis.call('get', 'user:17')")]
    [InlineData("script-computed", "return redis.call(ARGV[1], KEYS[1])")]
    [InlineData("script-computed", "return redis.call('flu' .. 'shall')")]
    [InlineData("script-computed", "return redis.call('flush\\97ll')")]
    public void Finds_in_a_script(string rule, string script) => Assert.Contains(rule, Names(RedisFirewall.Script(Encoding.UTF8.GetBytes(script))));

    [Theory]
    [InlineData("return redis.call('get', KEYS[1])")]
    [InlineData("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end")]
    [InlineData("local t = redis.call('TIME') -- don't use os here\nreturn t[1]")]
    [InlineData("local now = os.time() return redis.call('set', KEYS[1], now)")]
    [InlineData("-- load(KEYS) is described in 'the manual'\nreturn cjson.decode(ARGV[1])")]
    [InlineData("local function load(x) return x end return KEYS[1]")]
    [InlineData("local s = 'redis.call(\"FLUSHALL\")' return s .. KEYS[1]")]
    [InlineData("local o = {} o.load = 1 o.load(KEYS[1])")]
    [InlineData("--[==[ loadstring( ]==] return redis.call('incrby', KEYS[1], ARGV[1])")]
    [InlineData("local debugging = 1 if debugging then return KEYS[1] end")]
    public void Leaves_alone_a_script(string script) => Assert.Empty(Names(RedisFirewall.Script(Encoding.UTF8.GetBytes(script))));

    [Theory]
    [InlineData("resp-smuggling", "a\r\n*1\r\n$8\r\nFLUSHALL\r\n")]
    [InlineData("resp-smuggling", "a\nconfig set dir /var/www")]
    [InlineData("key-line-break", "a\nb")]
    public void Finds_in_a_key(string rule, string key) => Assert.Contains(rule, Names(RedisFirewall.Key(Encoding.UTF8.GetBytes(key))));

    [Fact]
    public void Leaves_alone_keys_and_values()
    {
        Assert.Empty(Names(RedisFirewall.Key("user:17:set of things"u8)));
        Assert.DoesNotContain("resp-smuggling", Names(RedisFirewall.Key("a\nsettings"u8)));
        Assert.Empty(Names(RedisFirewall.Value("two lines\nof a letter, set in type"u8)));
        Assert.Empty(Names(RedisFirewall.Name("bf.add"u8)));
    }

    [Theory]
    [InlineData("resp-in-value", "x\r\n*1\r\n$8\r\nFLUSHALL\r\n")]
    [InlineData("resp-in-value", "x\r\nSLAVEOF evil 6379\r\n")]
    public void Reports_a_value(string rule, string value) => Assert.Equal([rule], Names(RedisFirewall.Value(Encoding.UTF8.GetBytes(value))));

    [Theory]
    [InlineData("argument-smuggling", "GET a")]
    [InlineData("argument-smuggling", "GET\r\n")]
    public void Finds_in_a_name(string rule, string name) => Assert.Equal([rule], Names(RedisFirewall.Name(Encoding.UTF8.GetBytes(name))));

    [Theory]
    [InlineData("cross-protocol", "POST", true)]
    [InlineData("cross-protocol", "Host:", true)]
    [InlineData("cross-protocol", "GET", false)]
    [InlineData("cross-protocol", "PING", false)]
    public void Knows_HTTP(string rule, string word, bool found)
    {
        Assert.Equal(rule, RedisFirewall.CrossProtocol.Name);
        Assert.Equal(found, RedisFirewall.IsHttp(Encoding.ASCII.GetBytes(word)));
    }

    [Theory]
    [InlineData("inline-command")]
    public void A_line_has_its_bit(string rule) => Assert.Equal([rule], Names(RedisFirewall.Inline));

    [Fact]
    public void Any_bytes_are_read_in_time_without_allocation()
    {
        var random = new Random(11);
        byte[] alphabet = [.. "redis.call('load[=]-\n\"\\KEYS()_ "u8];
        byte[] script = new byte[4_000];
        RedisFirewall.Script(script);
        for (int round = 0; round < 500; round++)
        {
            for (int i = 0; i < script.Length; i++) script[i] = alphabet[random.Next(alphabet.Length)];
            long before = GC.GetAllocatedBytesForCurrentThread();
            RedisFirewall.Script(script.AsSpan(0, random.Next(script.Length)));
            RedisFirewall.Key(script);
            RedisFirewall.Value(script);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    private static string[] Names(uint bits) => [.. RedisFirewall.Rules.Where((_, i) => (bits & (1u << i)) != 0).Select(r => r.Name)];
}
