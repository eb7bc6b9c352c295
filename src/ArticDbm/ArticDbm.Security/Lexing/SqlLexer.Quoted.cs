namespace ArticDbm.Security.Lexing;

internal ref partial struct SqlLexer
{
    /// <summary>A text in quotes behind a prefix; a doubled quote stands for one, and where it escapes, a backslash takes the next byte with it.</summary>
    private void Quoted(ref Token token, TokenKind kind, int prefix, bool Backslash)
    {
        token.Kind = kind;
        byte quote = _text[_at + prefix - 1];
        if (quote == '[') quote = (byte)']';
        int content = _at + prefix;
        token.ContentStart = content;
        _at = content;
        int end = QuotedEnd(ref token, quote, Backslash);
        // A string goes on behind a line break: 'a' <newline> 'b' is one literal in PostgreSQL.
        while (kind == TokenKind.String && quote == '\'' && end >= 0 && _dialect == SqlDialect.PostgreSql && Continues(out int next))
        {
            _at = next + 1;
            token.Flags |= TokenFlags.Escaped;
            end = QuotedEnd(ref token, quote, Backslash);
        }

        if (end < 0)
        {
            Faults |= LexFault.UnterminatedQuote;
            token.ContentLength = _text.Length - content;
            return;
        }

        token.ContentLength = end - content;
    }

    private int QuotedEnd(ref Token token, byte quote, bool backslash)
    {
        while (_at < _text.Length)
        {
            int found = backslash ? _text[_at..].IndexOfAny(quote, (byte)'\\') : _text[_at..].IndexOf(quote);
            if (found < 0) break;
            _at += found;
            CheckCharacterBefore();
            if (_text[_at] == '\\' && quote != '\\')
            {
                token.Flags |= TokenFlags.Escaped;
                _at += 2;
                continue;
            }

            if (Peek(1) != quote) return _at++;
            token.Flags |= TokenFlags.Escaped;
            _at += 2;
        }

        _at = _text.Length;
        return -1;
    }

    /// <summary>A lead byte of UTF-8 right before a quote or backslash: character sets such as GBK take both as one character, which is how an escaped quote comes free.</summary>
    private void CheckCharacterBefore()
    {
        if (_at > 0 && _text[_at - 1] >= 0xC0) Faults |= LexFault.BrokenCharacter;
    }

    private readonly bool Continues(out int next)
    {
        bool line = false;
        for (next = _at; next < _text.Length; next++)
        {
            byte b = _text[next];
            if (b is (byte)'\n' or (byte)'\r') line = true;
            else if (b == '\'') return line;
            else if (b is not ((byte)' ' or (byte)'\t' or (byte)'\f' or (byte)'\v')) return false;
        }

        return false;
    }

    /// <summary><c>$1</c>, <c>$$text$$</c>, <c>$tag$text$tag$</c>.</summary>
    private void Dollar(ref Token token)
    {
        if (char.IsAsciiDigit((char)Peek(1)))
        {
            token.Kind = TokenKind.Parameter;
            _at++;
            while (char.IsAsciiDigit((char)Peek(0))) _at++;
            return;
        }

        int end = _at + 1;
        while (end < _text.Length && _text[end] != '$' && IsNamePart(_text[end])) end++;
        if (end >= _text.Length || _text[end] != '$')
        {
            Faults |= LexFault.UnknownByte;
            One(ref token, TokenKind.Unknown);
            return;
        }

        ReadOnlySpan<byte> tag = _text[_at..(end + 1)];
        token.Kind = TokenKind.String;
        token.Flags |= TokenFlags.DollarQuoted;
        token.ContentStart = end + 1;
        int close = _text[(end + 1)..].IndexOf(tag);
        if (close < 0)
        {
            Faults |= LexFault.UnterminatedQuote;
            _at = _text.Length;
            token.ContentLength = _at - token.ContentStart;
            return;
        }

        token.ContentLength = close;
        _at = end + 1 + close + tag.Length;
    }
}
