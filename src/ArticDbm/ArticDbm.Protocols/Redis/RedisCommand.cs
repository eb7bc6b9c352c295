using System.Collections.Immutable;

namespace ArticDbm.Protocols.Redis;

/// <summary>What is known of a command, apart from its keys.</summary>
[Flags]
public enum RedisTraits
{
    /// <summary>Nothing: any account may send it.</summary>
    None = 0,

    /// <summary>It reads.</summary>
    Read = 1,

    /// <summary>It writes.</summary>
    Write = 2,

    /// <summary>It works on the server rather than on data, or is too dangerous for applications.</summary>
    Admin = 4,

    /// <summary>It runs a script.</summary>
    Scripting = 8,

    /// <summary>It touches keys that it does not name: SCAN, RANDOMKEY, DBSIZE.</summary>
    AllKeys = 16,

    /// <summary>It may wait on the server.</summary>
    Blocking = 32,

    /// <summary>It waits only when it says BLOCK.</summary>
    BlocksWhenAsked = 64,

    /// <summary>It begins or ends the listening to channels.</summary>
    PubSub = 128,

    /// <summary>What it names are channels, not keys: a cluster carries them everywhere.</summary>
    Channels = 256,

    /// <summary>What it names are patterns of channels.</summary>
    Patterns = 512,

    /// <summary>The proxy has its own way with it.</summary>
    Own = 1024,

    /// <summary>It begins, ends or guards a transaction.</summary>
    Transaction = 2048,

    /// <summary>Nobody knows it: it is treated as admin.</summary>
    Unknown = 4096,
}

/// <summary>Where a command's keys stand.</summary>
public enum RedisKeyPlace
{
    /// <summary>From First to Last, each Step; none when First is zero.</summary>
    Fixed,

    /// <summary>Behind a count of them, which stands at First.</summary>
    Counted,

    /// <summary>A destination at 1, and more behind the count at First.</summary>
    DestinationAndCounted,

    /// <summary>Behind STREAMS: the first half of what follows.</summary>
    Streams,

    /// <summary>The first argument, and what STORE or STOREDIST names.</summary>
    Stored,

    /// <summary>SORT: the first argument, STORE's, and with BY or GET keys that nobody can name.</summary>
    Sort,

    /// <summary>MIGRATE: the third argument, or those behind KEYS.</summary>
    Migrate,
}

/// <summary>How the replies of a command that a cluster splits are joined.</summary>
public enum RedisJoin
{
    /// <summary>It is not split.</summary>
    None,

    /// <summary>One array of all elements: MGET.</summary>
    Array,

    /// <summary>The sum of numbers: DEL, EXISTS.</summary>
    Sum,

    /// <summary>OK when all are: MSET.</summary>
    Status,
}

/// <summary>A command, or a subcommand of one.</summary>
public sealed class RedisCommand
{
    private const int Shapes = 8;
    private readonly ImmutableArray<string> _shapes;

    internal RedisCommand(string name, RedisTraits traits, RedisKeyPlace place = RedisKeyPlace.Fixed, int first = 0, int last = 0, int step = 0, RedisJoin join = RedisJoin.None)
    {
        Name = name;
        Traits = traits;
        Place = place;
        First = first;
        Last = last;
        Step = step;
        Join = join;
        Utf8Name = System.Text.Encoding.ASCII.GetBytes(name);
        _shapes = [.. Enumerable.Range(0, Shapes).Select(n => name.Replace('|', ' ') + string.Concat(Enumerable.Repeat(" ?", n)))];
        LongShape = name.Replace('|', ' ') + " ? ...";
    }

    /// <summary>Its name in capitals, with its subcommand behind a bar: CLIENT|KILL.</summary>
    public string Name { get; }

    /// <summary>What is known of it.</summary>
    public RedisTraits Traits { get; }

    /// <summary>Where its keys stand.</summary>
    public RedisKeyPlace Place { get; }

    /// <summary>The first key's argument, or the count's; zero for none.</summary>
    public int First { get; }

    /// <summary>The last key's argument; negative counts from the end.</summary>
    public int Last { get; }

    /// <summary>From key to key.</summary>
    public int Step { get; }

    /// <summary>How a cluster's replies to its parts are joined.</summary>
    public RedisJoin Join { get; }

    /// <summary>Its subcommands by name; null when it has none that differ.</summary>
    internal Dictionary<string, RedisCommand>? Subcommands { get; set; }

    /// <summary>The name before the bar.</summary>
    internal byte[] Utf8Name { get; }

    private string LongShape { get; }

    /// <summary>Whether it has a trait.</summary>
    /// <param name="trait">The trait.</param>
    public bool Is(RedisTraits trait) => (Traits & trait) != 0;

    /// <summary>Its shape, data left out: "SET ? ?", "MGET ? ...".</summary>
    /// <param name="arguments">Arguments, the name included.</param>
    public string Shape(int arguments)
    {
        int data = arguments - (Name.Contains('|', StringComparison.Ordinal) ? 2 : 1);
        return data < 0 ? _shapes[0] : data < Shapes ? _shapes[data] : LongShape;
    }
}
