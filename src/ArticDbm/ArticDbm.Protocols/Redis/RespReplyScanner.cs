namespace ArticDbm.Protocols.Redis;

/// <summary>
/// Finds where a server's reply ends (RESP2, and RESP3's types of the specification's table "RESP protocol description"), of any type and nesting, without allocation and whatever the cuts: what is
/// known to belong to the reply can go on before the rest has come. One for a connection.
/// </summary>
/// <remarks>
/// <code>
/// + - : , # _ (          a line                     $ = !    length, bytes, CRLF; "$?" then ";" chunks up to ";0"
/// * ~ >                  count elements             %        count pairs; "?" in place of a count: elements up to "."
/// |                      count pairs, an attribute: the reply itself follows
/// </code>
/// </remarks>
public sealed class RespReplyScanner
{
    /// <summary>Levels of nesting: more than any command of Redis' makes; a script that nests deeper ends its connection.</summary>
    public const int MaxDepth = 128;

    /// <summary>Bytes of a line at most: simple strings and errors are short, but a script's error may carry its text.</summary>
    public const int MaxLine = 64 << 10;

    /// <summary>Bytes of a bulk string at most: four times what Redis takes of one by default.</summary>
    private const long MaxBulk = 2L << 30;

    private const long Streamed = -1, StreamedString = -2;

    /// <summary>Elements that each open aggregate still lacks; allocated when a reply nests for the first time.</summary>
    private long[] _lacking = [];
    private int _depth;
    private long _skip;
    private bool _begun;

    /// <summary>Whether part of a reply has been seen, and not its end.</summary>
    public bool IsMidway => _begun;

    /// <summary>Goes on in a reply.</summary>
    /// <param name="data">What is here, from where the last look stopped.</param>
    /// <param name="used">Bytes of it that belong to the reply and were looked at.</param>
    /// <returns>Ok when the reply ends there.</returns>
    public RespStatus Scan(ReadOnlySpan<byte> data, out int used)
    {
        used = 0;
        while (true)
        {
            if (_skip > 0)
            {
                int pass = (int)Math.Min(_skip, data.Length - used);
                _skip -= pass;
                used += pass;
                if (_skip > 0) return RespStatus.NeedMore;
                if (Completed()) return RespStatus.Ok;
            }

            if (used == data.Length) return RespStatus.NeedMore;
            RespStatus status = Element(data, ref used);
            if (status == RespStatus.NeedMore) return data.Length - used > MaxLine ? RespStatus.Malformed : status;
            if (status != RespStatus.Ok) return status;
            if (!_begun) return RespStatus.Ok;
        }
    }

    /// <summary>Reads one element's header, or all of it when it is a line.</summary>
    /// <returns>Ok when it was read: then either bytes are to be skipped, or more elements follow, or the reply is over.</returns>
    private RespStatus Element(ReadOnlySpan<byte> data, ref int used)
    {
        byte type = data[used];
        switch (type)
        {
            case (byte)'+' or (byte)'-' or (byte)':' or (byte)',' or (byte)'#' or (byte)'_' or (byte)'(':
                int end = data[used..].IndexOf((byte)'\n');
                if (end < 0) return RespStatus.NeedMore;
                if (data[used + end - 1] != (byte)'\r') return RespStatus.Malformed;
                used += end + 1;
                _begun = true;
                Completed();
                return RespStatus.Ok;
            case (byte)'$' or (byte)'=' or (byte)'!':
                return Bulk(data, ref used);
            case (byte)'*' or (byte)'~' or (byte)'>' or (byte)'%' or (byte)'|':
                return Aggregate(data, ref used, type);
            case (byte)';' when _depth > 0 && _lacking[_depth - 1] == StreamedString:
                return Chunk(data, ref used);
            case (byte)'.' when _depth > 0 && _lacking[_depth - 1] == Streamed:
                if (data.Length - used < 3) return RespStatus.NeedMore;
                if (data[used + 1] != (byte)'\r' || data[used + 2] != (byte)'\n') return RespStatus.Malformed;
                used += 3;
                _depth--;
                Completed();
                return RespStatus.Ok;
            default:
                return RespStatus.Malformed;
        }
    }

    private RespStatus Bulk(ReadOnlySpan<byte> data, ref int used)
    {
        if (IsStreamed(data, used, out RespStatus streamed)) return Open(ref used, StreamedString, 4);
        if (streamed != RespStatus.Ok) return streamed;
        RespStatus status = RespNumber.Read(data, used + 1, out long length, out int next);
        if (status != RespStatus.Ok) return status;
        if (length is < -1 or > MaxBulk) return RespStatus.Malformed;
        used = next;
        _begun = true;
        if (length < 0) Completed();
        else _skip = length + 2;
        return RespStatus.Ok;
    }

    private RespStatus Chunk(ReadOnlySpan<byte> data, ref int used)
    {
        RespStatus status = RespNumber.Read(data, used + 1, out long length, out int next);
        if (status != RespStatus.Ok) return status;
        if (length is < 0 or > MaxBulk) return RespStatus.Malformed;
        used = next;
        if (length == 0)
        {
            _depth--;
            Completed();
        }
        else
        {
            _skip = length + 2;
        }

        return RespStatus.Ok;
    }

    private RespStatus Aggregate(ReadOnlySpan<byte> data, ref int used, byte type)
    {
        if (IsStreamed(data, used, out RespStatus streamed)) return Open(ref used, Streamed, 4);
        if (streamed != RespStatus.Ok) return streamed;
        RespStatus status = RespNumber.Read(data, used + 1, out long count, out int next);
        if (status != RespStatus.Ok) return status;
        if (count < -1 || count > int.MaxValue) return RespStatus.Malformed;

        // What an attribute is about follows it, as if it were its last element.
        long elements = type == (byte)'%' ? 2 * count : type == (byte)'|' ? (2 * count) + 1 : count;

        int length = next - used;
        if (elements <= 0)
        {
            used = next;
            _begun = true;
            Completed();
            return RespStatus.Ok;
        }

        return Open(ref used, elements, length);
    }

    private RespStatus Open(ref int used, long elements, int length)
    {
        if (_depth == MaxDepth) return RespStatus.Malformed;
        if (_depth == _lacking.Length) Array.Resize(ref _lacking, Math.Max(8, _depth * 2));
        _lacking[_depth++] = elements;
        used += length;
        _begun = true;
        return RespStatus.Ok;
    }

    private static bool IsStreamed(ReadOnlySpan<byte> data, int at, out RespStatus status)
    {
        status = RespStatus.Ok;
        if (at + 1 >= data.Length || data[at + 1] != (byte)'?') return false;
        if (data.Length - at < 4) status = RespStatus.NeedMore;
        else if (data[at + 2] != (byte)'\r' || data[at + 3] != (byte)'\n') status = RespStatus.Malformed;
        return status == RespStatus.Ok;
    }

    /// <summary>An element has ended, and with it perhaps those around it.</summary>
    /// <returns>Whether the reply is over.</returns>
    private bool Completed()
    {
        while (_depth > 0)
        {
            if (_lacking[_depth - 1] < 0) return false;
            if (--_lacking[_depth - 1] > 0) return false;
            _depth--;
        }

        _begun = false;
        return true;
    }
}
