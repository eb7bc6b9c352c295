using System.Buffers;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security;

/// <summary>
/// Writes a text by its shape: literals and parameters as ?, words in lower case, comments dropped, blanks folded; a list of literals behind IN or in brackets, and rows like the row
/// before, once. Two texts with one shape differ in their data alone.
/// </summary>
internal ref struct Normaliser
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly ReadOnlySpan<Token> _tokens;
    private readonly SqlDialect _dialect;
    private byte[] _out;
    private int _length;

    private Normaliser(ReadOnlySpan<byte> text, ReadOnlySpan<Token> tokens, SqlDialect dialect)
    {
        _text = text;
        _tokens = tokens;
        _dialect = dialect;
        _out = ArrayPool<byte>.Shared.Rent(Math.Min(text.Length, 64 * 1024) + 256);
    }

    /// <summary>The folded text, in an array of the shared pool, which the caller gives back.</summary>
    public static byte[] Fold(ReadOnlySpan<byte> text, ReadOnlySpan<Token> tokens, SqlDialect dialect, out int length)
    {
        var normaliser = new Normaliser(text, tokens, dialect);
        normaliser.Run();
        length = normaliser._length;
        return normaliser._out;
    }

    private void Run()
    {
        // Where groups in parentheses begin in the output, and the last one that was closed at each of the outer levels, to drop the row that repeats it.
        Span<int> open = stackalloc int[64], lastOpen = stackalloc int[64], lastClose = stackalloc int[64];
        lastClose.Fill(-1);
        int depth = 0;
        bool list = false;
        for (int i = 0; i < _tokens.Length; i++)
        {
            ref readonly Token token = ref _tokens[i];
            if (IsSign(i)) continue;
            int at = _length;
            Space(i);
            switch (token.Kind)
            {
                case TokenKind.String or TokenKind.Number or TokenKind.Binary or TokenKind.Parameter:
                    if (list && Repeats(i)) _length = TrimComma(at);
                    else Put("?"u8);
                    break;
                case TokenKind.Open:
                    if (depth < open.Length) open[depth] = _length;
                    depth++;
                    list = i > 0 && _tokens[i - 1].Word == Keyword.In;
                    Put("("u8);
                    break;
                case TokenKind.Close:
                    Put(")"u8);
                    list = false;
                    depth = Math.Max(0, depth - 1);
                    if (depth >= open.Length) break;
                    if (lastClose[depth] >= 0 && IsRowAfter(open[depth], lastClose[depth]) && _out.AsSpan(lastOpen[depth], lastClose[depth] - lastOpen[depth]).SequenceEqual(_out.AsSpan(open[depth], _length - open[depth])))
                    {
                        _length = lastClose[depth];
                        break;
                    }

                    lastOpen[depth] = open[depth];
                    lastClose[depth] = _length;
                    break;
                case TokenKind.OpenBracket:
                    Put("["u8);
                    list = true;
                    break;
                case TokenKind.CloseBracket:
                    Put("]"u8);
                    list = false;
                    break;
                case TokenKind.Word:
                    PutLower(_text.Slice(token.Start, token.Length));
                    break;
                default:
                    Put(_text.Slice(token.Start, token.Length));
                    break;
            }
        }
    }

    /// <summary>A literal behind another and a comma.</summary>
    private readonly bool Repeats(int i)
    {
        int comma = i - 1;
        if (comma > 0 && IsSign(comma)) comma--;
        int end = TrimComma(_length);
        return comma > 0 && _tokens[comma].Kind == TokenKind.Comma && end > 0 && _out[end - 1] == '?' && end < _length;
    }

    private readonly int TrimComma(int at)
    {
        while (at > 0 && _out[at - 1] is (byte)' ' or (byte)',') at--;
        return at;
    }

    /// <summary>Only a comma stands between the group before and this one.</summary>
    private readonly bool IsRowAfter(int open, int lastClose)
    {
        if (open <= lastClose) return false;
        bool comma = false;
        foreach (byte b in _out.AsSpan(lastClose, open - lastClose))
        {
            if (b == ',') comma = true;
            else if (b != ' ') return false;
        }

        return comma;
    }

    /// <summary>A sign before a number where no operand ends: part of the literal.</summary>
    private readonly bool IsSign(int i)
    {
        if (_tokens[i].Op is not (Op.Minus or Op.Plus) || i + 1 >= _tokens.Length || _tokens[i + 1].Kind != TokenKind.Number) return false;
        if (i == 0) return true;
        ref readonly Token before = ref _tokens[i - 1];
        return before.Kind is TokenKind.Open or TokenKind.Comma or TokenKind.Operator or TokenKind.OpenBracket || before.Word is Keyword.And or Keyword.Or or Keyword.Not or Keyword.Then or Keyword.Else or Keyword.When
            or Keyword.Select or Keyword.Where or Keyword.Between or Keyword.Limit or Keyword.Offset or Keyword.In or Keyword.Like or Keyword.Values or Keyword.Set or Keyword.Returning or Keyword.By or Keyword.On or Keyword.Having;
    }

    private void Space(int i)
    {
        if (_length == 0) return;
        byte last = _out[_length - 1];
        TokenKind kind = _tokens[i].Kind;
        if (last is (byte)'(' or (byte)'.' or (byte)'[' || kind is TokenKind.Close or TokenKind.Comma or TokenKind.Dot or TokenKind.Semicolon or TokenKind.CloseBracket) return;
        if (kind == TokenKind.Open && i > 0 && _tokens[i - 1].Kind == TokenKind.Word && _tokens[i - 1].Word == Keyword.None) return;
        Put(" "u8);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length);
        bytes.CopyTo(_out.AsSpan(_length));
        _length += bytes.Length;
    }

    private void PutLower(ReadOnlySpan<byte> bytes)
    {
        Room(bytes.Length);
        foreach (byte b in bytes) _out[_length++] = b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
    }

    private void Room(int more)
    {
        if (_length + more <= _out.Length) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_out.Length * 2, _length + more));
        _out.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_out);
        _out = larger;
    }
}
