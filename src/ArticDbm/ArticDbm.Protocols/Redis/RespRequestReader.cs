namespace ArticDbm.Protocols.Redis;

/// <summary>What a look for a command found.</summary>
public enum RespStatus
{
    /// <summary>A whole one is here.</summary>
    Ok,

    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>It breaks the protocol.</summary>
    Malformed,

    /// <summary>It breaks a limit.</summary>
    TooLarge,
}

/// <summary>
/// Reads commands of clients (RESP specification, "Sending commands to a Redis server" and "Inline commands"): an array of bulk strings, or a line of words. It remembers where it
/// stopped: whatever the cuts, each byte is looked at once. Use one for a connection; the bytes given must begin with the command until it was read.
/// </summary>
/// <remarks>
/// <code>
/// command = "*" count CRLF count*("$" length CRLF bytes CRLF)  |  word *(blank word) [CR] LF
/// </code>
/// </remarks>
public sealed class RespRequestReader
{
    /// <summary>Arguments of one command at most: Redis' own bound.</summary>
    public const int MaxArguments = 1 << 20;

    /// <summary>Bytes of an inline command at most, and of a header line: Redis' PROTO_INLINE_MAX_SIZE.</summary>
    public const int MaxLine = 64 << 10;

    private const int Usual = 16, Keep = 1024;
    private int[] _places = new int[Usual];
    private int _at, _left = -1;

    /// <summary>Arguments of the command that was read, its name included; zero for an empty line, which is no command.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the command that was read.</summary>
    public int Length => _at;

    /// <summary>Whether it came as a line of words.</summary>
    public bool IsInline { get; private set; }

    /// <summary>How many bytes must be here before another look is of use.</summary>
    public int Wanted { get; private set; }

    /// <summary>The words of an inline command, unquoted; null otherwise.</summary>
    public byte[][]? Words { get; private set; }

    /// <summary>Makes ready for the next command.</summary>
    public void Reset()
    {
        _at = 0;
        _left = -1;
        Count = 0;
        IsInline = false;
        Wanted = 0;
        Words = null;
        if (_places.Length > Keep) _places = new int[Usual];
    }

    /// <summary>One argument of the command that was read.</summary>
    /// <param name="data">The bytes that it was read from.</param>
    /// <param name="index">Which; zero is the name.</param>
    public ReadOnlySpan<byte> Argument(ReadOnlySpan<byte> data, int index) =>
        Words is { } words ? words[index] : data.Slice(_places[2 * index], _places[(2 * index) + 1]);

    /// <summary>Looks for the rest of a command.</summary>
    /// <param name="data">What is here, from the command's first byte on.</param>
    /// <param name="maxBytes">Bytes of the whole command at most.</param>
    /// <param name="maxArguments">Arguments at most.</param>
    public RespStatus Read(ReadOnlySpan<byte> data, int maxBytes, int maxArguments = MaxArguments)
    {
        if (_left < 0)
        {
            if (data.IsEmpty) return Want(1);
            if (data[0] != (byte)'*') return ReadInline(data);
            RespStatus header = Number(data, 1, out long count, out int next);
            if (header != RespStatus.Ok) return header;
            if (count > maxArguments) return RespStatus.TooLarge;
            _at = next;
            _left = (int)Math.Max(0, count);
        }

        while (_left > 0)
        {
            if (_at >= data.Length) return Want(_at + 1);
            if (data[_at] != (byte)'$') return RespStatus.Malformed;
            RespStatus header = Number(data, _at + 1, out long length, out int start);
            if (header != RespStatus.Ok) return header;
            if (length < 0) return RespStatus.Malformed;
            if (length > maxBytes || start + length + 2 > maxBytes) return RespStatus.TooLarge;
            int end = start + (int)length;
            if (data.Length < end + 2) return Want(end + 2);
            if (data[end] != (byte)'\r' || data[end + 1] != (byte)'\n') return RespStatus.Malformed;
            if ((2 * Count) + 1 >= _places.Length) Array.Resize(ref _places, _places.Length * 2);
            _places[2 * Count] = start;
            _places[(2 * Count) + 1] = (int)length;
            Count++;
            _at = end + 2;
            _left--;
        }

        return RespStatus.Ok;
    }

    private RespStatus Want(int bytes)
    {
        Wanted = bytes;
        return RespStatus.NeedMore;
    }

    private RespStatus Number(ReadOnlySpan<byte> data, int at, out long value, out int next)
    {
        RespStatus status = RespNumber.Read(data, at, out value, out next);
        return status == RespStatus.NeedMore ? Want(data.Length + 1) : status;
    }

    private RespStatus ReadInline(ReadOnlySpan<byte> data)
    {
        int end = data.IndexOf((byte)'\n');
        if (end < 0) return data.Length > MaxLine ? RespStatus.TooLarge : Want(data.Length + 1);
        if (end > MaxLine) return RespStatus.TooLarge;
        ReadOnlySpan<byte> line = data[..end];
        if (line is [.., (byte)'\r']) line = line[..^1];
        if (InlineWords.Split(line) is not { } words) return RespStatus.Malformed;
        Words = words;
        Count = words.Length;
        IsInline = true;
        _at = end + 1;
        return RespStatus.Ok;
    }
}

/// <summary>Numbers in the headers of RESP: an optional sign, digits, CRLF.</summary>
internal static class RespNumber
{
    /// <summary>More digits than a length or count ever has.</summary>
    private const int MaxDigits = 19;

    public static RespStatus Read(ReadOnlySpan<byte> data, int at, out long value, out int next)
    {
        value = 0;
        next = at;
        int i = at;
        bool negative = i < data.Length && data[i] == (byte)'-';
        if (negative) i++;
        int first = i;
        for (; i < data.Length; i++)
        {
            uint digit = (uint)(data[i] - '0');
            if (digit > 9) break;
            if (i - first == MaxDigits - 1) return RespStatus.Malformed;
            value = (value * 10) + digit;
        }

        // Redis takes neither a leading zero nor "-0": what we take and it does not would cost a shared connection.
        if (i < data.Length && (i == first || data[i] != (byte)'\r' || (data[first] == (byte)'0' && (i - first > 1 || negative)))) return RespStatus.Malformed;
        if (i + 1 >= data.Length) return RespStatus.NeedMore;
        if (data[i + 1] != (byte)'\n') return RespStatus.Malformed;
        if (negative) value = -value;
        next = i + 2;
        return RespStatus.Ok;
    }
}
