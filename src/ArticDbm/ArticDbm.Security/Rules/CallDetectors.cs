using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Calls that ordinary statements do not make, or not with such arguments, or not there.</summary>
internal static class CallDetectors
{
    public static void Call(in DetectorContext c, int i, ref HitList hits)
    {
        FunctionKind kind = c.CallAt(i);
        if (kind == FunctionKind.None) return;
        int open = c.At(i + 1).Kind == TokenKind.Open ? i + 1 : i + 3, close = c.Map.Close(open), offset = c.Offset(i);
        if ((kind & FunctionKind.Delay) != 0) Delay(c, i, open, close, ref hits);
        if ((kind & FunctionKind.Program) != 0) hits.Add(FirewallRules.ProgramExecution, offset);
        Reaches(c, i, kind, ref hits);
        if ((kind & FunctionKind.ErrorText) != 0) Error(c, i, open, close, ref hits);
        if ((kind & FunctionKind.CharMaker) != 0) Spelled(c, i, open, close, ref hits);
        if ((kind & FunctionKind.Concat) != 0) Marked(c, open, close, ref hits);
        if ((kind & (FunctionKind.CharCode | FunctionKind.Slice)) != 0) Extraction(c, i, open, close, kind, ref hits);
        if ((kind & FunctionKind.Conditional) != 0) Conditional(c, i, open, close, ref hits);
        if (c.Is(i, "floor"u8) || c.Is(i, "ceil"u8) || c.Is(i, "ceiling"u8) || c.Is(i, "round"u8)) DuplicateKey(c, open, close, ref hits);
        if ((c.Is(i, "exp"u8) || c.Is(i, "pow"u8)) && c.At(open + 1).Op == Op.Tilde) hits.Add(FirewallRules.ErrorOverflow, offset);
        if (c.Is(i, "generate_series"u8) || c.Is(i, "repeat"u8) || c.Is(i, "replicate"u8) || c.Is(i, "rpad"u8) || c.Is(i, "lpad"u8)) Heavy(c, i, open, close, ref hits);
        if (c.Is(i, "cast"u8) || c.Is(i, "convert"u8) || c.Is(i, "try_cast"u8)) Cast(c, i, open, close, ref hits);
    }

    /// <summary>Files, other servers, texts: by itself a statement's purpose; within a query, behind another, or in a UNION arm, somebody else's.</summary>
    public static void Reaches(in DetectorContext c, int i, FunctionKind kind, ref HitList hits)
    {
        if ((kind & (FunctionKind.Callout | FunctionKind.FileRead | FunctionKind.FileWrite | FunctionKind.RunsText)) == 0) return;
        bool within = c.Map.IsInCondition(i) || c.IsBehindQuery(i) || (c.Map.IsNested(i) && c.Tokens[i].Clause != Clause.From && c.Analysis.Uses.Length > 0);
        for (int at = i - 1; at >= 0 && i - at < 200 && !within; at--) within = c.Tokens[at].Word == Keyword.Union;
        int offset = c.Offset(i);
        if ((kind & FunctionKind.Callout) != 0) hits.Add(within ? FirewallRules.NetworkCallout : FirewallRules.RemoteAccess, offset);
        if ((kind & FunctionKind.FileRead) != 0) hits.Add(within ? FirewallRules.FileRead : FirewallRules.FileAccess, offset);
        if ((kind & FunctionKind.FileWrite) != 0) hits.Add(within ? FirewallRules.FileWrite : FirewallRules.FileAccess, offset);
        if ((kind & FunctionKind.RunsText) != 0) hits.Add(within ? FirewallRules.TextExecution : FirewallRules.TextFunction, offset);
    }

    /// <summary>A statement that is nothing but the call may be a test or a probe of a monitor; anywhere else nobody waits.</summary>
    private static void Delay(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        bool alone = c.Analysis.Count == 1 && c.At(0).Word is Keyword.Select or Keyword.Do && i == 1 && close >= c.Tokens.Length - 2 && !c.Contains(open, close, select: true, FunctionKind.None);
        hits.Add(alone ? FirewallRules.DelayCall : FirewallRules.TimeDelay, c.Offset(i));
    }

    /// <summary>XPath and geometry functions quote what they cannot parse: given text made for it, they hand it out in the error.</summary>
    private static void Error(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        bool xml = c.Is(i, "extractvalue"u8) || c.Is(i, "updatexml"u8);
        bool made = c.Contains(open + 1, close, select: true, FunctionKind.Fact) || (xml && c.Contains(open + 1, close, select: false, FunctionKind.Concat | FunctionKind.CharMaker | FunctionKind.Conditional));
        bool constant = xml && (c.At(open + 1).Kind is TokenKind.Number || c.At(open + 1).Word == Keyword.Null || c.Is(open + 1, "rand"u8) || HasBinary(c, open, close));
        if (made || constant) hits.Add(FirewallRules.ErrorText, c.Offset(i));
    }

