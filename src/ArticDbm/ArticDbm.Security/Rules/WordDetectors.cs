using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Words and operators that tell an injection by what stands around them.</summary>
internal static class WordDetectors
{
    /// <summary>CASE WHEN over constants, or in a condition over a sub-select or a division by zero.</summary>
    public static void Case(in DetectorContext c, int i, ref HitList hits)
    {
        int when = i + 1;
        bool within = IsAsked(c, i);
        // CASE 6240 WHEN 6240 THEN ...
        if (within && Constants.TryConstant(c, when, out int subject) && c.At(subject).Word == Keyword.When && Constants.TryConstant(c, subject + 1, out _)) hits.Add(FirewallRules.BlindConditional, c.Offset(i));
        if (c.At(when).Word != Keyword.When) return;
        int at = when + 1;
        while (c.At(at).Kind == TokenKind.Open && at - when < 8) at++;
        if (Constants.TryComparison(c, at, out ConstantComparison found) && !found.IsNullTest && (found.IsFiller ? c.Map.IsInCondition(i) : within)) hits.Add(FirewallRules.BlindConditional, c.Offset(i));
        bool probing = false, zero = false;
        int level = 0;
        for (at = when; at < Math.Min(c.Tokens.Length, when + 300); at++)
        {
            Token token = c.Tokens[at];
            if (token.Word == Keyword.Case) level++;
            if (token.Word == Keyword.End && --level < 0) break;
            probing |= c.Map.IsInCondition(i) && level == 0 && (c.CallAt(at) & FunctionKind.CharCode) != 0 && c.Contains(at, c.Map.Close(at + 1), select: true, FunctionKind.Fact);
            zero |= IsZeroDivision(c, at) || IsManyRows(c, at);
        }

        if (probing) hits.Add(FirewallRules.BlindConditional, c.Offset(i));
        if (zero && c.Map.IsInCondition(i)) hits.Add(FirewallRules.ErrorDivision, c.Offset(i));
    }

    /// <summary>Where a question can be put: in a condition, or as what a sub-select selects.</summary>
    public static bool IsAsked(in DetectorContext c, int i) => c.Map.IsInCondition(i) || HasSubSelect(c, i - 3, i);

    /// <summary>1/0 in a condition, over constants.</summary>
    public static void Division(in DetectorContext c, int i, ref HitList hits)
    {
        if (c.Map.IsInCondition(i) && HasSubSelect(c, i - 30, i + 1) && IsZeroDivision(c, i)) hits.Add(FirewallRules.ErrorDivision, c.Offset(i));
    }

    /// <summary>RLIKE (SELECT ...), REGEXP over a sub-select or IF.</summary>
    public static void Pattern(in DetectorContext c, int i, ref HitList hits)
    {
        int at = i + 1;
        while (c.At(at).Kind == TokenKind.Open || c.At(at).Word == Keyword.Binary) at++;
        if (c.At(at).Word is Keyword.Select or Keyword.If or Keyword.Case || (c.CallAt(at) & (FunctionKind.Delay | FunctionKind.Conditional)) != 0) hits.Add(FirewallRules.BlindPattern, c.Offset(i));
    }

    /// <summary>A fact of the server on one side of a comparison and a literal on the other, in a condition.</summary>
    public static void Fact(in DetectorContext c, int i, ref HitList hits)
    {
        if (!c.Map.IsInCondition(i) && c.Tokens[i].Clause != Clause.From) return;
        int end = c.At(i + 1).Kind == TokenKind.Open ? c.Map.Close(i + 1) + 1 : i + 1;
        while (c.At(end).Kind == TokenKind.Close && c.At(i - 1).Kind == TokenKind.Open && end - i < 6) end++;
        bool after = IsComparison(c, end) && IsConstantOrFact(c, c.At(end).Word == Keyword.Binary ? end + 2 : end + 1);
        bool before = IsComparison(c, i - 1) && c.At(i - 2).IsLiteral;
        bool alone = c.At(i - 1).Word is Keyword.And or Keyword.Or && c.At(end).Kind is TokenKind.End or TokenKind.Semicolon;
        if (after || before || alone) hits.Add(FirewallRules.ServerFactsCondition, c.Offset(i));
    }

    /// <summary>WAITFOR DELAY behind another statement, or within one.</summary>
    public static void Waitfor(in DetectorContext c, int i, ref HitList hits) => hits.Add(i > 0 && (c.At(0).Word is Keyword.Select or Keyword.Insert or Keyword.Update or Keyword.Delete || c.Map.IsNested(i) || c.Tokens[i].Clause != Clause.Other) ? FirewallRules.TimeDelay : FirewallRules.DelayCall, c.Offset(i));

    /// <summary>INTO OUTFILE: an export by itself; a shell dropped, behind an injected query.</summary>
    public static void Outfile(in DetectorContext c, int i, ref HitList hits)
    {
        hits.Add(FirewallRules.FileAccess, c.Offset(i));
        bool dropped = false;
        for (int at = i; at < Math.Min(c.Tokens.Length, i + 12); at++) dropped |= c.Is(at, "lines"u8) && c.Is(at + 1, "terminated"u8) && c.At(at + 3).Kind == TokenKind.Binary;
        for (int at = Math.Max(0, i - 200); at < i; at++) dropped |= c.Tokens[at].Word == Keyword.Union || (c.Tokens[at].Clause == Clause.SelectList && c.Tokens[at].Kind == TokenKind.String && HasCode(c.Bytes(at)));
        if (dropped || c.Comments.Length > 0 && c.Comments[^1].Before >= c.Tokens.Length) hits.Add(FirewallRules.FileWrite, c.Offset(i));
    }

