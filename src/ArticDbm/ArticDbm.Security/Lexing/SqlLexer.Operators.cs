namespace ArticDbm.Security.Lexing;

internal ref partial struct SqlLexer
{
    private void Operator(ref Token token, byte b)
    {
        if (_dialect == SqlDialect.PostgreSql)
        {
            if (!IsPostgresOperator(b)) Strange(ref token);
            else PostgresOperator(ref token);
            return;
        }

        (Op op, int length) = (b, Peek(1)) switch
        {
            ((byte)'<', (byte)'=') => Peek(2) == '>' ? (Op.NullSafeEqual, 3) : (Op.LessEqual, 2),
            ((byte)'<', (byte)'>') or ((byte)'!', (byte)'=') => (Op.NotEqual, 2),
            ((byte)'>', (byte)'=') => (Op.GreaterEqual, 2),
            ((byte)'!', (byte)'<') => (Op.GreaterEqual, 2),
            ((byte)'!', (byte)'>') => (Op.LessEqual, 2),
            ((byte)'|', (byte)'|') => (Op.Pipes, 2),
            ((byte)'&', (byte)'&') => (Op.Ampersands, 2),
            ((byte)'<', (byte)'<') or ((byte)'>', (byte)'>') => (Op.Other, 2),
            ((byte)'-', (byte)'>') => (Op.Other, Peek(2) == '>' ? 3 : 2),
            ((byte)'+' or (byte)'-' or (byte)'*' or (byte)'/' or (byte)'%' or (byte)'&' or (byte)'|' or (byte)'^', (byte)'=') when _dialect == SqlDialect.TSql => (Op.Assign, 2),
            _ => (Single(b), 1),
        };
        if (op == Op.Other && length == 1) Strange(ref token);
        else Take(ref token, TokenKind.Operator, length, op);
    }

    private void Strange(ref Token token)
    {
        Faults |= LexFault.UnknownByte;
        One(ref token, TokenKind.Unknown);
    }

    /// <summary>
    /// PostgreSQL 4.1.3: the longest run of operator characters; a comment ends it, and a trailing sign belongs to it only when it has one of <c>~ ! @ # % ^ &amp; | ` ?</c>.
    /// </summary>
    private void PostgresOperator(ref Token token)
    {
        int end = _at;
        bool special = false;
        while (end < _text.Length && IsPostgresOperator(_text[end]))
        {
            byte next = end + 1 < _text.Length ? _text[end + 1] : (byte)0;
            if (end > _at && ((_text[end] == '-' && next == '-') || (_text[end] == '/' && next == '*'))) break;
            special |= _text[end] is (byte)'~' or (byte)'!' or (byte)'@' or (byte)'#' or (byte)'%' or (byte)'^' or (byte)'&' or (byte)'|' or (byte)'`' or (byte)'?';
            end++;
        }

        while (!special && end > _at + 1 && _text[end - 1] is (byte)'+' or (byte)'-' && end > _at + 1) end--;
        ReadOnlySpan<byte> run = _text[_at..end];
        Op op = run.Length switch
        {
            1 => Single(run[0]),
            2 => (run[0], run[1]) switch
            {
                ((byte)'<', (byte)'=') => Op.LessEqual,
                ((byte)'>', (byte)'=') => Op.GreaterEqual,
                ((byte)'<', (byte)'>') or ((byte)'!', (byte)'=') => Op.NotEqual,
                ((byte)'|', (byte)'|') => Op.Pipes,
                ((byte)'&', (byte)'&') => Op.Ampersands,
                _ => Op.Other,
            },
            _ => Op.Other,
        };
        Take(ref token, TokenKind.Operator, run.Length, op);
    }

    private static bool IsPostgresOperator(byte b) => b is (byte)'+' or (byte)'-' or (byte)'*' or (byte)'/' or (byte)'<' or (byte)'>' or (byte)'=' or (byte)'~' or (byte)'!' or (byte)'@'
        or (byte)'#' or (byte)'%' or (byte)'^' or (byte)'&' or (byte)'|' or (byte)'`' or (byte)'?';

    private static Op Single(byte b) => b switch
    {
        (byte)'=' => Op.Equal,
        (byte)'<' => Op.Less,
        (byte)'>' => Op.Greater,
        (byte)'+' => Op.Plus,
        (byte)'-' => Op.Minus,
        (byte)'*' => Op.Star,
        (byte)'/' => Op.Slash,
        (byte)'%' => Op.Percent,
        (byte)'^' => Op.Caret,
        (byte)'&' => Op.Ampersand,
        (byte)'|' => Op.Pipe,
        (byte)'~' => Op.Tilde,
        (byte)'!' => Op.Bang,
        _ => Op.Other,
    };
}
