using System.Buffers.Text;
using System.Text;

namespace ArticDbm.Protocols.Redis;

/// <summary>Which arguments of a command are keys.</summary>
public ref struct RedisKeys
{
    private readonly RespRequestReader _request;
    private readonly ReadOnlySpan<byte> _data;
    private int _next, _last, _step, _extra;

    /// <summary>Looks where the keys of a command stand.</summary>
    /// <param name="command">The command.</param>
    /// <param name="request">Its arguments.</param>
    /// <param name="data">The bytes that they were read from.</param>
    public RedisKeys(RedisCommand command, RespRequestReader request, ReadOnlySpan<byte> data)
    {
        _request = request;
        _data = data;
        _step = 1;
        _extra = -1;
        int count = request.Count;
        switch (command.Place)
        {
            case RedisKeyPlace.Counted or RedisKeyPlace.DestinationAndCounted:
                if (command.Place == RedisKeyPlace.DestinationAndCounted) _extra = 1;
                Counted(command.First);
                break;
            case RedisKeyPlace.Streams:
                int streams = Streams();
                _next = streams < 0 ? count : streams + 1;
                _last = streams < 0 ? -1 : streams + ((count - streams - 1) / 2);
                break;
            case RedisKeyPlace.Stored or RedisKeyPlace.Sort:
                _next = _last = 1;
                int store = Word("STORE"u8, 2);
                if (store < 0) store = Word("STOREDIST"u8, 2);
                if (store >= 0) _extra = store + 1;

                // Of several destinations the server takes the last; so that with several it takes the right to every key.
                IsOpen = store >= 0 && (Word("STORE"u8, store + 1) >= 0 || Word("STOREDIST"u8, store + 1) >= 0);
                if (command.Place == RedisKeyPlace.Sort) IsOpen |= Word("BY"u8, 2) >= 0 || Word("GET"u8, 2) >= 0;
                break;
            case RedisKeyPlace.Migrate:
                int keys = Word("KEYS"u8, 5);
                (_next, _last) = keys < 0 ? (3, 3) : (keys + 1, count - 1);
                break;
            default:
                if (command.First == 0)
                {
                    _last = -1;
                    break;
                }

                (_next, _last, _step) = (command.First, command.Last < 0 ? count + command.Last : command.Last, command.Step);
                break;
        }

        _last = Math.Min(_last, count - 1);
    }

    /// <summary>Whether it also touches keys that cannot be told from its arguments.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The argument that is the next key; zero when there is none left.</summary>
    public int Next()
    {
        if (_next > 0 && _next <= _last)
        {
            int key = _next;
            _next += _step;
            return key;
        }

        int extra = _extra;
        _extra = -1;
        return extra > 0 && extra < _request.Count ? extra : 0;
    }

    private void Counted(int at)
    {
        _next = at + 1;
        _last = -1;
        if (at >= _request.Count) return;
        ReadOnlySpan<byte> text = _request.Argument(_data, at);
        if (Utf8Parser.TryParse(text, out int count, out int used) && used == text.Length && count > 0) _last = (int)Math.Min(at + (long)count, int.MaxValue);
    }

    /// <summary>Where STREAMS stands, options before it passed over with their values: a group may be called STREAMS.</summary>
    private readonly int Streams()
    {
        for (int i = 1; i < _request.Count; i++)
        {
            ReadOnlySpan<byte> word = _request.Argument(_data, i);
            if (Ascii.EqualsIgnoreCase(word, "STREAMS"u8)) return i;
            if (Ascii.EqualsIgnoreCase(word, "GROUP"u8)) i += 2;
            else if (Ascii.EqualsIgnoreCase(word, "BLOCK"u8) || Ascii.EqualsIgnoreCase(word, "COUNT"u8)) i++;
        }

        return -1;
    }

    private readonly int Word(ReadOnlySpan<byte> word, int from)
    {
        for (int i = from; i < _request.Count; i++)
        {
            if (Ascii.EqualsIgnoreCase(_request.Argument(_data, i), word)) return i;
        }

        return -1;
    }
}
