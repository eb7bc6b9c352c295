using System.Buffers;

namespace ArticDbm.Security.Rules;

/// <summary>
/// What a text would be if it left its quotes: set into a template as an attacker would have it, and read. A text that is nothing there is data, whatever words are in it.
/// </summary>
internal static class LiteralProbe
{
    /// <summary>Longer texts are looked at to here: a probe is short, and time is bounded.</summary>
    public const int MaxLength = 2048;

    private static readonly SearchValues<byte> s_signs = SearchValues.Create("'\"`#;-(=|&<>/"u8);

    /// <summary>Whether a text is a probe.</summary>
    public static bool Finds(SqlDialect dialect, ReadOnlySpan<byte> text)
    {
        if (text.Length > MaxLength) text = text[..MaxLength];
        if (text.Length < 5 || text.IndexOfAny(s_signs) < 0) return false;
        bool single = text.IndexOf((byte)'\'') >= 0, twice = text.IndexOf((byte)'"') >= 0;
        if (single && (Judged(dialect, "SELECT a FROM t WHERE b = '"u8, text, "'"u8) || Judged(dialect, "SELECT a FROM t WHERE (b = '"u8, text, "')"u8))) return true;
        if (twice && dialect == SqlDialect.MySql && Judged(dialect, "SELECT a FROM t WHERE b = \""u8, text, "\""u8)) return true;
        return !single && !twice && IsNumberLike(text) && (Judged(dialect, "SELECT a FROM t WHERE b = "u8, text, ""u8) || Judged(dialect, "SELECT a FROM t WHERE (b = "u8, text, ")"u8));
    }

    /// <summary>A text that would go on where a number stands.</summary>
    private static bool IsNumberLike(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart((byte)' ');
        return text.Length > 0 && (char.IsAsciiDigit((char)text[0]) || text[0] is (byte)'-' or (byte)')' or (byte)'(');
    }

    private static bool Judged(SqlDialect dialect, ReadOnlySpan<byte> before, ReadOnlySpan<byte> text, ReadOnlySpan<byte> behind)
    {
        byte[] spliced = ArrayPool<byte>.Shared.Rent(before.Length + text.Length + behind.Length);
        before.CopyTo(spliced);
        text.CopyTo(spliced.AsSpan(before.Length));
        behind.CopyTo(spliced.AsSpan(before.Length + text.Length));
        StatementReport report = StatementReader.Read(dialect, spliced.AsSpan(0, before.Length + text.Length + behind.Length), SqlQuoting.Usual, withLiterals: false);
        ArrayPool<byte>.Shared.Return(spliced);
        foreach (RuleHit hit in report.Hits)
        {
            // A quote out of place is in every second JSON text.
            if (hit.Rule.Grade == RuleGrade.Attack && hit.Rule != FirewallRules.OddLiteral && hit.Offset >= before.Length - 1) return true;
        }

        return false;
    }
}
