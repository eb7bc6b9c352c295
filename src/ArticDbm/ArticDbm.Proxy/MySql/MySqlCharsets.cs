using System.Collections.Frozen;

namespace ArticDbm.Proxy.MySql;

/// <summary>Collations that clients log in with, by number, and the character sets in which a quote may be the second half of a character.</summary>
internal static class MySqlCharsets
{
    private static readonly string[] s_unsafe = ["big5", "gbk", "gb18030", "sjis", "cp932"];

    private static readonly FrozenSet<byte> s_unsafeNumbers = new byte[] { 1, 13, 28, 84, 87, 88, 95, 96, 248, 249, 250 }.ToFrozenSet();

    private static readonly FrozenDictionary<byte, (string Charset, string Collation)> s_known = new Dictionary<byte, (string, string)>
    {
        [8] = ("latin1", "latin1_swedish_ci"),
        [5] = ("latin1", "latin1_german1_ci"),
        [47] = ("latin1", "latin1_bin"),
        [48] = ("latin1", "latin1_general_ci"),
        [49] = ("latin1", "latin1_general_cs"),
        [9] = ("latin2", "latin2_general_ci"),
        [11] = ("ascii", "ascii_general_ci"),
        [65] = ("ascii", "ascii_bin"),
        [63] = ("binary", "binary"),
        [33] = ("utf8", "utf8_general_ci"),
        [83] = ("utf8", "utf8_bin"),
        [192] = ("utf8", "utf8_unicode_ci"),
        [46] = ("utf8mb4", "utf8mb4_bin"),
        [224] = ("utf8mb4", "utf8mb4_unicode_ci"),
    }.ToFrozenDictionary();

    /// <summary>Whether texts of this collation can be misread: by GBK and its kin, a byte and the backslash or quote behind it are one character.</summary>
    public static bool IsUnsafe(byte collation) => s_unsafeNumbers.Contains(collation);

    /// <summary>The same, of a character set's name.</summary>
    public static bool IsUnsafe(string charset) => s_unsafe.Contains(charset, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a statement names one of them.</summary>
    public static bool NamesUnsafe(ReadOnlySpan<byte> sql)
    {
        Span<char> text = stackalloc char[512];
        if (sql.Length > text.Length) return true;
        System.Text.Encoding.Latin1.GetChars(sql, text);
        foreach (string name in s_unsafe)
        {
            if (text[..sql.Length].Contains(name, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>The settings of a client that logs in with a collation; those that are not known are served as utf8mb4, as servers serve unknown ones by their default.</summary>
    public static MySqlSettings AtLogin(byte collation) => s_known.TryGetValue(collation, out (string Charset, string Collation) known)
        ? MySqlSettings.None.With("character_set_client", known.Charset).With("character_set_connection", known.Charset).With("character_set_results", known.Charset).With("collation_connection", known.Collation)
        : MySqlSettings.None;
}
