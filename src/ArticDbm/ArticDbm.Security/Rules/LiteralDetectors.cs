using System.Buffers;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>What literals contain: data, and at most reported.</summary>
internal static class LiteralDetectors
{
    /// <summary>Literals looked at: a form has tens of fields, a load has thousands of rows, which are data.</summary>
    private const int MaxLiterals = 64;

    private static readonly SearchValues<byte> s_shell = SearchValues.Create(";|&`$\n"u8);

    private static readonly WordTable<bool> s_commands = new(new[]
    {
        "cat", "ls", "id", "whoami", "uname", "wget", "curl", "nc", "ncat", "netcat", "bash", "sh", "zsh", "python", "python3", "perl", "ruby", "php", "rm", "chmod", "chown", "kill", "ping", "nslookup", "dig", "ifconfig",
        "ipconfig", "net", "cmd", "powershell", "certutil", "reg", "sleep", "echo", "touch", "tftp", "ssh", "scp", "telnet", "sudo", "ps", "env", "printenv", "base64", "find", "type", "dir", "systeminfo", "tasklist",
    }.Select(w => KeyValuePair.Create(w, true)));

    public static void Run(in DetectorContext c, ref HitList hits)
    {
        int looked = 0;
        for (int i = 0; i < c.Tokens.Length && looked < MaxLiterals; i++)
        {
            ref readonly Token token = ref c.Tokens[i];
            if (token.Kind != TokenKind.String || token.ContentLength < 5 || (token.Flags & TokenFlags.DollarQuoted) != 0) continue;
            looked++;
            ReadOnlySpan<byte> content = c.Bytes(i);
            if (IsShell(content)) hits.Add(FirewallRules.ShellFragment, token.Start);
            bool stored = token.Clause is Clause.Values or Clause.Set;
            if (hits.Has(stored ? FirewallRules.StoredProbe : FirewallRules.LiteralProbe) || !Probes(c, token, content)) continue;
            hits.Add(stored ? FirewallRules.StoredProbe : FirewallRules.LiteralProbe, token.Start);
        }
    }

    /// <summary>A separator of a shell, and a command right behind it; or a command in the place of another.</summary>
    public static bool IsShell(ReadOnlySpan<byte> text)
    {
        for (int i = text.IndexOfAny(s_shell); i >= 0 && i < LiteralProbe.MaxLength;)
        {
            int at = i + 1;
            while (at < text.Length && text[at] is (byte)' ' or (byte)'&' or (byte)'|' or (byte)'(') at++;
            int path = at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit((char)text[at]) || text[at] is (byte)'/' or (byte)'_' or (byte)'.')) at++;
            ReadOnlySpan<byte> word = text[path..at];
            word = word[(word.LastIndexOf((byte)'/') + 1)..];
            bool ends = at >= text.Length || text[at] is (byte)' ' or (byte)';' or (byte)'|' or (byte)'&' or (byte)'`' or (byte)')' or (byte)'\n' or (byte)'$';
            if (ends && word.Length > 0 && s_commands.TryGet(word, out _) && (text[i] != '&' || at < text.Length || text[path] == '/')) return true;
            int next = i + 1 < text.Length ? text[(i + 1)..].IndexOfAny(s_shell) : -1;
            i = next < 0 ? -1 : i + 1 + next;
        }

        return text.IndexOf("/bin/sh"u8) >= 0 || text.IndexOf("/etc/passwd"u8) >= 0 || text.IndexOf("cmd.exe"u8) >= 0;
    }

    private static bool Probes(in DetectorContext c, in Token token, ReadOnlySpan<byte> content)
    {
        if ((token.Flags & TokenFlags.Escaped) == 0) return LiteralProbe.Finds(c.Dialect, content);
        // As it will be once its escapes are undone: doubled quotes single, backslashes gone.
        byte[] plain = ArrayPool<byte>.Shared.Rent(Math.Min(content.Length, LiteralProbe.MaxLength));
        int length = 0;
        for (int i = 0; i < content.Length && length < Math.Min(plain.Length, LiteralProbe.MaxLength); i++)
        {
            if (content[i] == '\\' && i + 1 < content.Length && c.Dialect != SqlDialect.TSql) i++;
            else if (content[i] is (byte)'\'' or (byte)'"' && i + 1 < content.Length && content[i + 1] == content[i]) i++;
            plain[length++] = content[i];
        }

        bool found = LiteralProbe.Finds(c.Dialect, plain.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(plain);
        return found;
    }
}
