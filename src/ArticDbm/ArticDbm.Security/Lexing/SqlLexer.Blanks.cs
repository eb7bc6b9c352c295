namespace ArticDbm.Security.Lexing;

internal ref partial struct SqlLexer
{
    private void SkipBlanks(ref CommentList comments)
    {
        int start = _at;
        bool blank = false;
        _glued = false;
        while (_at < _text.Length)
        {
            byte b = _text[_at];
            if (_versionedEnd >= 0 && _at >= _versionedEnd)
            {
                if (_at > _versionedEnd) Faults |= LexFault.AmbiguousComment;
                else _at += 2;
                _versionedEnd = -1;
            }
            else if (b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or (byte)'\v' || IsStrangeBlank(b))
            {
                _at++;
                blank = true;
            }
            else if (b == 0)
            {
                Faults |= LexFault.NulByte;
                _at++;
            }
            else if (b == '-' && Peek(1) == '-' && LineCommentBegins())
            {
                LineComment(ref comments, blank);
            }
            else if (b == '#' && _dialect == SqlDialect.MySql)
            {
                LineComment(ref comments, blank);
            }
            else if (b == '/' && Peek(1) == '*')
            {
                if (_dialect == SqlDialect.MySql && _versionedEnd < 0 && TryVersioned()) continue;
                BlockComment(ref comments, blank);
                if (!blank && _at > start) _glued = true;
            }
            else
            {
                break;
            }
        }

        if (blank) _glued = false;
        if (_at >= _text.Length && _versionedEnd >= 0) Faults |= LexFault.AmbiguousComment;
    }

    /// <summary>T-SQL takes every control character for a blank; the others do not.</summary>
    private readonly bool IsStrangeBlank(byte b) => _dialect == SqlDialect.TSql && b is > 0 and < 0x20;

    /// <summary>MySQL wants a blank or control character behind the two dashes; <c>a--1</c> is a subtraction there.</summary>
    private readonly bool LineCommentBegins() => _dialect != SqlDialect.MySql || _at + 2 >= _text.Length || _text[_at + 2] is <= 0x20 or 0x7F;

    private void LineComment(ref CommentList comments, bool blank)
    {
        int end = _text[_at..].IndexOfAny((byte)'\n', _dialect == SqlDialect.PostgreSql ? (byte)'\r' : (byte)'\n');
        end = end < 0 ? _text.Length : _at + end;
        // Inside a comment that MySQL runs, a line comment hides its end from the one reader and not from the other.
        if (_versionedEnd >= 0 && end > _versionedEnd) Faults |= LexFault.AmbiguousComment;
        comments.Add(new Comment { Before = _produced, Start = _at, Length = end - _at, IsLine = true, Glued = !blank });
        _at = end;
    }

    private void BlockComment(ref CommentList comments, bool blank)
    {
        int start = _at, depth = 1;
        _at += 2;
        while (_at < _text.Length && depth > 0)
        {
            int found = _dialect == SqlDialect.MySql ? _text[_at..].IndexOf((byte)'*') : _text[_at..].IndexOfAny((byte)'*', (byte)'/');
            if (found < 0) break;
            _at += found;
            if (_text[_at] == '*' && Peek(1) == '/')
            {
                depth--;
                _at += 2;
            }
            else if (_text[_at] == '/' && Peek(1) == '*')
            {
                depth++;
                _at += 2;
            }
            else
            {
                _at++;
            }
        }

        bool open = depth > 0;
        if (open)
        {
            Faults |= LexFault.UnterminatedComment;
            _at = _text.Length;
        }

        comments.Add(new Comment { Before = _produced, Start = start, Length = _at - start, Unterminated = open, Glued = !blank });
    }

    /// <summary>
    /// <c>/*! text */</c> and <c>/*!50003 text */</c> are run by MySQL, <c>/*M! text */</c> by MariaDB alone. What every server of today runs is read as it stands. Above version 5.7.0
    /// MySQL and MariaDB part ways, and nobody can tell here what will be run.
    /// </summary>
    private bool TryVersioned()
    {
        bool mariaDb = (Peek(2) | 0x20) == 'm' && Peek(3) == '!';
        if (!mariaDb && Peek(2) != '!') return false;
        int at = _at + (mariaDb ? 4 : 3), digits = at, version = 0;
        while (digits < _text.Length && digits < at + 6 && char.IsAsciiDigit((char)_text[digits])) version = (version * 10) + (_text[digits++] - '0');
        if (digits - at < 5) digits = at;
        int end = _text[digits..].IndexOf("*/"u8);
        if (mariaDb || version >= 50700 && digits > at || end < 0) Faults |= LexFault.AmbiguousComment;
        if (end >= 0 && _text.Slice(digits, end).IndexOf("/*"u8) >= 0) Faults |= LexFault.AmbiguousComment;
        _versionedEnd = end < 0 ? _text.Length : digits + end;
        _at = digits;
        return true;
    }
}
