using System.Buffers;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Which parenthesis closes which, and which tokens stand in a condition, however deep.</summary>
internal readonly struct TokenMap : IDisposable
{
    private readonly int[] _match;

    public TokenMap(ReadOnlySpan<Token> tokens)
    {
        _match = ArrayPool<int>.Shared.Rent(tokens.Length + 1);
        // The open parentheses form a list through the array itself until they are closed.
        int open = -1, conditions = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            ref readonly Token token = ref tokens[i];
            bool condition = token.Clause is Clause.Where or Clause.Having or Clause.OrderBy or Clause.GroupBy or Clause.Limit;
            _match[i] = (conditions > 0 || condition ? InCondition : 0) | (open >= 0 ? Nested : 0);
            if (token.Kind == TokenKind.Open)
            {
                _match[i] |= (open + 1) & Place;
                open = i;
                if (condition) conditions++;
            }
            else if (token.Kind == TokenKind.Close && open >= 0)
            {
                int outer = (_match[open] & Place) - 1;
                if (tokens[open].Clause is Clause.Where or Clause.Having or Clause.OrderBy or Clause.GroupBy or Clause.Limit) conditions--;
                _match[open] = (_match[open] & ~Place) | i;
                open = outer;
            }
            else if (token.Kind == TokenKind.Semicolon)
            {
                Unclosed(ref open, i);
                conditions = 0;
            }
        }

        Unclosed(ref open, tokens.Length);
    }

    private const int InCondition = 1 << 30, Nested = 1 << 29, Place = Nested - 1;

    /// <summary>The parenthesis that closes the one at <paramref name="open"/>, or the end of its statement.</summary>
    public int Close(int open) => _match[open] & Place;

    /// <summary>Whether the token, or a parenthesis around it, stands in WHERE, HAVING, ORDER BY, GROUP BY or LIMIT.</summary>
    public bool IsInCondition(int at) => (_match[at] & InCondition) != 0;

    /// <summary>Whether a parenthesis stands around the token.</summary>
    public bool IsNested(int at) => (_match[at] & Nested) != 0;

    public void Dispose() => ArrayPool<int>.Shared.Return(_match);

    private void Unclosed(ref int open, int end)
    {
        while (open >= 0)
        {
            int outer = (_match[open] & Place) - 1;
            _match[open] = (_match[open] & ~Place) | end;
            open = outer;
        }
    }
}
