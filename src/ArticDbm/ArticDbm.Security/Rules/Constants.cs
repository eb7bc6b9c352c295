using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>A comparison of constants.</summary>
/// <param name="End">The token behind it.</param>
/// <param name="IsFiller">Of 0 and 1 alone: <c>1 = 1</c>, <c>1 = 0</c>, which query builders write.</param>
/// <param name="IsNullTest">IS [NOT] NULL of a constant, as clients write that put parameters into the text.</param>
internal readonly record struct ConstantComparison(int End, bool IsFiller, bool IsNullTest);

/// <summary>Recognises constants: literals, and what is made of literals alone.</summary>
internal static class Constants
{
    private const int MaxNesting = 8;

    /// <summary>A constant at <paramref name="i"/>; <paramref name="end"/> is behind it.</summary>
    public static bool TryConstant(in DetectorContext c, int i, out int end, int nesting = 0)
    {
        if (!TryPrimary(c, i, out end, nesting)) return false;
        for (int operands = 0; operands < 16 && IsArithmetic(c, end); operands++)
        {
            if (!TryPrimary(c, end + 1, out int next, nesting)) break;
            end = next;
        }

        return true;
    }

    /// <summary>A comparison of two constants at <paramref name="i"/>.</summary>
    public static bool TryComparison(in DetectorContext c, int i, out ConstantComparison comparison)
    {
        comparison = default;
        if (!TryConstant(c, i, out int left)) return false;
        int at = left;
        bool negated = c.At(at).Word == Keyword.Not && ++at > 0;
        Token op = c.At(at);
        if (op.Word == Keyword.Is)
        {
            if (c.At(at + 1).Word == Keyword.Not) at++;
            if (c.At(at + 1).Word is not (Keyword.Null or Keyword.True or Keyword.False or Keyword.Unknown)) return false;
            comparison = new ConstantComparison(at + 2, false, c.At(at + 1).Word == Keyword.Null);
            return true;
        }

        if (op.Word == Keyword.Between)
        {
            if (!TryConstant(c, at + 1, out int low) || c.At(low).Word != Keyword.And || !TryConstant(c, low + 1, out int high)) return false;
            comparison = new ConstantComparison(high, false, c.At(i).Word == Keyword.Null || c.At(at + 1).Word == Keyword.Null || c.At(high - 1).Word == Keyword.Null);
            return true;
        }

        if (op.Word == Keyword.In && c.At(at + 1).Kind == TokenKind.Open)
        {
            if (!TryConstant(c, at + 2, out int item)) return false;
            comparison = new ConstantComparison(c.Map.Close(at + 1) + 1, false, c.At(i).Word == Keyword.Null);
            return item > 0;
        }

        bool compares = op.Op is Op.Equal or Op.NotEqual or Op.Less or Op.Greater or Op.LessEqual or Op.GreaterEqual or Op.NullSafeEqual
            || op.Word is Keyword.Like or Keyword.Ilike or Keyword.Rlike or Keyword.Regexp || (op.Word == Keyword.Sounds && c.At(++at).Word == Keyword.Like) || c.Is(at, "glob"u8);
        if (!compares || !TryConstant(c, at + 1, out int right)) return false;
        // What is compared with NULL is neither true nor false, and asks nothing.
        bool unknown = (left == i + 1 && c.At(i).Word == Keyword.Null) || (right == at + 2 && c.At(at + 1).Word == Keyword.Null);
        comparison = new ConstantComparison(right, !negated && right - i == 3 && IsBit(c, i) && IsBit(c, right - 1), unknown);
        return true;
    }

    private static bool TryPrimary(in DetectorContext c, int i, out int end, int nesting)
    {
        end = i;
        while (c.At(end).Op is Op.Plus or Op.Minus or Op.Tilde or Op.Bang && end - i < 4) end++;
        Token token = c.At(end);
        if (token.IsLiteral || token.Word is Keyword.True or Keyword.False or Keyword.Null)
        {
            end++;
            while (c.At(end).Kind == TokenKind.String && token.Kind == TokenKind.String) end++;
            if (c.At(end).Op == Op.Cast && c.At(end + 1).IsName) end += 2;
            return true;
        }

        if (token.Kind == TokenKind.Open && nesting < MaxNesting)
        {
            if (!TryConstant(c, end + 1, out int inner, nesting + 1))
            {
                // (SELECT 1) is one too.
                if (c.At(end + 1).Word != Keyword.Select || !TryConstant(c, end + 2, out inner, nesting + 1)) return false;
            }

            if (c.At(inner).Kind != TokenKind.Close) return false;
            end = inner + 1;
            return true;
        }

        if (!token.IsName || c.At(end + 1).Kind != TokenKind.Open || nesting == MaxNesting) return false;
        // What computes from constants is one, but for clocks and facts, which have no arguments.
        FunctionKind kind = c.CallAt(end);
        bool computes = (kind & FunctionKind.Pure) != 0 && (kind & FunctionKind.Fact) == 0 && (c.At(end + 2).Kind != TokenKind.Close || c.Is(end, "pi"u8));
        return computes && TryArguments(c, ref end, nesting);
    }

    private static bool TryArguments(in DetectorContext c, ref int end, int nesting)
    {
        int at = end + 2;
        for (int arguments = 0; arguments < 32; arguments++)
        {
            if (c.At(at).Kind == TokenKind.Close)
            {
                end = at + 1;
                return true;
            }

            if (!TryConstant(c, at, out at, nesting + 1)) return false;
            if (c.At(at).Kind == TokenKind.Comma) at++;
        }

        return false;
    }

    private static bool IsArithmetic(in DetectorContext c, int i) => c.At(i).Op is Op.Plus or Op.Minus or Op.Star or Op.Slash or Op.Percent or Op.Caret or Op.Ampersand or Op.Pipe
        || (c.At(i).Op == Op.Pipes && c.Dialect != SqlDialect.MySql) || c.At(i).Word is Keyword.Div or Keyword.Mod;

    private static bool IsBit(in DetectorContext c, int i) => c.At(i).Kind == TokenKind.Number && c.Bytes(i) is [(byte)'0' or (byte)'1'];
}
