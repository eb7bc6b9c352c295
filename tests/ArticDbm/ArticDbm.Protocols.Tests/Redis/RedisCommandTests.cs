using System.Text;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Protocols.Tests.Redis;

public sealed class RedisCommandTests
{
    [Theory]
    [InlineData("GET a", "a")]
    [InlineData("set a b", "a")]
    [InlineData("MSET a 1 b 2", "a b")]
    [InlineData("MGET a b c", "a b c")]
    [InlineData("BLPOP a b 0", "a b")]
    [InlineData("BITOP AND d a b", "d a b")]
    [InlineData("EVAL s 2 a b c", "a b")]
    [InlineData("EVAL s 0 a", "")]
    [InlineData("EVAL s 9 a", "a")]
    [InlineData("EVAL s x a", "")]
    [InlineData("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "a b d")]
    [InlineData("ZINTER 2 a b", "a b")]
    [InlineData("BLMPOP 0 2 a b LEFT", "a b")]
    [InlineData("XREAD COUNT 2 BLOCK 0 STREAMS a b 0 0", "a b")]
    [InlineData("XREADGROUP GROUP STREAMS c COUNT 1 STREAMS a >", "a")]
    [InlineData("XREAD COUNT 2", "")]
    [InlineData("SORT a LIMIT 0 1 STORE b", "a b")]
    [InlineData("GEORADIUS a 1 2 3 m STOREDIST b", "a b")]
    [InlineData("OBJECT ENCODING a", "a")]
    [InlineData("MIGRATE h 1 k 0 5", "k")]
    [InlineData("MIGRATE h 1  0 5 KEYS a b", "a b")]
    [InlineData("LMOVE a b LEFT RIGHT", "a b")]
    [InlineData("PING", "")]
    [InlineData("GET", "")]
    public void Knows_where_keys_stand(string text, string keys)
    {
        byte[] data = Encoding.ASCII.GetBytes($"*{text.Split(' ').Length}\r\n" + string.Concat(text.Split(' ').Select(w => $"${w.Length}\r\n{w}\r\n")));
        var request = new RespRequestReader();
        Assert.Equal(RespStatus.Ok, request.Read(data, 1024));
        var found = new List<string>();
        var places = new RedisKeys(RedisCommands.Find(request.Argument(data, 0)), request, data);
        for (int key = places.Next(); key > 0; key = places.Next()) found.Add(Encoding.ASCII.GetString(request.Argument(data, key)));
        Assert.Equal(keys, string.Join(' ', found));
    }

    [Fact]
    public void What_the_issue_names_is_for_admins_alone()
    {
        foreach (string name in "FLUSHDB FLUSHALL SHUTDOWN DEBUG CONFIG MONITOR SYNC PSYNC REPLCONF SCRIPT MIGRATE RESTORE CLUSTER MODULE ACL SLAVEOF REPLICAOF KEYS NOSUCH SWAPDB SAVE".Split(' '))
        {
            Assert.True(RedisCommands.Find(Encoding.ASCII.GetBytes(name)).Is(RedisTraits.Admin), name);
        }

        RedisCommand client = RedisCommands.Find("client"u8);
        foreach (string sub in new[] { "KILL", "pause", "unheard" }) Assert.True(RedisCommands.Narrow(client, Encoding.ASCII.GetBytes(sub)).Is(RedisTraits.Admin), sub);
        Assert.False(RedisCommands.Narrow(client, "setname"u8).Is(RedisTraits.Admin));
        Assert.Equal("CLIENT KILL ? ?", RedisCommands.Narrow(client, "kill"u8).Shape(4));
        Assert.Equal("SET ? ?", RedisCommands.Find("set"u8).Shape(3));
        Assert.Equal("MGET ? ...", RedisCommands.Find("MGET"u8).Shape(100));
    }

    [Fact]
    public void Every_command_is_found_in_any_case_and_has_some_trait_or_place()
    {
        Assert.True(RedisCommands.All.Count() > 220);
        foreach (RedisCommand command in RedisCommands.All)
        {
            Assert.Same(command, RedisCommands.Find(Encoding.ASCII.GetBytes(command.Name.ToLowerInvariant())));
            Assert.True(command.First == 0 || command.Is(RedisTraits.Read | RedisTraits.Write | RedisTraits.Admin | RedisTraits.Scripting), command.Name);
        }
    }

    [Theory]
    [InlineData("123456789", 12739)]
    [InlineData("{user1000}.following", 3443)]
    [InlineData("{user1000}.followers", 3443)]
    [InlineData("foo{}{bar}", 8363)]
    [InlineData("foo{{bar}}zap", 4015)]
    [InlineData("", 0)]
    public void Slots_are_the_clusters(string key, int slot) => Assert.Equal(slot, RedisSlot.Of(Encoding.ASCII.GetBytes(key)));
}
