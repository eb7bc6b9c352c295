namespace MarchProxy.Edge.Waf;

/// <summary>
/// Looks through every spelling of a path that servers are known to read as another one: percent signs once and twice, backslashes, dot segments with
/// parameters, overlong UTF-8. One pass, no copy.
/// </summary>
internal ref struct PathInspector(ReadOnlySpan<byte> path)
{
    private readonly ReadOnlySpan<byte> _path = path;
    private int _at;

    /// <summary>A dot segment or a backslash was there.</summary>
    public bool Climbs { get; private set; }

    /// <summary>Bytes were spelled to deceive.</summary>
    public bool Deceives { get; private set; }

    /// <summary>Looks at the path, without its query.</summary>
    public static (bool Climbs, bool Deceives) Inspect(ReadOnlySpan<byte> path)
    {
        var inspector = new PathInspector(path);
        inspector.Run();
        return (inspector.Climbs, inspector.Deceives);
    }

    private void Run()
    {
        // A segment is dots alone, then perhaps parameters, which servlet containers cut off before they look at it.
        int dots = 0;
        bool onlyDots = true;
        var utf8 = default(Utf8State);
        while (_at < _path.Length)
        {
            byte b = Next();
            if (b is < 0x20 or 0x7F) Deceives = true;
            if (!utf8.Take(b)) Deceives = true;
            if (b == '\\') Climbs = true;
            if (b is (byte)'/' or (byte)'\\')
            {
                EndSegment(dots, onlyDots);
                dots = 0;
                onlyDots = true;
            }
            else if (b == '.' && onlyDots)
            {
                dots++;
            }
            else if (b == ';' && onlyDots)
            {
                EndSegment(dots, onlyDots);
                onlyDots = false;
            }
            else
            {
                onlyDots = false;
            }
        }

        EndSegment(dots, onlyDots);
        if (!utf8.IsComplete) Deceives = true;
    }

    private void EndSegment(int dots, bool onlyDots) => Climbs |= onlyDots && dots is 1 or 2;

    // RFC 3986 section 2.1: pct-encoded = "%" HEXDIG HEXDIG
    /// <summary>The next byte as a server may read it that decodes once, or one behind another that does it again.</summary>
    private byte Next()
    {
        byte b = _path[_at++];
        if (b != '%') return b;
        if (!TryHex(_at, out byte once))
        {
            Deceives = true;
            return b;
        }

        _at += 2;
        if (once != '%' || !TryHex(_at, out byte twice)) return once;

        // %25 and two digits is a percent sign encoded again. Only where that hides what matters is it no accident.
        if (twice is not ((byte)'.' or (byte)'/' or (byte)'\\' or (byte)'%' or < 0x20 or 0x7F)) return once;
        _at += 2;
        if (twice == '%') Deceives = true;
        return twice;
    }

    private readonly bool TryHex(int at, out byte value)
    {
        value = 0;
        if (at + 2 > _path.Length || !char.IsAsciiHexDigit((char)_path[at]) || !char.IsAsciiHexDigit((char)_path[at + 1])) return false;
        value = (byte)((Digit(_path[at]) << 4) | Digit(_path[at + 1]));
        return true;
    }

    private static int Digit(byte hex) => hex <= '9' ? hex - '0' : (hex | 0x20) - 'a' + 10;
}

/// <summary>Whether bytes are UTF-8: no overlong form, no surrogate, nothing above U+10FFFF (RFC 3629 section 4).</summary>
internal struct Utf8State
{
    private byte _left, _least, _most;

    /// <summary>No character is half-way.</summary>
    public readonly bool IsComplete => _left == 0;

    /// <summary>Takes the next byte; false when it cannot follow.</summary>
    public bool Take(byte b)
    {
        if (_left > 0)
        {
            bool fits = b >= _least && b <= _most;
            _left = fits ? (byte)(_left - 1) : (byte)0;
            (_least, _most) = (0x80, 0xBF);
            return fits;
        }

        (_least, _most) = (0x80, 0xBF);
        switch (b)
        {
            case < 0x80:
                return true;
            case >= 0xC2 and <= 0xDF:
                _left = 1;
                return true;
            case >= 0xE0 and <= 0xEF:
                _left = 2;
                if (b == 0xE0) _least = 0xA0;
                if (b == 0xED) _most = 0x9F;
                return true;
            case >= 0xF0 and <= 0xF4:
                _left = 3;
                if (b == 0xF0) _least = 0x90;
                if (b == 0xF4) _most = 0x8F;
                return true;
            default:
                return false;
        }
    }
}