    /// <summary>Numbers at the edge, in arithmetic over a sub-select.</summary>
    public static void Number(in DetectorContext c, int i, ref HitList hits)
    {
        if (c.Tokens[i].Length < 19 || c.Tokens[i].Length > 20 || !c.Map.IsInCondition(i)) return;
        bool edge = c.Bytes(i).StartsWith("922337203685477580"u8) || c.Bytes(i).StartsWith("1844674407370955161"u8) || c.Bytes(i).StartsWith("844642407370955161"u8);
        if (edge && HasSubSelect(c, i - 40, i + 40)) hits.Add(FirewallRules.ErrorOverflow, c.Offset(i));
    }

    /// <summary>-~0, ~0+!(SELECT ...): the largest number, and one more.</summary>
    public static void Tilde(in DetectorContext c, int i, ref HitList hits)
    {
        if (c.Bytes(i + 1) is [(byte)'0'] && c.Map.IsInCondition(i) && HasSubSelect(c, i - 60, i + 60)) hits.Add(FirewallRules.ErrorOverflow, c.Offset(i));
    }

    /// <summary>Three tables or more side by side in a sub-select that counts them and joins them by nothing; or so many catalogs, wherever they stand: a cross join to spend time.</summary>
    public static void CrossJoin(in DetectorContext c, ref HitList hits)
    {
        int row = 0, catalogs = 0;
        for (int i = 0; i < c.Tokens.Length; i++)
        {
            if (!c.Tokens[i].IsName || c.Tokens[i].Clause != Clause.From || (c.At(i - 1).Word != Keyword.From && c.At(i - 1).Kind != TokenKind.Comma)) continue;
            if (c.At(i - 1).Word == Keyword.From) row = catalogs = 0;
            row++;
            if (Catalogs.IsCatalog(c.Bytes(i), c.At(i + 1).Kind == TokenKind.Dot ? c.Bytes(i + 2) : default)) catalogs++;
            if (row < 3 || !(catalogs >= 3 || ((c.Map.IsInCondition(i) || c.IsBehindQuery(i)) && IsUnjoined(c, i))) || !IsCounted(c, i)) continue;
            hits.Add(FirewallRules.HeavyQuery, c.Offset(i));
            return;
        }
    }

    private static bool IsUnjoined(in DetectorContext c, int i)
    {
        for (int at = i; at < Math.Min(c.Tokens.Length, i + 40) && c.Tokens[at].Kind != TokenKind.Close; at++)
        {
            if (c.Tokens[at].Word == Keyword.Where) return false;
        }

        return true;
    }

    /// <summary>Keywords in a comment that MySQL runs, with the rest of the statement outside.</summary>
    public static void Versioned(in DetectorContext c, int i, ref HitList hits)
    {
        if ((c.Tokens[i].Flags & TokenFlags.Versioned) == 0 || i == 0) return;
        bool partly = false;
        for (int at = i - 1; at >= 0 && i - at < 100 && c.Tokens[at].Kind != TokenKind.Semicolon; at--) partly |= (c.Tokens[at].Flags & TokenFlags.Versioned) == 0;
        if (partly && c.Tokens[i].Word is Keyword.Union or Keyword.Select or Keyword.Or or Keyword.And or Keyword.From or Keyword.Where or Keyword.Having or Keyword.Xor or Keyword.Into) hits.Add(FirewallRules.VersionedComment, c.Offset(i));
        if (partly && (c.CallAt(i) & (FunctionKind.Fact | FunctionKind.Delay | FunctionKind.ErrorText)) != 0) hits.Add(FirewallRules.VersionedComment, c.Offset(i));
    }

    /// <summary>A cross join is the work of an injection when nobody asks for its rows.</summary>
    private static bool IsCounted(in DetectorContext c, int i)
    {
        for (int at = i; at >= 0 && i - at < 40; at--)
        {
            if (c.Is(at, "count"u8)) return true;
            if (c.Tokens[at].Word == Keyword.Select) return false;
        }

        return false;
    }

    private static bool HasSubSelect(in DetectorContext c, int from, int to)
    {
        for (int i = Math.Max(0, from); i < Math.Min(to, c.Tokens.Length); i++)
        {
            if (c.Tokens[i].Word == Keyword.Select && c.Map.IsNested(i)) return true;
        }

        return false;
    }

    private static bool IsConstantOrFact(in DetectorContext c, int i) => c.At(i).IsLiteral || c.At(i).Kind == TokenKind.SystemVariable || (c.CallAt(i) & (FunctionKind.CharMaker | FunctionKind.Fact | FunctionKind.Concat)) != 0;

    private static bool IsComparison(in DetectorContext c, int i) => c.At(i).Op is Op.Equal or Op.NotEqual or Op.Less or Op.Greater or Op.LessEqual or Op.GreaterEqual or Op.NullSafeEqual || c.At(i).Word is Keyword.Like or Keyword.Rlike or Keyword.Regexp;

    private static bool IsZeroDivision(in DetectorContext c, int i) => c.At(i).Op == Op.Slash && c.Bytes(i + 1) is [(byte)'0'] && c.At(i - 1).Kind == TokenKind.Number;

    /// <summary>ELSE (SELECT 1 UNION SELECT 2): an error of more rows than one.</summary>
    private static bool IsManyRows(in DetectorContext c, int i) => c.At(i).Word == Keyword.Union && c.At(i - 1).Kind == TokenKind.Number && c.At(i - 2).Word == Keyword.Select && c.At(i + 1).Word == Keyword.Select && c.At(i + 2).Kind == TokenKind.Number;

    private static bool HasCode(ReadOnlySpan<byte> text) => text.IndexOf("<?"u8) >= 0 || text.IndexOf("<%"u8) >= 0;
}
