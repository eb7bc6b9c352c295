using System.Buffers;

namespace ArticDbm.Security.Caching;

/// <summary>
/// Folds whole numbers that are compared with a name (<c>WHERE aid = 4711</c>) out of a statement's text, so that texts which differ in nothing else are read once. It reads bytes and not tokens, and therefore
/// refuses every text in which a byte could mean something else: quotes, comments, escapes, anything beyond ASCII, a second statement, a statement that is not about rows (SET takes numbers to heart). Which number stands there never changes what such a statement does;
/// the cache keeps only shapes in which no rule found anything.
/// </summary>
internal static class StatementShape
{
    /// <summary>Longer texts are not folded: they have quotes or are loads.</summary>
    public const int MaxText = 512;

    /// <summary>Stands for a number; no text that is folded contains it.</summary>
    private const byte Mark = 1;

    /// <summary>Digits of a number that is folded: longer ones may be at the edge of what servers count with, which rules look at.</summary>
    private const int MaxDigits = 18;

    private static readonly SearchValues<byte> s_refused = SearchValues.Create([.. Enumerable.Range(0, 256).Select(b => (byte)b).Where(b => b >= 0x7F || (b < 0x20 && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r')) || "'\"`$\\#".Contains((char)b, StringComparison.Ordinal))]);

    /// <summary>Folds a text.</summary>
    /// <param name="text">At most <see cref="MaxText"/> bytes.</param>
    /// <param name="shape">Where to; as long as the text.</param>
    /// <returns>The length of the shape; 0 when there is nothing to fold, or the text is not of the kind that can be.</returns>
    public static int Fold(ReadOnlySpan<byte> text, Span<byte> shape)
    {
        if (text.IndexOfAny(s_refused) >= 0 || text.IndexOf("--"u8) >= 0 || text.IndexOf("/*"u8) >= 0 || !IsAboutRows(text)) return 0;
        int length = 0, copied = 0, at = 0;
        while (true)
        {
            int op = text[at..].IndexOfAny((byte)'=', (byte)'<', (byte)'>');
            if (op < 0) break;
            at += op;
            int start = at;
            while (at < text.Length && text[at] is (byte)'=' or (byte)'<' or (byte)'>') at++;
            int number = SkipBlanks(text, at);
            int end = number;
            while (end < text.Length && char.IsAsciiDigit((char)text[end])) end++;
            if (end == number || end - number > MaxDigits || !EndsOperand(text, end) || !IsBehindName(text, start)) continue;
            text[copied..number].CopyTo(shape[length..]);
            length += number - copied;
            shape[length++] = Mark;
            copied = at = end;
        }

        if (length == 0) return 0;
        text[copied..].CopyTo(shape[length..]);
        return length + text.Length - copied;
    }

    private static bool IsAboutRows(ReadOnlySpan<byte> text)
    {
        int semicolon = text.IndexOf((byte)';');
        if (semicolon >= 0 && SkipBlanks(text, semicolon + 1) < text.Length) return false;
        ReadOnlySpan<byte> word = text[SkipBlanks(text, 0)..];
        return Begins(word, "select"u8) || Begins(word, "update"u8) || Begins(word, "delete"u8) || Begins(word, "insert"u8) || Begins(word, "with"u8);
    }

    private static int SkipBlanks(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') at++;
        return at;
    }

    /// <summary>Whether nothing behind a number belongs to it: no operator, no fraction, no further condition on it.</summary>
    private static bool EndsOperand(ReadOnlySpan<byte> text, int end)
    {
        int next = SkipBlanks(text, end);
        if (next == text.Length) return true;
        if (text[next] is (byte)';' or (byte)')' or (byte)',') return true;
        if (next == end) return false;
        ReadOnlySpan<byte> word = text[next..];
        return Begins(word, "and"u8) || Begins(word, "or"u8) || Begins(word, "order"u8) || Begins(word, "group"u8) || Begins(word, "limit"u8) || Begins(word, "for"u8) || Begins(word, "where"u8) || Begins(word, "returning"u8);
    }

    private static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length > word.Length && text[word.Length] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);

    /// <summary>Whether the operand before an operator is a name, and no constant that is spelt as one.</summary>
    private static bool IsBehindName(ReadOnlySpan<byte> text, int op)
    {
        int end = op;
        while (end > 0 && text[end - 1] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') end--;
        int start = end;
        while (start > 0 && (char.IsAsciiLetterOrDigit((char)text[start - 1]) || text[start - 1] == (byte)'_')) start--;
        ReadOnlySpan<byte> name = text[start..end];
        if (name.IsEmpty || char.IsAsciiDigit((char)name[0])) return false;
        return !System.Text.Ascii.EqualsIgnoreCase(name, "true"u8) && !System.Text.Ascii.EqualsIgnoreCase(name, "false"u8) && !System.Text.Ascii.EqualsIgnoreCase(name, "null"u8);
    }
}
