using System.Runtime.CompilerServices;

namespace ArticDbm.Security.Lexing;

/// <summary>What keeps a text from being read soundly.</summary>
[Flags]
internal enum LexFault : byte
{
    None = 0,
    UnterminatedQuote = 1,
    UnterminatedComment = 2,
    UnknownByte = 4,

    /// <summary>A comment that one server runs and another skips.</summary>
    AmbiguousComment = 8,
    NulByte = 16,

    /// <summary>A quote or backslash right behind a broken multi-byte character: what it means depends on the character set.</summary>
    BrokenCharacter = 32,
}

/// <summary>
/// Cuts a text into tokens, in one pass and without a second look at any byte but one; never fails. A text that is not SQL gives <see cref="TokenKind.Unknown"/> tokens and
/// <see cref="Faults"/>.
/// </summary>
internal ref partial struct SqlLexer
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly SqlDialect _dialect;
    private readonly SqlQuoting _quoting;
    private int _at;
    private int _versionedEnd;
    private bool _glued;
    private int _produced;

    public SqlLexer(ReadOnlySpan<byte> text, SqlDialect dialect, SqlQuoting quoting)
    {
        _text = text;
        _dialect = dialect;
        _quoting = quoting;
        _versionedEnd = -1;
    }

    /// <summary>What was wrong so far.</summary>
    public LexFault Faults { get; private set; }

    /// <summary>The next token; false at the end.</summary>
    public bool Next(ref CommentList comments, out Token token)
    {
        SkipBlanks(ref comments);
        token = default;
        token.Start = _at;
        if (_at >= _text.Length) return false;
        token.Flags = (_glued ? TokenFlags.GluedByComment : 0) | (_versionedEnd >= 0 ? TokenFlags.Versioned : 0);
        _produced++;
        Read(ref token);
        token.Length = _at - token.Start;
        if (token.ContentLength == 0 && token.ContentStart == 0)
        {
            token.ContentStart = token.Start;
            token.ContentLength = token.Length;
        }

        return true;
    }

    private readonly byte Peek(int offset) => (uint)(_at + offset) < (uint)_text.Length ? _text[_at + offset] : (byte)0;

    private void Read(ref Token token)
    {
        byte b = _text[_at];
        switch (b)
        {
            case (byte)'\'':
                Quoted(ref token, TokenKind.String, 1, Backslash: _dialect == SqlDialect.MySql ? !_quoting.HasFlag(SqlQuoting.NoBackslashEscapes) : _dialect == SqlDialect.PostgreSql && _quoting.HasFlag(SqlQuoting.BackslashEscapes));
                return;
            case (byte)'"':
                bool text = _dialect == SqlDialect.MySql && !_quoting.HasFlag(SqlQuoting.AnsiQuotes);
                Quoted(ref token, text ? TokenKind.String : TokenKind.QuotedName, 1, Backslash: text && !_quoting.HasFlag(SqlQuoting.NoBackslashEscapes));
                token.Flags |= TokenFlags.DoubleQuoted;
                return;
            case (byte)'`' when _dialect == SqlDialect.MySql:
                Quoted(ref token, TokenKind.QuotedName, 1, Backslash: false);
                return;
            case (byte)'[' when _dialect == SqlDialect.TSql:
                Quoted(ref token, TokenKind.QuotedName, 1, Backslash: false);
                return;
            case (byte)'(': One(ref token, TokenKind.Open); return;
            case (byte)')': One(ref token, TokenKind.Close); return;
            case (byte)'[': One(ref token, TokenKind.OpenBracket); return;
            case (byte)']': One(ref token, TokenKind.CloseBracket); return;
            case (byte)',': One(ref token, TokenKind.Comma); return;
            case (byte)';': One(ref token, TokenKind.Semicolon); return;
            case (byte)'.':
                if (char.IsAsciiDigit((char)Peek(1)) && !FollowsName()) Number(ref token);
                else if (_dialect == SqlDialect.PostgreSql && Peek(1) == '.') Take(ref token, TokenKind.Operator, 2, Op.Other);
                else One(ref token, TokenKind.Dot);
                return;
            case (byte)'$' when _dialect == SqlDialect.PostgreSql: Dollar(ref token); return;
            case (byte)'?' when _dialect != SqlDialect.PostgreSql: One(ref token, TokenKind.Parameter); return;
            case (byte)'@' when _dialect != SqlDialect.PostgreSql: Variable(ref token); return;
            case (byte)':': Colon(ref token); return;
        }

        if (char.IsAsciiDigit((char)b)) Number(ref token);
        else if (IsNameStart(b)) Word(ref token);
        else Operator(ref token, b);
    }

    private readonly bool FollowsName() => _at > 0 && (IsNamePart(_text[_at - 1]) || _text[_at - 1] is (byte)'"' or (byte)'`' or (byte)']');

    private void One(ref Token token, TokenKind kind) => Take(ref token, kind, 1, Op.Other);

    private void Take(ref Token token, TokenKind kind, int length, Op op)
    {
        token.Kind = kind;
        token.Code = (ushort)op;
        _at += length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsNameStart(byte b) => char.IsAsciiLetter((char)b) || b is (byte)'_' or >= 0x80 || (b is (byte)'$' && _dialect != SqlDialect.PostgreSql) || (b is (byte)'#' && _dialect == SqlDialect.TSql);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsNamePart(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'$' or >= 0x80 || (b is (byte)'#' or (byte)'@' && _dialect == SqlDialect.TSql);

    private void Word(ref Token token)
    {
        byte b = (byte)(_text[_at] | 0x20), next = Peek(1);
        if (next == '\'')
        {
            switch (b)
            {
                case (byte)'e' when _dialect == SqlDialect.PostgreSql: Quoted(ref token, TokenKind.String, 2, Backslash: true); return;
                case (byte)'n': Quoted(ref token, TokenKind.String, 2, Backslash: _dialect == SqlDialect.MySql && !_quoting.HasFlag(SqlQuoting.NoBackslashEscapes)); return;
                case (byte)'b' or (byte)'x' when _dialect != SqlDialect.TSql: Quoted(ref token, TokenKind.Binary, 2, Backslash: false); return;
            }
        }

        if (b == 'u' && next == '&' && _dialect == SqlDialect.PostgreSql && Peek(2) is (byte)'\'' or (byte)'"')
        {
            Quoted(ref token, Peek(2) == '"' ? TokenKind.QuotedName : TokenKind.String, 3, Backslash: false);
            token.Flags |= TokenFlags.UnicodeEscapes;
            return;
        }

        int start = _at;
        while (_at < _text.Length && IsNamePart(_text[_at])) _at++;
        token.Kind = TokenKind.Word;
        token.Code = (ushort)Keywords.Find(_text[start.._at]);
    }

    /// <summary>Digits, a fraction, an exponent; 0x, 0b, 0o. In MySQL a name may begin with digits: <c>1abc</c> is a name there, two tokens elsewhere.</summary>
    private void Number(ref Token token)
    {
        token.Kind = TokenKind.Number;
        if (_text[_at] == '0' && (Peek(1) | 0x20) is 'x' or 'b' or 'o')
        {
            bool hex = (Peek(1) | 0x20) == 'x';
            int end = _at + 2;
            while (end < _text.Length && (hex ? char.IsAsciiHexDigit((char)_text[end]) : char.IsAsciiDigit((char)_text[end]) || _text[end] == '_')) end++;
            if (end > _at + 2 || hex)
            {
                _at = end;
                token.Kind = TokenKind.Binary;
                return;
            }
        }

        while (char.IsAsciiDigit((char)Peek(0)) || (Peek(0) == '_' && _dialect == SqlDialect.PostgreSql && char.IsAsciiDigit((char)Peek(1)))) _at++;
        bool whole = true;
        if (Peek(0) == '.' && !(Peek(1) == '.' && _dialect == SqlDialect.PostgreSql))
        {
            whole = false;
            _at++;
            while (char.IsAsciiDigit((char)Peek(0))) _at++;
        }

        if ((Peek(0) | 0x20) == 'e' && (char.IsAsciiDigit((char)Peek(1)) || (Peek(1) is (byte)'+' or (byte)'-' && char.IsAsciiDigit((char)Peek(2)))))
        {
            whole = false;
            _at += 2;
            while (char.IsAsciiDigit((char)Peek(0))) _at++;
        }

        if (_dialect != SqlDialect.MySql || !whole || !IsNameStart(Peek(0))) return;
        while (_at < _text.Length && IsNamePart(_text[_at])) _at++;
        token.Kind = TokenKind.Word;
        token.Code = (ushort)Keyword.None;
    }

    /// <summary><c>@name</c>, <c>@'name'</c>, <c>@@name</c>. In T-SQL a single at sign is a parameter or a local variable.</summary>
    private void Variable(ref Token token)
    {
        bool system = Peek(1) == '@';
        _at += system ? 2 : 1;
        token.Kind = system ? TokenKind.SystemVariable : _dialect == SqlDialect.TSql ? TokenKind.Parameter : TokenKind.UserVariable;
        if (!system && _dialect == SqlDialect.MySql && Peek(0) is (byte)'\'' or (byte)'"' or (byte)'`')
        {
            Quoted(ref token, TokenKind.UserVariable, 1, Backslash: Peek(0) != '`' && !_quoting.HasFlag(SqlQuoting.NoBackslashEscapes));
            return;
        }

        while (_at < _text.Length && (IsNamePart(_text[_at]) || (_text[_at] == '.' && system))) _at++;
    }

    private void Colon(ref Token token)
    {
        if (Peek(1) == ':') Take(ref token, TokenKind.Operator, 2, Op.Cast);
        else if (Peek(1) == '=') Take(ref token, TokenKind.Operator, 2, Op.Assign);
        else Take(ref token, TokenKind.Operator, 1, Op.Other);
    }
}
