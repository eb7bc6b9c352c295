using System.Collections.Frozen;
using System.Text;

namespace ArticDbm.Proxy.Postgres;

/// <summary>Session settings: which of them servers tell of, and how those that a client wants are put on a server connection that it is lent.</summary>
internal static class PgSettings
{
    private const int MaxName = 63;

    /// <summary>Settings that every server since PostgreSQL 9 tells of when they change (GUC_REPORT), by their name in lower case: what a session sets of these is known and can be set again.</summary>
    public static FrozenDictionary<string, string> Reported { get; } = new[]
    {
        "client_encoding", "DateStyle", "TimeZone", "IntervalStyle", "application_name", "standard_conforming_strings",
    }.ToFrozenDictionary(n => n.ToLowerInvariant(), n => n, StringComparer.Ordinal);

    /// <summary>Whether a text can be the name of a setting: letters, digits, underscores, and dots between.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= MaxName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.') && !char.IsAsciiDigit(name[0]);

    /// <summary>Reads the parameter <c>options</c>: <c>-c name=value</c> and <c>--name=value</c>, with backslashes before spaces.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? ParseOptions(string text, WantedSettings into)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length) word.Append(text[++i]);
            else if (char.IsWhiteSpace(text[i]))
            {
                if (word.Length > 0) words.Add(word.ToString());
                word.Clear();
            }
            else word.Append(text[i]);
        }

        if (word.Length > 0) words.Add(word.ToString());
        for (int i = 0; i < words.Count; i++)
        {
            string setting = words[i] == "-c" && i + 1 < words.Count ? words[++i] : words[i].StartsWith("-c", StringComparison.Ordinal) || words[i].StartsWith("--", StringComparison.Ordinal) ? words[i][2..] : "";
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            string name = equals > 0 ? setting[..equals].Replace('-', '_') : "";
            if (!IsName(name)) return $"The option \"{words[i]}\" is not let through; write -c name=value.";
            into.Set(name, setting[(equals + 1)..]);
        }

        return null;
    }

    /// <summary>The statements that turn a server's settings into those that a session wants; null when they are so already.</summary>
    public static string? Difference(PgServer server, IReadOnlyDictionary<string, string> wanted, IReadOnlyDictionary<string, string> usual)
    {
        StringBuilder? sql = null;
        foreach ((string name, string value) in wanted)
        {
            string? now = server.Reported.TryGetValue(name, out string? told) ? told : server.Applied.GetValueOrDefault(name);
            if (now != value) (sql ??= new StringBuilder()).Append("SET ").Append(Quoted(name)).Append(" TO E'").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)).Append("';");
        }

        // What others have set and this session does not want goes back to what it was.
        foreach (string name in server.Applied.Keys)
        {
            if (!wanted.ContainsKey(name)) (sql ??= new StringBuilder()).Append("RESET ").Append(Quoted(name)).Append(';');
        }

        // Others that servers tell of (in_hot_standby, server_version, is_superuser) are facts of the server and nobody's to set.
        foreach (string name in Reported.Values)
        {
            if (server.Reported.TryGetValue(name, out string? value) && !wanted.ContainsKey(name) && usual.TryGetValue(name, out string? first) && first != value) (sql ??= new StringBuilder()).Append("RESET ").Append(Quoted(name)).Append(';');
        }

        return sql?.ToString();
    }

    /// <summary>The setting that a plain <c>SET name</c> names, when it is one that servers tell of; else null.</summary>
    public static string? ReportedName(ReadOnlySpan<byte> sql)
    {
        Span<char> text = stackalloc char[96];
        int length = Math.Min(sql.Length, text.Length);
        for (int i = 0; i < length; i++) text[i] = (char)sql[i];
        ReadOnlySpan<char> rest = text[..length].TrimStart();
        foreach (string word in new[] { "SET ", "SESSION " })
        {
            if (rest.StartsWith(word, StringComparison.OrdinalIgnoreCase)) rest = rest[word.Length..].TrimStart();
            else if (word == "SET ") return null;
        }

        if (rest.StartsWith("TIME ZONE", StringComparison.OrdinalIgnoreCase)) return "TimeZone";
        if (rest.StartsWith("NAMES", StringComparison.OrdinalIgnoreCase)) return "client_encoding";
        int end = 0;
        while (end < rest.Length && (char.IsAsciiLetterOrDigit(rest[end]) || rest[end] == '_')) end++;
        return Reported.GetValueOrDefault(rest[..end].ToString().ToLowerInvariant());
    }

    /// <summary>Parts between dots stay parts.</summary>
    private static string Quoted(string name) => string.Join('.', name.Split('.').Select(p => $"\"{p.ToLowerInvariant()}\""));
}
