using System.Text;

namespace ArticDbm.Security;

/// <summary>
/// Reads a script of Redis' as far as the firewall asks: names, texts and comments of Lua 5.1 (reference manual, section 2.1), in one pass. What is found are bits of
/// <see cref="RedisFirewall.Rules"/>.
/// </summary>
internal ref struct LuaReader(ReadOnlySpan<byte> script)
{
    private static readonly uint
        s_escape = RedisFirewall.Bit(FirewallRules.ScriptEscape), s_dangerous = RedisFirewall.Bit(FirewallRules.ScriptDangerous), s_truncation = RedisFirewall.Bit(FirewallRules.ScriptTruncation),
        s_literals = RedisFirewall.Bit(FirewallRules.ScriptLiterals), s_computed = RedisFirewall.Bit(FirewallRules.ScriptComputed);

    /// <summary>Functions that make code of text or reach beneath the sandbox, when they are called.</summary>
    private static readonly byte[][] s_calls =
    [
        [.. "loadstring"u8], [.. "load"u8], [.. "loadfile"u8], [.. "dofile"u8], [.. "require"u8], [.. "getfenv"u8], [.. "setfenv"u8], [.. "getmetatable"u8], [.. "rawset"u8], [.. "newproxy"u8],
        [.. "collectgarbage"u8],
    ];

    /// <summary>Libraries that a script has no business with.</summary>
    private static readonly byte[][] s_libraries = [[.. "package"u8], [.. "io"u8], [.. "os"u8], [.. "debug"u8]];

    private static readonly byte[][] s_commands =
    [
        [.. "flushdb"u8], [.. "flushall"u8], [.. "shutdown"u8], [.. "debug"u8], [.. "config"u8], [.. "client"u8], [.. "monitor"u8], [.. "sync"u8], [.. "psync"u8], [.. "replconf"u8], [.. "script"u8],
        [.. "migrate"u8], [.. "restore"u8], [.. "cluster"u8], [.. "module"u8], [.. "acl"u8], [.. "slaveof"u8], [.. "replicaof"u8], [.. "keys"u8], [.. "save"u8], [.. "bgsave"u8], [.. "swapdb"u8], [.. "failover"u8],
    ];

    private readonly ReadOnlySpan<byte> _script = script;
    private int _at;
    private ReadOnlySpan<byte> _name, _library;
    private bool _member, _defined, _codeOnLine, _takesData, _spellsData, _called;
    private uint _found;

    public uint Read()
    {
        while (_at < _script.Length)
        {
            byte c = _script[_at];
            if (IsLetter(c)) Name();
            else if (c == (byte)'-' && Next(1) == '-') Comment();
            else if (c is (byte)'\'' or (byte)'"') Text(c);
            else if (c == (byte)'[' && LongBracket(_at) is var level and >= 0) LongText(level);
            else Symbol(c);
        }

        if (_called && _spellsData && !_takesData) _found |= s_literals;
        return _found;
    }

    private readonly int Next(int ahead) => _at + ahead < _script.Length ? _script[_at + ahead] : -1;

    private void Name()
    {
        int start = _at;
        while (_at < _script.Length && (IsLetter(_script[_at]) || char.IsAsciiDigit((char)_script[_at]))) _at++;
        ReadOnlySpan<byte> name = _script[start.._at];
        bool ofLibrary = _member && (_library.SequenceEqual("redis"u8) || _library.SequenceEqual("server"u8));
        if (!_member && (name.SequenceEqual("KEYS"u8) || name.SequenceEqual("ARGV"u8))) _takesData = true;
        if (_member && _library.SequenceEqual("string"u8) && name.SequenceEqual("dump"u8)) _found |= s_escape;
        if (_member && IsOneOf(_library, s_libraries) && !(_library.SequenceEqual("os"u8) && (name.SequenceEqual("clock"u8) || name.SequenceEqual("time"u8) || name.SequenceEqual("date"u8)))) _found |= s_escape;
        int next = Blank(_at);
        bool called = next < _script.Length && _script[next] is (byte)'(' or (byte)'\'' or (byte)'"' or (byte)'[';
        if (!_member && !_defined && called && _script[next] != (byte)'[' && IsOneOf(name, s_calls)) _found |= s_escape;
        _codeOnLine = true;
        if (ofLibrary && called && (name.SequenceEqual("call"u8) || name.SequenceEqual("pcall"u8)))
        {
            _at = next;
            Call();
            _library = default;
            _member = false;
            return;
        }

        _defined = name.SequenceEqual("function"u8) || name.SequenceEqual("local"u8);
        _library = _member ? default : name;
        _name = name;
        _member = false;
    }

    /// <summary>redis.call: which command, and whether its data are spelled out.</summary>
    private void Call()
    {
        _called = true;
        int at = _at;
        if (_script[at] == (byte)'(') at = Blank(at + 1);
        if (at >= _script.Length) return;
        if (_script[at] is not ((byte)'\'' or (byte)'"'))
        {
            if (LongBracket(at) < 0) _found |= s_computed;
            if (_script[_at] == (byte)'(') _at++;
            return;
        }

        byte quote = _script[at];
        int end = at + 1;
        while (end < _script.Length && _script[end] != quote && _script[end] != (byte)'\n') end++;
        ReadOnlySpan<byte> command = _script[(at + 1)..end];

        // An escape within the name hides it; so does a text that goes on with "..".
        int behind = Blank(Math.Min(end + 1, _script.Length));
        if (command.Contains((byte)'\\') || (behind + 1 < _script.Length && _script[behind] == (byte)'.' && _script[behind + 1] == (byte)'.')) _found |= s_computed;
        else if (IsOneOf(command, s_commands)) _found |= s_dangerous;
        if (behind < _script.Length && _script[behind] == (byte)',')
        {
            int first = Blank(behind + 1);
            if (first < _script.Length && (_script[first] is (byte)'\'' or (byte)'"' || char.IsAsciiDigit((char)_script[first]))) _spellsData = true;
        }

        _at = Math.Min(end + 1, _script.Length);
    }

    private void Text(byte quote)
    {
        _at++;
        while (_at < _script.Length && _script[_at] != quote && _script[_at] != (byte)'\n')
        {
            if (_script[_at] == (byte)'\\') _at++;
            _at++;
        }

        _at = Math.Min(_at + 1, _script.Length);
        _codeOnLine = true;
        Forget();
    }

    private void LongText(int level)
    {
        _at += level + 2;
        SkipLong(level);
        _codeOnLine = true;
        Forget();
    }

    private void Comment()
    {
        _at += 2;
        if (_at < _script.Length && _script[_at] == (byte)'[' && LongBracket(_at) is var level and >= 0)
        {
            _at += level + 2;
            SkipLong(level);
            return;
        }

        int length = _script[_at..].IndexOf((byte)'\n');
        ReadOnlySpan<byte> comment = length < 0 ? _script[_at..] : _script.Slice(_at, length);
        _at += comment.Length;
        if (_codeOnLine && CutsOff(comment)) _found |= s_truncation;
    }

    /// <summary>What stood behind the attacker's value: it begins with the quote or parenthesis that was to close it.</summary>
    private static bool CutsOff(ReadOnlySpan<byte> comment)
    {
        comment = comment.Trim(" \t\r"u8);
        if (comment.IsEmpty) return false;
        return comment[0] switch
        {
            (byte)'\'' => (comment.Count((byte)'\'') & 1) == 1,
            (byte)'"' => (comment.Count((byte)'"') & 1) == 1,
            (byte)')' or (byte)']' or (byte)',' => true,
            _ => false,
        };
    }

    private void Symbol(byte c)
    {
        if (c == (byte)'\n') _codeOnLine = false;
        else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r')) _codeOnLine = true;
        if (c is (byte)'.' or (byte)':' && Next(1) != '.')
        {
            _member = true;
        }
        else if (c is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
        {
            // _G["loadstring"] and its like.
            if (c == (byte)'[' && _name.SequenceEqual("_G"u8)) _found |= s_escape;
            Forget();
        }

        _at++;
        if (c == (byte)'.' && _at < _script.Length && _script[_at] == (byte)'.')
        {
            Forget();
            while (_at < _script.Length && _script[_at] == (byte)'.') _at++;
        }
    }

    private void Forget()
    {
        _library = default;
        _name = default;
        _member = false;
        _defined = false;
    }

    private readonly int Blank(int at)
    {
        while (at < _script.Length && _script[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') at++;
        return at;
    }

    /// <summary>The level of a long bracket ("[", signs of equality, "["), or a negative number.</summary>
    private readonly int LongBracket(int at)
    {
        if (at >= _script.Length || _script[at] != (byte)'[') return -1;
        int end = at + 1;
        while (end < _script.Length && _script[end] == (byte)'=') end++;
        return end < _script.Length && _script[end] == (byte)'[' ? end - at - 1 : -1;
    }

    private void SkipLong(int level)
    {
        while (_at < _script.Length)
        {
            int close = _script[_at..].IndexOf((byte)']');
            if (close < 0)
            {
                _at = _script.Length;
                return;
            }

            _at += close + 1;
            int end = _at;
            while (end < _script.Length && end - _at < level && _script[end] == (byte)'=') end++;
            if (end - _at != level || end >= _script.Length || _script[end] != (byte)']') continue;
            _at = end + 1;
            return;
        }
    }

    private static bool IsOneOf(ReadOnlySpan<byte> name, byte[][] names)
    {
        if (name.IsEmpty) return false;
        foreach (byte[] one in names)
        {
            if (Ascii.EqualsIgnoreCase(name, one)) return true;
        }

        return false;
    }

    private static bool IsLetter(byte c) => char.IsAsciiLetter((char)c) || c == (byte)'_';
}