    private static bool HasBinary(in DetectorContext c, int open, int close)
    {
        for (int i = open; i < Math.Min(close, open + 60); i++)
        {
            if (c.At(i).Kind == TokenKind.Binary) return true;
        }

        return false;
    }

    /// <summary>CHAR(113,118,...) of four codes or more, or as many calls in a chain: text that somebody had to hide.</summary>
    private static void Spelled(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        int codes = 0;
        for (int at = open + 1; at < close && c.At(at).Kind is TokenKind.Number or TokenKind.Comma or TokenKind.Binary; at++) codes += c.At(at).Kind == TokenKind.Comma ? 0 : 1;
        int end = close;
        for (int links = 0; codes > 0 && links < 8 && c.At(end + 1).Op is Op.Pipes or Op.Plus && (c.CallAt(end + 2) & FunctionKind.CharMaker) != 0; links++)
        {
            codes++;
            end = c.Map.Close(end + 3);
        }

        if (codes >= 4 && !c.Is(i, "unhex"u8)) hits.Add(FirewallRules.EncodedText, c.Offset(i));
    }

    /// <summary>CONCAT(0x7e, ..., 0x7e): marks around what is to be found in the answer.</summary>
    private static void Marked(in DetectorContext c, int open, int close, ref HitList hits)
    {
        for (int i = open + 1; i < Math.Min(close, open + 60); i++)
        {
            if (c.At(i).Kind == TokenKind.Binary && c.At(i - 1).Kind is TokenKind.Open or TokenKind.Comma && IsReadable(c.Bytes(i))) hits.Add(FirewallRules.HexText, c.Offset(i));
        }
    }

    /// <summary>0x61646d696e in place of 'admin'.</summary>
    public static void Hex(in DetectorContext c, int i, ref HitList hits)
    {
        if (c.Dialect == SqlDialect.PostgreSql || c.Tokens[i].Clause is Clause.Values or Clause.Set || c.Bytes(i).Length < 12) return;
        if (c.Tokens[i].Clause == Clause.Other && !c.Map.IsInCondition(i)) return;
        if (IsReadable(c.Bytes(i))) hits.Add(FirewallRules.HexText, c.Offset(i));
    }

    private static bool IsReadable(ReadOnlySpan<byte> hex)
    {
        if (hex.Length < 4 || hex[0] != '0' || (hex.Length & 1) != 0) return false;
        for (int i = 2; i + 1 < hex.Length; i += 2)
        {
            int value = (Convert.ToInt32(char.ToString((char)hex[i]), 16) << 4) | Convert.ToInt32(char.ToString((char)hex[i + 1]), 16);
            if (value is (< 0x20 or > 0x7E) and not 0x0A and not 0x3A) return false;
        }

        return true;
    }

    /// <summary>A text measured or taken apart where a row is chosen, when the text is the answer of a sub-select or a fact of the server: bit by bit it is read so.</summary>
    private static void Extraction(in DetectorContext c, int i, int open, int close, FunctionKind kind, ref HitList hits)
    {
        bool condition = c.Map.IsInCondition(i);
        bool probing = c.Contains(open + 1, close, select: true, FunctionKind.Fact);
        if (condition && probing) hits.Add(FirewallRules.BlindExtraction, c.Offset(i));
        bool code = (kind & FunctionKind.CharCode) != 0 && (c.CallAt(open + 1) & FunctionKind.Slice) != 0 && c.Is(i, "ascii"u8) | c.Is(i, "ord"u8) | c.Is(i, "unicode"u8) | c.Is(i, "bin"u8);
        if (code && (condition || probing)) hits.Add(FirewallRules.BlindExtraction, c.Offset(i));
    }

    /// <summary>IF(1=1, ...), ELT(1=1, 5), MAKE_SET(...), IIF(...): a question put to the server whose answer is told by the rows.</summary>
    private static void Conditional(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        bool chooses = c.Is(i, "if"u8) || c.Is(i, "iif"u8) || c.Is(i, "elt"u8) || c.Is(i, "make_set"u8);
        if (!chooses) return;
        bool constant = Constants.TryComparison(c, open + 1, out ConstantComparison found) && !found.IsNullTest;
        if ((constant && WordDetectors.IsAsked(c, i)) || (c.Map.IsInCondition(i) && c.Contains(open + 1, close, select: true, FunctionKind.Fact | FunctionKind.Delay) && !IsExists(c, open))) hits.Add(FirewallRules.BlindConditional, c.Offset(i));
    }

    private static bool IsExists(in DetectorContext c, int open) => c.At(open + 1).Word == Keyword.Exists;

