using System.Globalization;
using System.Text;

namespace ArticDbm.Security.Lexing;

/// <summary>What a name means to the engine.</summary>
internal static class NameText
{
    /// <summary>PostgreSQL cuts names at NAMEDATALEN - 1 bytes: a longer one is another spelling of the short one.</summary>
    private const int PostgresMaxBytes = 63;

    /// <summary>A name as the engine folds it: PostgreSQL lowers what is not quoted; the others keep it.</summary>
    public static string Fold(ReadOnlySpan<byte> text, in Token token, SqlDialect dialect)
    {
        ReadOnlySpan<byte> content = text.Slice(token.ContentStart, token.ContentLength);
        string name = token.Flags.HasFlag(TokenFlags.UnicodeEscapes) ? UnicodeEscapes(content) : Encoding.UTF8.GetString(content);
        if (token.Kind == TokenKind.QuotedName && token.Flags.HasFlag(TokenFlags.Escaped))
        {
            string quote = text[token.ContentStart - 1] switch { (byte)'[' => "]", (byte)'`' => "`", _ => "\"" };
            name = name.Replace(quote + quote, quote, StringComparison.Ordinal);
        }

        if (dialect != SqlDialect.PostgreSql) return name;
        if (token.Kind == TokenKind.Word) name = LowerAscii(name);
        return Encoding.UTF8.GetByteCount(name) <= PostgresMaxBytes ? name : Cut(name);
    }

    /// <summary><c>\0041</c>, <c>\+000041</c> and <c>\\</c> of U&amp; names and strings (PostgreSQL 4.1.2.3), with the usual escape character.</summary>
    public static string UnicodeEscapes(ReadOnlySpan<byte> content)
    {
        var result = new StringBuilder();
        string text = Encoding.UTF8.GetString(content);
        for (int i = 0; i < text.Length; i++)
        {
            int digits = text[i] != '\\' ? 0 : i + 1 < text.Length && text[i + 1] == '+' ? 6 : 4, from = i + (digits == 6 ? 2 : 1);
            if (digits > 0 && from + digits <= text.Length && int.TryParse(text.AsSpan(from, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code))
            {
                result.Append(new Rune(code));
                i = from + digits - 1;
            }
            else
            {
                if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] == '\\') i++;
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    private static string LowerAscii(string name) => string.Create(name.Length, name, static (to, from) =>
    {
        for (int i = 0; i < from.Length; i++) to[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
    });

    private static string Cut(string name)
    {
        int bytes = 0, length = 0;
        foreach (Rune rune in name.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > PostgresMaxBytes) break;
            length += rune.Utf16SequenceLength;
        }

        return name[..length];
    }
}
