using System.Diagnostics;
using System.Runtime.CompilerServices;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Pools;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Redis;

/// <summary>What a server connection must be like to serve a client's commands.</summary>
/// <param name="Share">The server.</param>
/// <param name="Protocol">RESP 2 or 3.</param>
/// <param name="Number">The number of the database.</param>
/// <param name="ReadsReplica">Whether a cluster's replica is to answer.</param>
internal readonly record struct LinkKey(ServerShare Share, int Protocol, int Number, bool ReadsReplica);

/// <summary>
/// A server connection at work: commands of many clients, or of one, pipelined; each reply goes to whoever's turn it is. Commands are taken while the connection is still being opened. What
/// all clients of a turn wrote is sent by one call at its end.
/// </summary>
internal sealed partial class RedisLink : ITurnEnd
{
    /// <summary>Bytes that wait for the server before clients must wait: a few round trips' worth at any speed.</summary>
    private const int Congested = 4 << 20;

    /// <summary>Bytes of a header that has not ended: the scanner's own bound and a block.</summary>
    private const int MostPending = 256 << 10;

    /// <summary>Between two tries for a primary that is away.</summary>
    private const long RetryMs = 100;

    private readonly RedisLoop _redis;
    private ServerPool _pool;
    private readonly LoopSignal _resume;
    private readonly RespReplyScanner _scanner = new();
    private readonly List<RedisSession> _waiting = [];
    private RedisServer? _server;
    private SendQueue _out;
    private RedisTicket? _head, _tail;
    private RedisSession? _pausedFor;
    private (string Fault, bool Queued)? _unopened;
    private bool _touched, _sending, _taking, _releaseWhenIdle;

    public RedisLink(RedisLoop redis, in LinkKey key, RedisSession? owner)
    {
        _redis = redis;
        Key = key;
        Owner = owner;
        _pool = redis.Db.Pool(key.Share);
        _resume = new LoopSignal(redis.Db.Loop);
        LastProgress = redis.Db.Loop.NowMs;
    }

    public LinkKey Key { get; private set; }

    /// <summary>The session that has it to itself; null when it is shared.</summary>
    public RedisSession? Owner { get; private set; }

    /// <summary>Replies that are awaited.</summary>
    public int Count { get; private set; }

    public bool IsClosed { get; private set; }

    /// <summary>Whether nobody new is to use it: it is old, or its configuration is.</summary>
    public bool IsRetired { get; private set; }

    public bool IsIdle => Count == 0 && _out.Length == 0;

    public bool IsCongested => _out.Length > Congested;

    public bool IsOpen => _server is not null;

    /// <summary>When a reply last came, or the first command after none was awaited; the loop's milliseconds.</summary>
    public long LastProgress { get; private set; }

    /// <summary>When it is to be retired; the loop's milliseconds.</summary>
    public long EndsAt => _server?.EndsAt ?? long.MaxValue;

    /// <summary>Opens it, and serves until it is closed.</summary>
    public async Task RunAsync()
    {
        try
        {
            ServerResult result = await AcquireAsync();
            if (result.Connection is not RedisServer server)
            {
                Unopened(result.Fault, result.Queued);
                return;
            }

            long deadline = _redis.Db.Loop.NowMs + (long)Key.Share.Target.Database.Pool.ConnectTimeout.TotalMilliseconds;
            string? fault = await RedisLogin.SetUpAsync(server, Key.Protocol, Key.Number, Key.ReadsReplica, deadline);
            if (IsClosed)
            {
                _pool.Release(server, reusable: fault is null);
                return;
            }

            if (fault is not null)
            {
                _pool.Release(server, reusable: false);
                Unopened(fault, queued: false);
                return;
            }

            _server = server;
            LastProgress = _redis.Db.Loop.NowMs;
            Touch();
            await ReadAsync(server);
        }
        catch (Exception e)
        {
            _redis.Db.ReportDefect(e);
            Fail("defect");
        }
    }

