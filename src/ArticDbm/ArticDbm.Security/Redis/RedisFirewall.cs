using System.Buffers;
using System.Collections.Immutable;

namespace ArticDbm.Security;

/// <summary>The firewall's rules for Redis: what they find in a command is a set of bits, one for each of <see cref="Rules"/>. One pass over each text, no allocation.</summary>
public static class RedisFirewall
{
    private static readonly SearchValues<byte> s_plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"u8);

    /// <summary>Words that begin a command which whoever smuggles one in would want.</summary>
    private static readonly byte[][] s_wanted =
    [
        [.. "SET "u8], [.. "DEL "u8], [.. "GET "u8], [.. "CONFIG "u8], [.. "FLUSHALL"u8], [.. "FLUSHDB"u8], [.. "SLAVEOF "u8], [.. "REPLICAOF "u8], [.. "EVAL "u8], [.. "MODULE "u8], [.. "SHUTDOWN"u8],
        [.. "KEYS "u8], [.. "SAVE"u8], [.. "DEBUG "u8], [.. "MIGRATE "u8], [.. "AUTH "u8], [.. "SELECT "u8],
    ];

    /// <summary>The rules, in the order of their bits.</summary>
    public static ImmutableArray<FirewallRule> Rules { get; } =
    [
        FirewallRules.CrossProtocol, FirewallRules.ArgumentSmuggling, FirewallRules.RespSmuggling, FirewallRules.RespInValue, FirewallRules.KeyLineBreak, FirewallRules.InlineCommand,
        FirewallRules.ScriptEscape, FirewallRules.ScriptDangerous, FirewallRules.ScriptTruncation, FirewallRules.ScriptLiterals, FirewallRules.ScriptComputed,
    ];

    /// <summary>The rule of <see cref="IsHttp"/>.</summary>
    public static FirewallRule CrossProtocol => FirewallRules.CrossProtocol;

    /// <summary>The bit of a rule.</summary>
    /// <param name="rule">One of <see cref="Rules"/>.</param>
    public static uint Bit(FirewallRule rule) => 1u << Rules.IndexOf(rule);

    /// <summary>The bit of <c>script-dangerous</c>, which does not hold for those who may call such commands anyway.</summary>
    public static uint Dangerous { get; } = Bit(FirewallRules.ScriptDangerous);

    /// <summary>The bit of <c>inline-command</c>.</summary>
    public static uint Inline { get; } = Bit(FirewallRules.InlineCommand);

    /// <summary>Whether the first word of a line is an HTTP request's, sent to a Redis by a browser or a server that was tricked.</summary>
    /// <param name="word">The word.</param>
    public static bool IsHttp(ReadOnlySpan<byte> word) =>
        word.Length is >= 3 and <= 16 && (System.Text.Ascii.EqualsIgnoreCase(word, "POST"u8) || System.Text.Ascii.EqualsIgnoreCase(word, "Host:"u8) || word.SequenceEqual("PUT"u8) || word.SequenceEqual("HEAD"u8)
        || word.SequenceEqual("OPTIONS"u8) || word.SequenceEqual("CONNECT"u8) || word.SequenceEqual("PATCH"u8));

    /// <summary>What is found in a command's name.</summary>
    /// <param name="name">The name.</param>
    public static uint Name(ReadOnlySpan<byte> name) => name.IndexOfAnyExcept(s_plain) >= 0 ? s_argumentSmuggling : 0;

    /// <summary>What is found in a key.</summary>
    /// <param name="key">The key.</param>
    public static uint Key(ReadOnlySpan<byte> key)
    {
        int at = key.IndexOfAny((byte)'\n', (byte)'\r');
        if (at < 0) return 0;
        return s_keyLineBreak | (HoldsCommand(key[at..]) ? s_respSmuggling : 0);
    }

    /// <summary>What is found in another argument.</summary>
    /// <param name="value">The argument; its first 4 KiB are looked at.</param>
    public static uint Value(ReadOnlySpan<byte> value)
    {
        if (value.Length < 8) return 0;
        if (value.Length > MostOfValue) value = value[..MostOfValue];
        int at = value.IndexOf((byte)'\n');
        return at >= 0 && HoldsCommand(value[at..]) ? s_respInValue : 0;
    }

    /// <summary>What is found in a script.</summary>
    /// <param name="script">The script.</param>
    public static uint Script(ReadOnlySpan<byte> script)
    {
        var reader = new LuaReader(script);
        return reader.Read();
    }

    /// <summary>A value longer than this is a document, and a command somewhere within it was not put there to be smuggled.</summary>
    private const int MostOfValue = 4096;

    private static readonly uint s_argumentSmuggling = Bit(FirewallRules.ArgumentSmuggling), s_respSmuggling = Bit(FirewallRules.RespSmuggling), s_respInValue = Bit(FirewallRules.RespInValue), s_keyLineBreak = Bit(FirewallRules.KeyLineBreak);

    private static bool HoldsCommand(ReadOnlySpan<byte> text)
    {
        while (true)
        {
            int at = text.IndexOf((byte)'\n');
            if (at < 0) return false;
            text = text[(at + 1)..];
            if (IsFrame(text)) return true;
            foreach (byte[] word in s_wanted)
            {
                if (text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word)) return true;
            }
        }
    }

    /// <summary>"*3\r\n$": the head of a command.</summary>
    private static bool IsFrame(ReadOnlySpan<byte> text)
    {
        if (text.Length < 5 || text[0] != (byte)'*') return false;
        int digits = 1;
        while (digits < text.Length && digits < 8 && char.IsAsciiDigit((char)text[digits])) digits++;
        return digits > 1 && text.Length > digits + 2 && text[digits] == (byte)'\r' && text[digits + 1] == (byte)'\n' && text[digits + 2] == (byte)'$';
    }
}