    private static void DuplicateKey(in DetectorContext c, int open, int close, ref HitList hits)
    {
        if (c.Is(open + 1, "rand"u8) && c.At(open + 3).Kind != TokenKind.Close && c.At(c.Map.Close(open + 2) + 1).Op == Op.Star && close - open < 16) hits.Add(FirewallRules.ErrorDuplicateKey, c.Offset(open));
    }

    private static void Heavy(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        for (int at = open + 1; at < Math.Min(close, open + 24); at++)
        {
            if (c.At(at).Kind == TokenKind.Number && c.At(at).Length >= 7 && (c.Map.IsInCondition(i) || c.IsBehindQuery(i) || c.Is(i, "repeat"u8))) hits.Add(FirewallRules.HeavyQuery, c.Offset(i));
        }
    }

    /// <summary>CAST(text AS number) over a text put together for the error.</summary>
    private static void Cast(in DetectorContext c, int i, int open, int close, ref HitList hits)
    {
        bool number = false;
        for (int at = open + 1; at < Math.Min(close, c.Tokens.Length); at++)
        {
            if (c.At(at).Kind == TokenKind.Open) at = Math.Max(at, c.Map.Close(at));
            else if (c.At(at).Word == Keyword.As || at == open + 1 || c.At(at).Kind == TokenKind.Comma) number |= IsNumber(c, c.At(at).Word == Keyword.As || c.At(at).Kind == TokenKind.Comma ? at + 1 : at);
        }

        if (number && IsMade(c, open + 1, close)) hits.Add(FirewallRules.ErrorCast, c.Offset(i));
    }

    /// <summary><c>6218 = CONCAT('a', (SELECT ...), 'b')</c>: a number against a text, which the server must cast and quotes in its error.</summary>
    public static void NumberAgainstText(in DetectorContext c, int i, ref HitList hits)
    {
        bool begins = c.At(i - 1).Word is Keyword.And or Keyword.Or or Keyword.Where or Keyword.Not || c.At(i - 1).Kind == TokenKind.Open;
        Token op = c.At(i + 1);
        if (!begins || !c.Map.IsInCondition(i) || !(op.Op is Op.Equal or Op.NotEqual or Op.Less or Op.Greater or Op.LessEqual or Op.GreaterEqual || op.Word == Keyword.In)) return;
        int open = i + 2;
        while (open < i + 8 && (c.At(open).IsName || c.At(open).Kind == TokenKind.Dot)) open++;
        if (c.At(open).Kind != TokenKind.Open) return;
        // A long number that equals a sub-select: nobody counts for just that.
        if (op.Op == Op.Equal && c.At(i).Length >= 4 && open == i + 2 && c.At(i + 3).Word == Keyword.Select) hits.Add(FirewallRules.TautologyAnd, c.Offset(i));
        if (IsMade(c, i + 2, c.Map.Close(open))) hits.Add(FirewallRules.ErrorCast, c.Offset(i));
    }

    /// <summary>At <c>::numeric</c>: what stands before it in parentheses.</summary>
    public static void ColonCast(in DetectorContext c, int i, ref HitList hits)
    {
        if (!IsNumber(c, i + 1) || c.At(i - 1).Kind != TokenKind.Close) return;
        int level = 0, at = i - 1;
        for (; at >= 0 && i - at < 200; at--)
        {
            level += c.At(at).Kind == TokenKind.Close ? 1 : c.At(at).Kind == TokenKind.Open ? -1 : 0;
            if (level == 0) break;
        }

        if (IsMade(c, at, i)) hits.Add(FirewallRules.ErrorCast, c.Offset(i));
    }

    /// <summary>A sub-select or a fact, put together with literals or character codes; or a fact of text alone.</summary>
    private static bool IsMade(in DetectorContext c, int from, int to)
    {
        bool select = c.Contains(from, to, select: true, FunctionKind.None), fact = c.Contains(from, to, select: false, FunctionKind.Fact), spelled = c.Contains(from, to, select: false, FunctionKind.CharMaker);
        bool joined = false;
        for (int i = from; i < Math.Min(to, from + 200); i++) joined |= c.At(i).Op is Op.Pipes || (c.At(i).Op == Op.Plus && c.At(i - 1).Kind == TokenKind.String) || (c.CallAt(i) & FunctionKind.Concat) != 0;
        return fact || (select && (joined || spelled));
    }

    private static bool IsNumber(in DetectorContext c, int i) => c.Is(i, "int"u8) || c.Is(i, "integer"u8) || c.Is(i, "numeric"u8) || c.Is(i, "decimal"u8) || c.Is(i, "bigint"u8) || c.Is(i, "float"u8) || c.Is(i, "signed"u8)
        || c.Is(i, "unsigned"u8) || c.Is(i, "int4"u8) || c.Is(i, "int8"u8) || c.Is(i, "double"u8) || c.Is(i, "real"u8) || c.Is(i, "money"u8);
}
