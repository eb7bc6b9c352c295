using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Proxy.Redis;

/// <content>Replies in the client's order.</content>
internal sealed partial class RedisSession
{
    private RedisLink? _pausedLink;

    /// <summary>Takes part of a reply, or its end.</summary>
    /// <returns>False when the connection should not be read until this client has caught up.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Deliver(RedisLink link, RedisTicket ticket, ReadOnlySpan<byte> data, bool last, long now)
    {
        if (last && ticket.Request is not null && !ticket.HasBegun && data[0] == (byte)'-' && Redirected(ticket, data)) return true;
        if (ticket == _head && ticket.Kind != TicketKind.Part)
        {
            if (data[0] == (byte)'-' && !ticket.HasBegun) Failed(ticket);
            ticket.HasBegun = true;
            _out.Append(Db.Loop, data);
            Touch();
            if (last)
            {
                if (ticket.Kind == TicketKind.Subscription) _subscriptions--;
                Pop(ticket, now);
                if (_head is { IsDone: true }) PopDone(now);
            }

            if (_out.Length <= RedisLimits.MostOut) return true;
            _pausedLink = link;
            return false;
        }

        HoldFor(ticket, data, last, now);
        return true;
    }

    /// <summary>Something that the server said unasked.</summary>
    public void Push(ReadOnlySpan<byte> data)
    {
        if (_cut || Client.IsClosed) return;
        _out.Append(Db.Loop, data);
        Touch();

        // As Redis' own limit for subscribers: who does not read is cut off, since nothing else holds messages back.
        if (_out.Length > RedisLimits.MostHeld) CutSlow();
    }

    /// <summary>A command's connection was lost, or never opened.</summary>
    public void Lost(RedisTicket ticket, byte[] error)
    {
        Failed(ticket);
        if (ticket.HasBegun)
        {
            // Half a reply has gone out: nothing that could follow would be understood.
            _cut = true;
            ticket.Session = null;
            if (ticket == _head) Pop(ticket, Stopwatch.GetTimestamp());
            Touch();
            return;
        }

        ticket.Unhold();
        long now = Stopwatch.GetTimestamp();
        HoldFor(ticket, error, last: true, now);
        if (_head is { IsDone: true }) PopDone(now);
    }

    /// <summary>Says something of our own, when its turn comes.</summary>
    private void Say(ReadOnlySpan<byte> reply)
    {
        if (_head is null)
        {
            _out.Append(Db.Loop, reply);
        }
        else
        {
            RedisTicket ticket = Db.Redis.Rent();
            ticket.Session = this;
            ticket.Command = RedisCommands.Ping;
            ticket.Hold(reply);
            ticket.IsDone = true;
            _held += reply.Length;
            Push(ticket);
        }

        Touch();
    }

    /// <summary>Says what was written.</summary>
    private void SayWritten()
    {
        Say(_say.Written);
        _say.Clear();
    }

    /// <summary>A ticket for the next reply.</summary>
    private RedisTicket NewTicket(RedisCommand command, TicketKind kind = TicketKind.Pass)
    {
        RedisTicket ticket = Db.Redis.Rent();
        ticket.Session = this;
        ticket.Command = command;
        ticket.Kind = kind;
        ticket.Arguments = _reader.Count;
        ticket.Started = _now;
        Push(ticket);
        return ticket;
    }

    private void Push(RedisTicket ticket)
    {
        if (_tail is null) _head = ticket;
        else _tail.Next = ticket;
        _tail = ticket;
        _inFlight++;
    }

    private void Pop(RedisTicket ticket, long now)
    {
        _head = ticket.Next;
        if (_head is null) _tail = null;
        _inFlight--;
        if (ticket.Started != 0) Tally(ticket.Command, ticket.Arguments, now - ticket.Started);
        Db.Redis.Return(ticket);
    }

    private void PopDone(long now)
    {
        while (_head is { IsDone: true } done)
        {
            _out.Append(Db.Loop, done.Held);
            _held -= done.HeldLength;
            Pop(done, now);
        }

        Touch();
    }

    private void HoldFor(RedisTicket ticket, ReadOnlySpan<byte> data, bool last, long now)
    {
        ticket.Hold(data);
        _held += data.Length;
        if (_held > RedisLimits.MostHeld && !_cut) CutSlow();
        if (!last) return;
        ticket.IsDone = true;
        if (ticket.Whole is { } whole)
        {
            if (--whole.Lacking > 0) return;
            Join(whole);
        }

        if (_head is { IsDone: true }) PopDone(now);
    }

    /// <summary>The parts of a split command have all been answered: one reply is made of theirs.</summary>
    private void Join(RedisTicket whole)
    {
        RedisParts.Join(whole, _say);
        foreach (RedisTicket? part in whole.Parts!)
        {
            _held -= part!.HeldLength;
            part.Started = 0;
            Db.Redis.Return(part);
        }

        whole.Parts = null;
        whole.Hold(_say.Written);
        whole.IsDone = true;
        _held += whole.HeldLength;
        _say.Clear();
    }

    /// <summary>A command was answered by an error: what was taken for granted is not so.</summary>
    private void Failed(RedisTicket ticket)
    {
        if (ReferenceEquals(ticket.Command, s_select)) _number = _numberBefore;
    }
}
