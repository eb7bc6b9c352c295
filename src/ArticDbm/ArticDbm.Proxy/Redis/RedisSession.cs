using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Redis;

/// <summary>
/// One client of Redis' protocol. Its ordinary commands share few server connections with everybody else's; what needs a connection of its own (transactions, blocking commands, pub/sub, MONITOR, tracking)
/// gets one for as long as it does. Replies come back in the client's order, wherever they come from.
/// </summary>
internal sealed partial class RedisSession : DbSession, ITurnEnd
{
    private enum Step
    {
        /// <summary>The command is done with; on to the next.</summary>
        Next,

        /// <summary>Bytes are needed.</summary>
        NeedMore,

        /// <summary>Replies must come first; the command is looked at again then.</summary>
        Wait,

        /// <summary>The command takes waiting of its own.</summary>
        Slow,

        /// <summary>The session is over.</summary>
        Over,
    }

    private readonly RespRequestReader _reader = new();
    private readonly LoopSignal _room;
    private readonly RespWriter _say = new();
    private StreamInput _input;
    private SendQueue _out;
    private RedisTicket? _head, _tail;
    private int _inFlight;
    private long _held, _now;
    private bool _touched, _sending, _closing, _cut, _waitsForAll;
    private RedisLink? _crowded;
    private int _protocol = 2;
    private string _name = "";

    public RedisSession(DbLoop db, TcpConnection client, DbListener listener)
        : base(db, client, listener)
    {
        _room = new LoopSignal(db.Loop);
        client.ClosedState = this;
        client.OnClosed = static c => ((RedisSession)c.ClosedState!)._room.Complete(-Errno.ECANCELED);
    }

    /// <summary>Who only listens loses nothing that a server would have kept.</summary>
    protected override bool IsBusy => _inFlight > 0 || _multi != Multi.None || _watching;

    private bool MustWait => (_waitsForAll && (_inFlight > 0 || _own is { IsIdle: false })) || _inFlight >= RedisLimits.InFlight || _out.Length + _held > RedisLimits.EnoughOut || _crowded is { IsCongested: true, IsClosed: false };

    /// <summary>Has what is to be done at the end of the turn done then.</summary>
    public void Touch()
    {
        if (_touched) return;
        _touched = true;
        Db.Loop.AtTurnEnd(this);
    }

    /// <summary>Replies go out, the server connection back, and the client is read again.</summary>
    public void OnTurnEnd()
    {
        _touched = false;
        if (Client.IsClosed) return;
        if (_cut)
        {
            Client.Abort();
            return;
        }

        if (!_sending && _out.Length > 0)
        {
            int result = _out.Flush(Client);
            if (result == -Errno.EAGAIN)
            {
                _ = SendRestAsync();
            }
            else if (result < 0)
            {
                Client.Abort();
                return;
            }
        }

        Settle();
        if (_room.IsWaiting && !MustWait) _room.Complete(0);
        else if (Ending && LoggedIn && !IsBusy && _out.Length == 0 && !Client.IsClosed) EndIdle();
    }

    /// <summary>It has read too slowly while others waited.</summary>
    public void CutSlow()
    {
        _cut = true;
        Db.Metrics.BackendError(Target.Database.Name, "slow-reader");
        Touch();
    }

    protected override void SayGoodbye(string why) => Client.TrySend(RedisErrors.Make("ERR " + why));

    protected override async ValueTask<int> ServeAsync()
    {
        while (!Client.IsClosed)
        {
            switch (LoggedIn ? TakeAll() : Step.Slow)
            {
                case Step.NeedMore:
                    if (await FillAsync(_inFlight == 0 && _own is null ? Db.Settings.ClientIdleMs : 0) < 0) return 0;
                    break;
                case Step.Wait:
                    if (MustWait && await _room.WaitAsync() < 0) return 0;
                    break;
                case Step.Slow:
                    if (!LoggedIn ? !await LogInAsync() : !await TakeSlowlyAsync()) return await EndAsync();
                    break;
                default:
                    return await EndAsync();
            }
        }

        return 0;
    }

