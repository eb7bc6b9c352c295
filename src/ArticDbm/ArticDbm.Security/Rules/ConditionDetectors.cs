using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Conditions that say nothing about the rows: what an injection adds to a filter.</summary>
internal static class ConditionDetectors
{
    /// <summary>At OR, ||, XOR, AND, &amp;&amp; or HAVING.</summary>
    public static void Connective(in DetectorContext c, int i, bool isOr, ref HitList hits)
    {
        if (c.Tokens[i].Clause is not (Clause.Where or Clause.Having or Clause.From or Clause.Set or Clause.Values or Clause.Limit or Clause.OrderBy or Clause.GroupBy) && !c.Map.IsInCondition(i)) return;
        int at = i + 1;
        while (c.At(at).Word == Keyword.Not || c.At(at).Op == Op.Bang) at++;
        int open = at;
        if (Constants.TryComparison(c, at, out ConstantComparison found) || SkipOpen(c, ref at) && Constants.TryComparison(c, at, out found))
        {
            Compared(c, i, open, at, found, isOr, ref hits);
            return;
        }

        if (!isOr)
        {
            // AND 'b': a text in the place of a condition.
            if (c.At(at).Kind == TokenKind.String && Ends(c, at + 1) && !IsInBetween(c, i)) hits.Add(FirewallRules.TautologyAnd, c.Offset(i));
            return;
        }

        if (Constants.TryConstant(c, open, out int end) && Ends(c, end)) hits.Add(FirewallRules.TautologyOr, c.Offset(i));
        else if (c.At(i - 1).IsLiteral | c.At(i - 1).Kind == TokenKind.Close && SameColumn(c, open)) hits.Add(FirewallRules.TautologyColumn, c.Offset(i));
    }

    private static void Compared(in DetectorContext c, int i, int open, int at, ConstantComparison found, bool isOr, ref HitList hits)
    {
        if (found.IsNullTest) return;
        bool optional = at > open && c.At(found.End).Word == Keyword.Or;
        if (isOr && !(found.IsFiller && IsEmptyList(c, i)) && !optional) hits.Add(FirewallRules.TautologyOr, c.Offset(i));
        else if (found.IsFiller || optional || isOr) hits.Add(FirewallRules.ConstantFiller, c.Offset(i));
        else if (!IsInBetween(c, i)) hits.Add(FirewallRules.TautologyAnd, c.Offset(i));
    }

    /// <summary>HAVING with a constant; an inequality is how one tests that nothing is scanned.</summary>
    public static void Having(in DetectorContext c, int i, ref HitList hits)
    {
        if (Constants.TryComparison(c, i + 1, out ConstantComparison found))
        {
            if (!found.IsNullTest) hits.Add(c.At(i + 2).Op is Op.Less or Op.Greater ? FirewallRules.ConstantFiller : FirewallRules.TautologyHaving, c.Offset(i));
        }
        else if (Constants.TryConstant(c, i + 1, out int end) && Ends(c, end)) hits.Add(FirewallRules.TautologyHaving, c.Offset(i));
    }

    /// <summary>A sub-select without a table that is there or not by a comparison of constants: (SELECT 'a' WHERE 6218 = 6218).</summary>
    public static void Where(in DetectorContext c, int i, ref HitList hits)
    {
        if (!c.Map.IsNested(i) || !Constants.TryComparison(c, i + 1, out ConstantComparison found) || found.IsFiller || found.IsNullTest) return;
        for (int at = i - 1; at >= 0 && i - at < 8; at--)
        {
            if (c.At(at).Word == Keyword.From) return;
            if (c.At(at).Word != Keyword.Select) continue;
            hits.Add(FirewallRules.TautologyAnd, c.Offset(i));
            return;
        }
    }

