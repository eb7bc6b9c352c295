using System.Text;

namespace ArticDbm.Protocols.Redis;

/// <summary>Every command of Redis up to 7.4, found by name without allocation; what is not among them is <see cref="Unknown"/>.</summary>
public static partial class RedisCommands
{
    /// <summary>A power of two, four times the commands: most are found at the first look.</summary>
    private const int Slots = 1024;
    private static readonly RedisCommand?[] s_table = new RedisCommand?[Slots];

    static RedisCommands()
    {
        foreach (string line in Table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)) Add(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Ping = Of("PING");
    }

    /// <summary>A command that is not known.</summary>
    public static RedisCommand Unknown { get; } = new("(unknown)", RedisTraits.Admin | RedisTraits.Unknown);

    /// <summary>PING.</summary>
    public static RedisCommand Ping { get; }

    /// <summary>All that are known, subcommands apart.</summary>
    public static IEnumerable<RedisCommand> All => s_table.OfType<RedisCommand>();

    /// <summary>Finds a command.</summary>
    /// <param name="name">Its name, in any case.</param>
    public static RedisCommand Find(ReadOnlySpan<byte> name)
    {
        for (uint at = Hash(name); s_table[at & (Slots - 1)] is { } command; at++)
        {
            if (Ascii.EqualsIgnoreCase(name, command.Utf8Name)) return command;
        }

        return Unknown;
    }

    /// <summary>The subcommand's own entry, where it differs from the command's.</summary>
    /// <param name="command">The command.</param>
    /// <param name="subcommand">Its second word.</param>
    public static RedisCommand Narrow(RedisCommand command, ReadOnlySpan<byte> subcommand)
    {
        if (command.Subcommands is not { } known || subcommand.Length > 32) return command;
        return known.GetValueOrDefault(Encoding.Latin1.GetString(subcommand).ToUpperInvariant()) ?? command;
    }

    private static RedisCommand Of(string name) => Find(Encoding.ASCII.GetBytes(name));

    private static uint Hash(ReadOnlySpan<byte> name)
    {
        // Letters of either case look alike with this bit set.
        uint hash = (uint)name.Length * 0x9E3779B1;
        for (int i = 0; i < name.Length && i < 24; i++) hash = (hash ^ (uint)(name[i] | 0x20)) * 0x01000193;
        return hash ^ (hash >> 15);
    }

    private static void Add(string[] words)
    {
        RedisTraits traits = RedisTraits.None;
        RedisJoin join = RedisJoin.None;
        foreach (char flag in words[1])
        {
            (RedisTraits trait, RedisJoin joined) = flag switch
            {
                'r' => (RedisTraits.Read, RedisJoin.None),
                'w' => (RedisTraits.Write, RedisJoin.None),
                'a' => (RedisTraits.Admin, RedisJoin.None),
                's' => (RedisTraits.Scripting, RedisJoin.None),
                'k' => (RedisTraits.AllKeys, RedisJoin.None),
                'b' => (RedisTraits.Blocking, RedisJoin.None),
                'q' => (RedisTraits.BlocksWhenAsked, RedisJoin.None),
                'p' => (RedisTraits.PubSub, RedisJoin.None),
                'c' => (RedisTraits.Channels, RedisJoin.None),
                'g' => (RedisTraits.Patterns, RedisJoin.None),
                'o' => (RedisTraits.Own, RedisJoin.None),
                't' => (RedisTraits.Transaction, RedisJoin.None),
                '[' => (RedisTraits.None, RedisJoin.Array),
                '+' => (RedisTraits.None, RedisJoin.Sum),
                '&' => (RedisTraits.None, RedisJoin.Status),
                _ => (RedisTraits.None, RedisJoin.None),
            };
            traits |= trait;
            if (joined != RedisJoin.None) join = joined;
        }

        RedisKeyPlace place = words.Length < 3 || char.IsAsciiDigit(words[2][0]) ? RedisKeyPlace.Fixed : Enum.Parse<RedisKeyPlace>(words[2]);
        int[] numbers = [.. words.Skip(place == RedisKeyPlace.Fixed ? 2 : 3).Select(w => int.Parse(w, System.Globalization.CultureInfo.InvariantCulture)), 0, 0, 0];
        int first = numbers[0], last = words.Length > 3 && place == RedisKeyPlace.Fixed ? numbers[1] : first, step = words.Length > 4 && place == RedisKeyPlace.Fixed ? numbers[2] : 1;
        var command = new RedisCommand(words[0], traits, place, first, last, step, join);
        int bar = words[0].IndexOf('|', StringComparison.Ordinal);
        if (bar >= 0)
        {
            RedisCommand parent = Of(words[0][..bar]);
            (parent.Subcommands ??= new Dictionary<string, RedisCommand>(StringComparer.Ordinal))[words[0][(bar + 1)..]] = command;
            return;
        }

        uint at = Hash(command.Utf8Name);
        while (s_table[at & (Slots - 1)] is not null) at++;
        s_table[at & (Slots - 1)] = command;
    }
}
