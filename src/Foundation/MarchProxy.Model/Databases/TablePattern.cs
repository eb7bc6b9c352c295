namespace MarchProxy.Model.Databases;

/// <summary>Patterns of table names: <c>*</c> stands for any run of characters; with a schema (<c>sales.*</c>) or, without one, in any.</summary>
public static class TablePattern
{
    /// <summary>Whether a table fits.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="schema">The table's schema; empty when it was not named.</param>
    /// <param name="table">The table.</param>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> schema, ReadOnlySpan<char> table)
    {
        if (pattern is "*") return true;
        int dot = pattern.IndexOf('.');
        if (dot < 0) return Glob(pattern, table);
        return !schema.IsEmpty && Glob(pattern[..dot], schema) && Glob(pattern[(dot + 1)..], table);
    }

    /// <summary>Whether a text fits a pattern with stars; letters whatever their case. Time grows with the product of the lengths at worst: no backtracking beyond the last star.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="text">The text.</param>
    public static bool Glob(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                mark = t;
            }
            else if (p < pattern.Length && char.ToLowerInvariant(pattern[p]) == char.ToLowerInvariant(text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++mark;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