    /// <summary><c>a = '' = ''</c>, <c>a = '' - ''</c>, <c>a = 'x' LIKE 'x'</c>: at a literal behind a comparison.</summary>
    public static void Literal(in DetectorContext c, int i, ref HitList hits)
    {
        if (!c.Map.IsInCondition(i)) return;
        Token before = c.At(i - 1);
        if ((before.Kind == TokenKind.Number && c.At(i).Kind == TokenKind.String) || (before.Kind == TokenKind.String && (c.At(i).Kind != TokenKind.String || c.Dialect != SqlDialect.MySql))) hits.Add(FirewallRules.OddLiteral, c.Offset(i));
        if (before.Op is not (Op.Equal or Op.Less or Op.Greater or Op.NotEqual or Op.LessEqual or Op.GreaterEqual) && before.Word != Keyword.Like) return;
        Token next = c.At(i + 1);
        bool text = c.At(i).Kind == TokenKind.String;
        if (next.Op is Op.Equal or Op.NotEqual or Op.Less or Op.Greater or Op.LessEqual or Op.GreaterEqual or Op.NullSafeEqual && Constants.TryConstant(c, i + 2, out _) && !c.At(i - 2).IsLiteral) hits.Add(FirewallRules.ComparisonChain, c.Offset(i));
        else if (text && (next.Word == Keyword.Not ? c.At(i + 2).Word : next.Word) is Keyword.Like or Keyword.Rlike or Keyword.Regexp or Keyword.Is or Keyword.Between or Keyword.In or Keyword.Sounds && c.At(i - 1).Op == Op.Equal && c.Dialect == SqlDialect.MySql) hits.Add(FirewallRules.ComparisonChain, c.Offset(i));
        else if (text && next.Op is Op.Minus or Op.Star or Op.Slash or Op.Percent or Op.Caret or Op.Ampersand or Op.Pipe && c.At(i + 2).Kind is TokenKind.String or TokenKind.Number) hits.Add(FirewallRules.StringArithmetic, c.Offset(i));
        else if (text && c.Dialect == SqlDialect.MySql && (next.Word is Keyword.Div or Keyword.Mod || (next.Kind == TokenKind.Operator && (next.Op == Op.Plus || (next.Op == Op.Other && next.Length == 2)) && c.At(i + 2).IsLiteral))) hits.Add(FirewallRules.StringArithmetic, c.Offset(i));
    }

    /// <summary><c>id = (6218 = 6218) * 1</c>: the answer to a question among constants in the place of a value.</summary>
    public static void Compared(in DetectorContext c, int i, ref HitList hits)
    {
        if (c.At(i + 1).Kind == TokenKind.Open && c.Map.IsInCondition(i) && Constants.TryComparison(c, i + 2, out ConstantComparison found) && c.At(found.End).Kind == TokenKind.Close && !found.IsNullTest) hits.Add(FirewallRules.ComparisonChain, c.Offset(i));
    }

    private static bool SkipOpen(in DetectorContext c, ref int at)
    {
        int start = at;
        while (c.At(at).Kind == TokenKind.Open && at - start < 16) at++;
        return at > start;
    }

    /// <summary>The AND at <paramref name="i"/> belongs to a BETWEEN.</summary>
    private static bool IsInBetween(in DetectorContext c, int i)
    {
        for (int at = i - 1; at >= 0 && i - at < 12; at--)
        {
            if (c.At(at).Word == Keyword.Between) return true;
            if (c.At(at).Word is Keyword.And or Keyword.Or or Keyword.Where) return false;
        }

        return false;
    }

    /// <summary><c>a NOT IN (NULL) OR (1 = 1)</c>: how SQLAlchemy writes "not in nothing".</summary>
    private static bool IsEmptyList(in DetectorContext c, int i) => c.At(i - 1).Kind == TokenKind.Close && c.At(i - 2).Word == Keyword.Null && c.At(i - 3).Kind == TokenKind.Open && c.At(i - 4).Word == Keyword.In && c.At(i - 5).Word == Keyword.Not;

    /// <summary>Nothing more belongs to the operand that ends here.</summary>
    private static bool Ends(in DetectorContext c, int i) => c.At(i).Kind is TokenKind.End or TokenKind.Semicolon or TokenKind.Close || (c.At(i).Kind == TokenKind.Comma && c.At(i - 1).Clause is Clause.Values or Clause.Set)
        || c.At(i).Word is Keyword.And or Keyword.Or or Keyword.Xor or Keyword.Order or Keyword.Group or Keyword.Limit or Keyword.Union or Keyword.Having or Keyword.Into or Keyword.Procedure or Keyword.For or Keyword.Offset
        || c.At(i).Op is Op.Pipes or Op.Ampersands;

    private static bool SameColumn(in DetectorContext c, int at)
    {
        int length = 1;
        while (c.At(at + length).Kind == TokenKind.Dot && length < 5) length += 2;
        if (!c.At(at).IsName || c.At(at + length).Op is not (Op.Equal or Op.NullSafeEqual or Op.GreaterEqual or Op.LessEqual) && c.At(at + length).Word != Keyword.Like) return false;
        for (int i = 0; i < length; i++)
        {
            if (c.At(at + i).Kind != c.At(at + length + 1 + i).Kind || !System.Text.Ascii.EqualsIgnoreCase(c.Bytes(at + i), c.Bytes(at + length + 1 + i))) return false;
        }

        return c.At(at + (2 * length) + 1).Kind is not (TokenKind.Dot or TokenKind.Open or TokenKind.Operator);
    }
}
