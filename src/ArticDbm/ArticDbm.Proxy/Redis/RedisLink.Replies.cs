using System.Diagnostics;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Proxy.Redis;

/// <content>Replies, each to whoever's turn it is.</content>
internal sealed partial class RedisLink
{
    private bool _inPush, _isConfirmation, _swallowedError;

    /// <summary>Deals out what is here.</summary>
    /// <returns>Null, or the reason why the connection is of no use any more.</returns>
    private string? Take(RedisServer server)
    {
        ReadOnlySpan<byte> data = server.Input.Pending;
        long now = Stopwatch.GetTimestamp();
        LastProgress = _redis.Db.Loop.NowMs;
        int at = 0;
        string? fault = null;
        while (at < data.Length && fault is null && !IsClosed)
        {
            ReadOnlySpan<byte> rest = data[at..];
            PushWord word = PushWord.None;
            if (!_scanner.IsMidway)
            {
                if (!Begins(rest, out word)) break;
                _isConfirmation = word == PushWord.Confirmation;
                _inPush = word is PushWord.Message || (word == PushWord.Confirmation && _head?.Kind != TicketKind.Subscription);
            }

            RespStatus status = _scanner.Scan(rest, out int used);
            if (status is RespStatus.Malformed or RespStatus.TooLarge) fault = "malformed";
            else if (used == 0) break;
            else if (!Deal(rest[..used], status == RespStatus.Ok, now)) fault = "unexpected";
            if (_isConfirmation && status == RespStatus.Ok) Owner?.Confirmed(rest[..used]);
            at += used;
        }

        // Whoever closed it has not touched the input while it was looked at.
        server.Input.Consume(at);
        return fault;
    }

    /// <summary>Looks whether a reply that begins here was asked for.</summary>
    /// <returns>False when more must come before that can be told.</returns>
    private bool Begins(ReadOnlySpan<byte> rest, out PushWord word)
    {
        word = PushWord.None;
        byte type = rest[0];
        if (type == (byte)'>' || (type == (byte)'*' && Owner is { Listens: true })) return PushWords.TryRead(rest, out word);
        if (type == (byte)'+' && Owner is { Monitors: true })
        {
            int end = rest.IndexOf((byte)'\n');
            if (end < 0) return rest.Length > RespReplyScanner.MaxLine;

            // 1339518083.107412 [0 127.0.0.1:60866] "keys" "*"
            if (end > 4 && char.IsAsciiDigit((char)rest[1]) && rest[..end].IndexOf(" ["u8) > 0) word = PushWord.Message;
        }

        return true;
    }

    private bool Deal(ReadOnlySpan<byte> data, bool last, long now)
    {
        if (_inPush)
        {
            // Nobody has asked for it on a shared connection.
            Owner?.Push(data);
            if (last) _inPush = false;
            return true;
        }

        if (_head is not { } ticket) return false;
        if (ticket.Session is { } session && ticket.Kind is TicketKind.Pass or TicketKind.Subscription or TicketKind.Part)
        {
            if (last) Dequeue(ticket);
            if (!session.Deliver(this, ticket, data, last, now)) _pausedFor = session;
            return true;
        }

        if (ticket.Kind == TicketKind.MustSucceed && !ticket.HasBegun && data[0] == (byte)'-') _swallowedError = true;
        ticket.HasBegun = true;
        if (!last) return true;
        Dequeue(ticket);
        _redis.Return(ticket);
        Owner?.Touch();
        return !_swallowedError;
    }

    private void Dequeue(RedisTicket ticket)
    {
        _head = ticket.LinkNext;
        if (_head is null) _tail = null;
        ticket.LinkNext = null;
        Count--;
    }
}

/// <summary>What an array of the server's is when the client listens to channels.</summary>
internal enum PushWord
{
    /// <summary>A reply.</summary>
    None,

    /// <summary>Something that nobody asked for: a message, an invalidation.</summary>
    Message,

    /// <summary>That a subscription has begun or ended.</summary>
    Confirmation,
}

/// <summary>Tells messages of channels from replies by their first element (Redis documentation, "Pub/Sub", "Format of pushed messages").</summary>
internal static class PushWords
{
    private const int Longest = 40;

    /// <summary>Looks at the head of an array or push.</summary>
    /// <returns>False when more bytes are needed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> data, out PushWord word)
    {
        word = PushWord.None;
        bool isPush = data[0] == (byte)'>';
        int first = data.IndexOf((byte)'\n');
        if (first < 0) return data.Length > Longest;
        ReadOnlySpan<byte> rest = data[(first + 1)..];
        if (rest.IsEmpty && data.Length < 5) return data[1] is (byte)'0' or (byte)'-';
        if (rest.IsEmpty) return false;
        if (rest[0] is not ((byte)'$' or (byte)'+'))
        {
            word = isPush ? PushWord.Message : PushWord.None;
            return true;
        }

        if (rest[0] == (byte)'$')
        {
            int second = rest.IndexOf((byte)'\n');
            if (second < 0) return false;
            rest = rest[(second + 1)..];
        }
        else
        {
            rest = rest[1..];
        }

        int end = rest.IndexOf((byte)'\r');
        if (end < 0 && rest.Length < Longest) return false;
        ReadOnlySpan<byte> text = end < 0 ? rest : rest[..end];
        if (text.EndsWith("subscribe"u8)) word = PushWord.Confirmation;
        else if (isPush || text.SequenceEqual("message"u8) || text.SequenceEqual("pmessage"u8) || text.SequenceEqual("smessage"u8)) word = PushWord.Message;
        return true;
    }
}