    /// <summary>
    /// Gets the connection. Nothing was sent yet, so a primary that is away is waited for as long as for a free connection, where another server may take its place; that one is gone to then.
    /// </summary>
    private async ValueTask<ServerResult> AcquireAsync()
    {
        long deadline = _redis.Db.Loop.NowMs + (long)Key.Share.Target.Database.Pool.QueueTimeout.TotalMilliseconds;
        bool isPrimary = Key.Share == Key.Share.Target.Primary;
        while (true)
        {
            ServerResult result = await _pool.AcquireAsync(this);
            if (result.Connection is not null || result.Queued || IsClosed || !isPrimary || !Key.Share.Target.IsLookedAfter || _redis.Db.Loop.NowMs >= deadline) return result;
            await _resume.WaitAsync(RetryMs);
            if (Key.Share.Target.Primary is var primary && primary == Key.Share) continue;

            // A shared connection to the new primary is there already, or will be: what waits goes over to it.
            if (Owner is null) return result;
            Key = Key with { Share = primary };
            _pool = _redis.Db.Pool(primary);
        }
    }

    /// <summary>Adds a command and the ticket of its reply.</summary>
    public void Add(ReadOnlySpan<byte> command, RedisTicket ticket)
    {
        Debug.Assert(!IsClosed, "a command was given to a closed connection");
        _out.Append(_redis.Db.Loop, command);
        Enqueue(ticket);
        Touch();
    }

    /// <summary>Has a session called when there is room again.</summary>
    public void Await(RedisSession session) => _waiting.Add(session);

    /// <summary>No new client uses it; it closes when nothing is awaited any more.</summary>
    public void Retire()
    {
        IsRetired = true;
        if (IsIdle) Release(reusable: false);
    }

    /// <summary>Its session has no more use for it.</summary>
    /// <param name="reusable">Whether the connection is as one that was just opened.</param>
    public void Release(bool reusable)
    {
        if (IsClosed) return;
        reusable &= IsIdle && !_scanner.IsMidway && _pausedFor is null;
        Close();
        if (_server is not { } server) return;
        server.Connection.CancelRead();
        reusable &= server.Input.IsEmpty && !server.ReadsReplica;
        if (_taking) _releaseWhenIdle = reusable;
        else GiveBack(server, reusable);
    }

    /// <summary>The connection is lost: what was on it is lost with it, and never sent again.</summary>
    public void Fail(string reason)
    {
        if (IsClosed) return;
        _redis.Db.Metrics.BackendError(Key.Share.Target.Database.Name, reason);
        RedisTicket? lost = _head;
        _head = _tail = null;
        Count = 0;
        Release(reusable: false);
        FailAll(lost, reason == "timeout" ? "the server does not answer; whether the command took effect is not known" : "the connection to the server was lost; whether the command took effect is not known");
        Owner?.OwnLost(this);
    }

    /// <summary>What was gathered is sent.</summary>
    public void OnTurnEnd()
    {
        _touched = false;
        if (_unopened is { } why && !IsClosed) GiveUp(why.Fault, why.Queued);
        if (_server is null || _sending || IsClosed) return;
        int result = _out.Flush(_server.Connection);
        if (result == -Errno.EAGAIN) _ = SendRestAsync(_server);
        else if (result < 0) _server.Connection.ShutdownSend();
        else Roomy();
    }

    /// <summary>A client that read too slowly reads again, or is gone.</summary>
    public void Resume(RedisSession session)
    {
        if (_pausedFor != session) return;
        _pausedFor = null;
        _resume.Complete(0);
    }

    private async Task SendRestAsync(RedisServer server)
    {
        _sending = true;
        while (!IsClosed)
        {
            int ready = await server.Connection.WritableAsync(_redis.Db.Settings.StallMs);
            if (IsClosed) break;
            int result = ready < 0 ? ready : _out.Flush(server.Connection);
            if (result == -Errno.EAGAIN) continue;
            _sending = false;
            if (result < 0) Fail(result == -Errno.ETIMEDOUT ? "timeout" : "closed");
            else Roomy();
            return;
        }

        _sending = false;
    }

    private void Roomy()
    {
        if (_waiting.Count == 0) return;
        foreach (RedisSession session in _waiting) session.Touch();
        _waiting.Clear();
    }

