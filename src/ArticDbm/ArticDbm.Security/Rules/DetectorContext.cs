using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>What detectors look at.</summary>
internal ref struct DetectorContext
{
    public ReadOnlySpan<byte> Text;
    public ReadOnlySpan<Token> Tokens;
    public TokenMap Map;
    public ReadOnlySpan<Comment> Comments;
    public SqlDialect Dialect;
    public LexFault Faults;
    public bool TooLarge;
    public bool IsUnreadable;
    public bool WithLiterals;
    public StatementAnalyzer Analysis;

    public readonly Token At(int i) => (uint)i < (uint)Tokens.Length ? Tokens[i] : default;

    public readonly ReadOnlySpan<byte> Bytes(int i) => (uint)i < (uint)Tokens.Length ? Text.Slice(Tokens[i].ContentStart, Tokens[i].ContentLength) : default;

    public readonly bool Is(int i, ReadOnlySpan<byte> word) => At(i).IsName && System.Text.Ascii.EqualsIgnoreCase(Bytes(i), word);

    public readonly int Offset(int i) => At(i).Start;

    /// <summary>What is known of the function that is called at a name; none when it is no call.</summary>
    public readonly FunctionKind CallAt(int i)
    {
        if (!At(i).IsName) return FunctionKind.None;
        if (At(i + 1).Kind == TokenKind.Open) return Functions.Find(Bytes(i));
        // dbms_pipe.receive_message(...): the package is what is known.
        return At(i + 1).Kind == TokenKind.Dot && At(i + 2).IsName && At(i + 3).Kind == TokenKind.Open ? Functions.Find(Bytes(i)) & (FunctionKind.Delay | FunctionKind.Callout | FunctionKind.FileRead | FunctionKind.RunsText) : FunctionKind.None;
    }

    /// <summary>Whether a sub-select, or a function of some kind, stands between two tokens. Looks at 400 tokens at most.</summary>
    public readonly bool Contains(int from, int to, bool select, FunctionKind kinds)
    {
        from = Math.Max(0, from);
        to = Math.Min(Math.Min(to, Tokens.Length), from + 400);
        for (int i = from; i < to; i++)
        {
            if (select && Tokens[i].Word == Keyword.Select) return true;
            if (kinds == FunctionKind.None) continue;
            if ((kinds & FunctionKind.Fact) != 0 && (Tokens[i].Kind == TokenKind.SystemVariable || IsBareFact(i))) return true;
            if ((CallAt(i) & kinds) != 0) return true;
        }

        return false;
    }

    /// <summary>CURRENT_USER and its kin are called without parentheses.</summary>
    public readonly bool IsBareFact(int i) => At(i).Kind == TokenKind.Word && At(i - 1).Kind != TokenKind.Dot && At(i + 1).Kind != TokenKind.Dot
        && (Is(i, "current_user"u8) || Is(i, "session_user"u8) || Is(i, "system_user"u8) || Is(i, "current_catalog"u8) || Is(i, "current_role"u8));

    /// <summary>
    /// Whether a token stands in a statement behind a query in one text. A text that opens a transaction is a script, and T-SQL is sent in batches of statements: there only a text that
    /// is cut off by a comment counts.
    /// </summary>
    public readonly bool IsBehindQuery(int i)
    {
        ReadOnlySpan<int> starts = Analysis.Starts;
        for (int s = 1; s < Math.Min(starts.Length, 64) && starts[s] <= i; s++)
        {
            if (IsQuery(At(starts[s - 1]).Word)) return (Dialect != SqlDialect.TSql && IsQuery(At(starts[0]).Word)) || IsCutOff;
        }

        return false;
    }

    /// <summary>A comment stands right behind the last token, to the end of its line.</summary>
    public readonly bool IsCutOff => Comments.Length > 0 && Comments[^1] is { IsLine: true } last && last.Before >= Tokens.Length && Text[Tokens[^1].End..last.Start].IndexOf((byte)'\n') < 0;

    private static bool IsQuery(Keyword word) => word is Keyword.Select or Keyword.Insert or Keyword.Update or Keyword.Delete or Keyword.Replace or Keyword.With or Keyword.Values;
}