    /// <summary>Takes commands while there are whole ones.</summary>
    private Step TakeAll()
    {
        _now = Stopwatch.GetTimestamp();
        while (true)
        {
            if (MustWait) return Step.Wait;
            _waitsForAll = false;
            _crowded = null;
            RespStatus status = _reader.Read(_input.Pending, RedisLimits.CommandBytes);
            if (status == RespStatus.NeedMore) return Step.NeedMore;
            if (status != RespStatus.Ok) return Broken(status);
            Step step = _reader.Count == 0 ? Step.Next : Take(_input.Pending[.._reader.Length]);
            if (step != Step.Next) return step;
            Consume();
        }
    }

    private void Consume()
    {
        _input.Consume(_reader.Length);
        _reader.Reset();
    }

    private Step Broken(RespStatus status)
    {
        Say(RedisErrors.Make(status == RespStatus.TooLarge ? $"ERR Protocol error: a command has more than {RedisLimits.CommandBytes} bytes, or too many arguments" : "ERR Protocol error: this is no command"));
        return Step.Over;
    }

    /// <summary>Reads more of the client.</summary>
    /// <returns>Negative when it is gone.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> FillAsync(long timeoutMs)
    {
        while (true)
        {
            int before = _input.Length;
            int n = _input.TryFill(Client, LoggedIn ? RedisLimits.CommandBytes + RespRequestReader.MaxLine : RedisLimits.StrangerBytes + RespRequestReader.MaxLine);
            if (n > 0)
            {
                if (_input.Length >= _reader.Wanted) return 1;
                continue;
            }

            if (n != -Errno.EAGAIN) return -1;
            if (before == 0) _input.Release();
            if (await Client.ReadableAsync(timeoutMs) < 0) return -1;
        }
    }

    /// <summary>Lets what is under way come to its end, says it, and closes.</summary>
    private async ValueTask<int> EndAsync()
    {
        _closing = true;
        long deadline = Db.Loop.NowMs + Db.Settings.StallMs;
        while (!Client.IsClosed && (_inFlight > 0 || _out.Length > 0) && Db.Loop.NowMs < deadline)
        {
            Touch();
            if (await _room.WaitAsync(50) == -Errno.ECANCELED) return 0;
        }

        if (!Client.IsClosed) await Client.LingerAndCloseAsync();
        return 0;
    }

    private async Task SendRestAsync()
    {
        _sending = true;
        while (!Client.IsClosed)
        {
            int ready = await Client.WritableAsync(Db.Settings.StallMs);
            if (Client.IsClosed) return;
            int result = ready < 0 ? ready : _out.Flush(Client);
            if (_out.Length < RedisLimits.EnoughOut) ResumeLinks();
            if (result == -Errno.EAGAIN) continue;
            _sending = false;
            if (result < 0) Client.Abort();
            else Touch();
            return;
        }
    }

    protected override Task LeaveAsync()
    {
        // What is awaited stays in its connections' order, for nobody.
        for (RedisTicket? ticket = _head; ticket is not null;)
        {
            RedisTicket? next = ticket.Next;
            Abandon(ticket);
            ticket = next;
        }

        _head = _tail = null;
        _inFlight = 0;
        _own?.Release(reusable: _own.IsIdle && !HoldsState);
        _own = null;
        ResumeLinks();
        FlushTally();
        _input.Release();
        _out.Release();
        return Task.CompletedTask;
    }

    private void Abandon(RedisTicket ticket)
    {
        ticket.Next = null;
        if (ticket.Parts is { } parts)
        {
            foreach (RedisTicket? part in parts)
            {
                if (part is not { IsDone: false }) continue;
                part.Session = null;
                part.Whole = null;
                part.Kind = TicketKind.Drop;
            }
        }

        if (ticket.IsDone || ticket.Parts is not null)
        {
            Db.Redis.Return(ticket);
            return;
        }

        ticket.Session = null;
        ticket.Kind = TicketKind.Drop;
    }

    private void ResumeLinks()
    {
        _link?.Resume(this);
        _readLink?.Resume(this);
        _own?.Resume(this);
        if (_pausedLink is { } paused)
        {
            _pausedLink = null;
            paused.Resume(this);
        }
    }
}
