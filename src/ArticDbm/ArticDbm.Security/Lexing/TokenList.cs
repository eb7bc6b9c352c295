using System.Buffers;

namespace ArticDbm.Security.Lexing;

/// <summary>
/// The tokens of a text, bounded. Large lists are kept by their shape: rows and list items beyond the first that are like the one before leave the list again, so that a load of a
/// million rows needs no more room than one of ten.
/// </summary>
internal struct TokenList : IDisposable
{
    /// <summary>Tokens kept at most: far more than any statement that people or tools write once long lists are folded, and 8 MB.</summary>
    public const int Max = 262_144;

    /// <summary>Below it, lists are kept as they are: detectors see every token of ordinary statements.</summary>
    public const int FoldFrom = 4_096;

    /// <summary>Literals in a row that a list has at least before it is folded: rows of a load are shorter, and are folded as rows.</summary>
    private const int LongRun = 256;

    private Token[] _tokens;
    private int[] _opens;
    private int _depth;
    private int _run;

    public TokenList()
    {
        _tokens = ArrayPool<Token>.Shared.Rent(256);
        _opens = ArrayPool<int>.Shared.Rent(64);
    }

    public int Count { get; private set; }

    /// <summary>More tokens than are kept.</summary>
    public bool IsTooLong { get; private set; }

    public readonly Span<Token> Span => _tokens.AsSpan(0, Count);

    public bool Add(in Token token)
    {
        if (Count >= Max)
        {
            IsTooLong = true;
            return false;
        }

        if (Count == _tokens.Length) Grow(ref _tokens);
        _tokens[Count++] = token;
        if (token.Kind == TokenKind.Open)
        {
            if (_depth == _opens.Length) Grow(ref _opens);
            _opens[_depth++] = Count - 1;
        }
        else if (token.Kind == TokenKind.Close && _depth > 0)
        {
            int open = _opens[--_depth];
            if (Count > FoldFrom) FoldRow(open);
        }
        else if (token.IsLiteral)
        {
            FoldItem();
        }

        return true;
    }

    public void Dispose()
    {
        ArrayPool<Token>.Shared.Return(_tokens);
        ArrayPool<int>.Shared.Return(_opens);
    }

    /// <summary>Takes <c>, literal</c> out again behind a long run of literals.</summary>
    private void FoldItem()
    {
        _run = Count >= 3 && _tokens[Count - 2].Kind == TokenKind.Comma && _tokens[Count - 3].IsLiteral ? _run + 1 : 0;
        if (_run > LongRun && Count > FoldFrom) Count -= 2;
    }

    /// <summary>Takes <c>, (row)</c> out again when the row before it, which ends at the comma, has the same shape. Each token is compared with one other.</summary>
    private void FoldRow(int open)
    {
        int length = Count - open, before = open - 1 - length;
        if (before < 0 || _tokens[open - 1].Kind != TokenKind.Comma) return;
        for (int i = 0; i < length; i++)
        {
            ref Token mine = ref _tokens[open + i], other = ref _tokens[before + i];
            if (mine.IsLiteral && other.IsLiteral) continue;
            // Names would need the text; a row with names is kept, unless both are keywords such as NULL and DEFAULT.
            if (mine.Kind != other.Kind || mine.Code != other.Code || (mine.IsName && mine.Word is not (Keyword.Null or Keyword.Default or Keyword.True or Keyword.False))) return;
        }

        Count = open - 1;
    }

    private static void Grow<T>(ref T[] array)
    {
        T[] larger = ArrayPool<T>.Shared.Rent(array.Length * 2);
        array.CopyTo(larger, 0);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }
}

/// <summary>The comments of a text: the first 64, and the last. Detectors ask for no more.</summary>
internal struct CommentList
{
    private const int Max = 64;
    private Comment[]? _comments;

    public int Count { get; private set; }

    public readonly ReadOnlySpan<Comment> Span => _comments.AsSpan(0, Count);

    public void Add(in Comment comment)
    {
        _comments ??= new Comment[4];
        if (Count == Max) Count--;
        else if (Count == _comments.Length) Array.Resize(ref _comments, Count * 2);
        _comments[Count++] = comment;
    }
}