    private void Touch()
    {
        if (_touched) return;
        _touched = true;
        _redis.Db.Loop.AtTurnEnd(this);
    }

    private void Enqueue(RedisTicket ticket)
    {
        if (Count == 0) LastProgress = _redis.Db.Loop.NowMs;
        if (_tail is null) _head = ticket;
        else _tail.LinkNext = ticket;
        _tail = ticket;
        Count++;
    }

    /// <summary>It could not be opened. Whoever asked for it may not have put a command on it yet: so this turn ends first.</summary>
    private void Unopened(string fault, bool queued)
    {
        _unopened = (fault, queued);
        Touch();
    }

    /// <summary>It never opened, so nothing was sent: reads that wait for a replica go to the primary, everything else is told why.</summary>
    private void GiveUp(string fault, bool queued)
    {
        _redis.Db.Metrics.BackendError(Key.Share.Target.Database.Name, queued ? "queue" : "connect");
        RedisTicket? first = _head;
        _head = _tail = null;
        Count = 0;
        if (Owner is null && Key.Share.Target.Primary is { } primary && primary != Key.Share && !Key.Share.Target.Database.RedisCluster && !IsRetired)
        {
            RedisLink other = _redis.Shared(Key with { Share = primary });
            other._out.Take(_redis.Db.Loop, ref _out);
            for (RedisTicket? ticket = first; ticket is not null;)
            {
                RedisTicket? next = ticket.LinkNext;
                ticket.LinkNext = null;
                other.Enqueue(ticket);
                ticket = next;
            }

            other.Touch();
            Close();
            return;
        }

        Close();
        FailAll(first, fault);
        Owner?.OwnLost(this);
    }

    private void FailAll(RedisTicket? ticket, string fault)
    {
        byte[]? error = null;
        while (ticket is not null)
        {
            RedisTicket? next = ticket.LinkNext;
            ticket.LinkNext = null;
            error ??= RedisErrors.Lost(fault);
            if (ticket.Session is { } session) session.Lost(ticket, error);
            else _redis.Return(ticket);
            ticket = next;
        }
    }

    private void Close()
    {
        if (IsClosed) return;
        IsClosed = true;
        _redis.Forget(this);
        _pool.Cancel(this);
        _out.Release();
        _pausedFor = null;
        _resume.Complete(-Errno.ECANCELED);
        for (RedisTicket? ticket = _head; ticket is not null;)
        {
            RedisTicket? next = ticket.LinkNext;
            ticket.LinkNext = null;
            if (ticket.Session is null) _redis.Return(ticket);
            ticket = next;
        }

        _head = _tail = null;
        Count = 0;
        Roomy();
    }

    private void GiveBack(RedisServer server, bool reusable)
    {
        if (server.Input.IsEmpty) server.Input.Release();
        _pool.Release(server, reusable);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> ReadAsync(RedisServer server)
    {
        while (!IsClosed)
        {
            int n = server.Input.TryFill(server.Connection, MostPending);
            if (n > 0)
            {
                _taking = true;
                string? fault = Take(server);
                _taking = false;
                if (IsClosed)
                {
                    GiveBack(server, _releaseWhenIdle);
                    return 0;
                }

                if (fault is not null)
                {
                    Fail(fault);
                    return 0;
                }

                // A client that reads too slowly holds up the others only so long.
                while (_pausedFor is { } slow)
                {
                    if (await _resume.WaitAsync(RedisLimits.SlowReaderMs) != -Errno.ETIMEDOUT || _pausedFor != slow) continue;
                    _pausedFor = null;
                    slow.CutSlow();
                }

                continue;
            }

            if (n == -Errno.EAGAIN)
            {
                if (server.Input.IsEmpty) server.Input.Release();
                n = await server.Connection.ReadableAsync(0);
                if (n == 0) continue;
                if (n == -Errno.ECANCELED) return 0;
            }

            Fail(n == -Errno.ENOBUFS ? "malformed" : "closed");
        }

        return 0;
    }
}
