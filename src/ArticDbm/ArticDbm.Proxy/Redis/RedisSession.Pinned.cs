using System.Text;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Redis;

/// <content>What needs a connection of its own, for as long as it does: transactions, blocking commands, pub/sub, MONITOR, tracking.</content>
internal sealed partial class RedisSession
{
    private enum Multi
    {
        /// <summary>No transaction.</summary>
        None,

        /// <summary>The client has said MULTI, and nothing since: the server has not heard of it.</summary>
        Begun,

        /// <summary>The server queues its commands.</summary>
        Open,
    }

    private static readonly byte[] s_multi = [.. "*1\r\n$5\r\nMULTI\r\n"u8], s_discard = [.. "*1\r\n$7\r\nDISCARD\r\n"u8], s_ping = [.. "*1\r\n$4\r\nPING\r\n"u8];

    private RedisLink? _own;
    private Multi _multi;
    private bool _aborted, _watching, _tracking, _dirty, _lost;

    private bool _subscribed, _shardSubscribed;
    private int _subscriptions;

    /// <summary>Whether it listens to channels, or has asked to.</summary>
    public bool Listens => _subscribed || _shardSubscribed || _subscriptions > 0;

    /// <summary>Whether it is told of every command (MONITOR).</summary>
    public bool Monitors { get; private set; }

    /// <summary>Whether the server keeps something for this session on its connection.</summary>
    private bool HoldsState => _multi != Multi.None || _watching || _tracking || _dirty || Listens || Monitors;

    /// <summary>The session's own connection was lost, or could not be had: what the server kept on it is gone, and the session with it.</summary>
    public void OwnLost(RedisLink link)
    {
        if (_own != link) return;
        _own = null;
        _lost |= HoldsState;
        ForgetState();
        Touch();
    }

    private void ForgetState()
    {
        _multi = Multi.None;
        _aborted = _watching = _tracking = _dirty = Monitors = _subscribed = _shardSubscribed = false;
        _subscriptions = 0;
    }

    /// <summary>A subscription has begun or ended: how many of its kind there are stands at its end.</summary>
    public void Confirmed(ReadOnlySpan<byte> confirmation)
    {
        bool any = !confirmation.EndsWith(":0\r\n"u8);
        if (confirmation.IndexOf("\nssubscribe\r"u8) >= 0 || confirmation.IndexOf("\nsunsubscribe\r"u8) >= 0) _shardSubscribed = any;
        else _subscribed = any;
    }

    /// <summary>Gives the connection back when nothing needs it any more.</summary>
    private void Settle()
    {
        if (_lost)
        {
            if (_out.Length == 0) Client.Close();
            return;
        }

        if (_own is not { IsIdle: true } own || HoldsState || Target.Database.Pool.Mode == DbPoolMode.Session) return;
        _own = null;
        own.Release(reusable: true);
        if (Ending && _inFlight == 0 && _out.Length == 0) EndIdle();
    }

    /// <summary>Takes a command that is not like all others, or comes while the session has a connection of its own.</summary>
    private Step TakeSpecial(RedisCommand command, ReadOnlySpan<byte> data)
    {
        if (command.Is(RedisTraits.Transaction)) return TakeTransaction(command, data);
        if (command.Is(RedisTraits.Own))
        {
            if (command.Name == "CLIENT|TRACKING") return Track(command, data);
            if (command.Name == "MONITOR") return Pinned(command, data, "monitor");
            bool passes = (command.Name == "PING" && (_multi != Multi.None || Listens)) || (command.Name == "SELECT" && _own is not null);
            if (!passes && _multi != Multi.None && command.Name is not ("QUIT" or "RESET")) return Abort($"ERR marchproxy: {command.Name.Replace('|', ' ')} is not carried within a transaction");
            if (!passes) return TakeOwn(command, data);
            if (command.Name == "SELECT" && Target.Database.NameOnServer.Length > 0) return Abort("NOPERM SELECT is not carried here (marchproxy: not-granted)");
            if (command.Name == "SELECT") _dirty = true;
        }

        if (_multi != Multi.None) return Queue(command, data);
        if (command.Is(RedisTraits.PubSub)) return Pinned(command, data, "pubsub");
        if (command.Is(RedisTraits.Blocking) || (command.Is(RedisTraits.BlocksWhenAsked) && Blocks(data))) return Pinned(command, data, "blocking");
        bool overCluster = Target.Database.RedisCluster && command.Join != RedisJoin.None && _own is null;
        if (command.Is(RedisTraits.Admin) && !overCluster) return Administer(command, data);
        if (_own is not null || Target.Database.Pool.Mode == DbPoolMode.Session) return Pinned(command, data, _own is null ? "session" : "");
        if (Target.Database.RedisCluster) return TakeForCluster(command, data);
        Forward(Ordinary(command), command, data, TicketKind.Pass);
        return Step.Next;
    }

    /// <summary>What works on the server, or is not known, may change or hold up its connection: none that is shared. Where that would last, nobody has it afterwards.</summary>
    private Step Administer(RedisCommand command, ReadOnlySpan<byte> data)
    {
        Step step = Pinned(command, data, "admin");
        if (step == Step.Next && (command.Is(RedisTraits.Unknown) || (command.Name == "SCRIPT" && _reader.Count > 1 && Ascii.EqualsIgnoreCase(_reader.Argument(data, 1), "DEBUG"u8)))) _dirty = true;
        return step;
    }

    private Step Abort(string error)
    {
        _aborted = true;
        return Answer(RedisErrors.Make(error));
    }

    private bool Blocks(ReadOnlySpan<byte> data)
    {
        for (int i = 1; i < _reader.Count; i++)
        {
            if (Ascii.EqualsIgnoreCase(_reader.Argument(data, i), "BLOCK"u8)) return true;
        }

        return false;
    }

    /// <summary>Sends a command over the session's own connection, which it gets now if it has none.</summary>
    private Step Pinned(RedisCommand command, ReadOnlySpan<byte> data, string reason)
    {
        if (Pin(command, data, reason) is { } wait) return wait;
        switch (reason)
        {
            case "pubsub":
                _subscriptions++;
                Forward(_own!, command, data, TicketKind.Subscription);
                return Step.Next;
            case "monitor":
                Monitors = true;
                break;
            case "blocking" when command.Name.StartsWith("WAIT", StringComparison.Ordinal):
                // WAIT counts from the last write that its connection knows of: any command before it brings that up to now.
                Unasked(s_ping, TicketKind.Drop);
                break;
        }

        Forward(_own!, command, data, TicketKind.Pass);
        return Step.Next;
    }

    /// <summary>Has the session get a connection of its own.</summary>
    /// <returns>Null when it has one; else what must come first.</returns>
    private Step? Pin(RedisCommand command, ReadOnlySpan<byte> data, string reason)
    {
        if (_own is not null) return _own.IsCongested ? Crowded(_own) : null;

        // What went over a shared connection is answered first: the server must see it first.
        if (_inFlight > 0)
        {
            _waitsForAll = true;
            return Step.Wait;
        }

        ServerShare share = Target.Primary;
        if (Target.Database.RedisCluster)
        {
            ClusterMap map = Db.Redis.Cluster(Target);
            if (!map.IsReady) return Step.Slow;
            int key = new RedisKeys(command, _reader, data).Next();
            share = (key > 0 && !command.Is(RedisTraits.Channels) ? map.Primary(RedisSlot.Of(_reader.Argument(data, key))) : command.Name == "SSUBSCRIBE" ? map.Primary(RedisSlot.Of(_reader.Argument(data, 1))) : map.Any()) ?? share;
        }

        _own = Db.Redis.Own(new LinkKey(share, _protocol, _number, ReadsReplica: false), this);
        if (reason.Length > 0) Db.Metrics.Pinned(reason);
        return null;
    }

    private Step Crowded(RedisLink link)
    {
        _crowded = link;
        link.Await(this);
        return Step.Wait;
    }

    /// <summary>Sends a command of our own over the session's connection.</summary>
    private void Unasked(byte[] command, TicketKind kind)
    {
        RedisTicket ticket = Db.Redis.Rent();
        ticket.Kind = kind;
        _own!.Add(command, ticket);
    }

    private Step Track(RedisCommand command, ReadOnlySpan<byte> data)
    {
        if (_multi != Multi.None) return Abort("ERR marchproxy: CLIENT TRACKING is not carried within a transaction");
        bool on = _reader.Count > 2 && Ascii.EqualsIgnoreCase(_reader.Argument(data, 2), "ON"u8), everything = false, elsewhere = false;
        for (int i = 3; i < _reader.Count; i++)
        {
            everything |= Ascii.EqualsIgnoreCase(_reader.Argument(data, i), "BCAST"u8);
            elsewhere |= Ascii.EqualsIgnoreCase(_reader.Argument(data, i), "REDIRECT"u8);
        }

        if (on && (_protocol != 3 || elsewhere)) return Answer(RedisErrors.Make("ERR marchproxy: CLIENT TRACKING is carried over RESP3 alone, without REDIRECT: connections of the server are not the client's"));
        if (on && everything && (_onEveryKey & DbActions.Read) == 0)
        {
            Refuse(command, "not-granted", "NOPERM CLIENT TRACKING with BCAST takes a grant of read on every key (marchproxy: not-granted)", null);
            return Step.Next;
        }

        if (!on && _own is null) return Answer(s_ok);
        if (Pin(command, data, "tracking") is { } wait) return wait;
        _tracking = on;
        _dirty |= !on;
        Forward(_own!, command, data, TicketKind.Pass);
        return Step.Next;
    }

    private Step TakeTransaction(RedisCommand command, ReadOnlySpan<byte> data)
    {
        switch (command.Name)
        {
            case "MULTI" when _multi != Multi.None:
                return Answer(RedisErrors.Make("ERR MULTI calls can not be nested"));
            case "MULTI" when Target.Database.Pool.Mode == DbPoolMode.Statement:
                Refuse(command, "statement-mode", "ERR transactions are not carried in the pool mode \"statement\" (marchproxy: statement-mode)", null);
                return Step.Next;
            case "MULTI":
                _multi = Multi.Begun;
                _aborted = false;
                return Answer(s_ok);
            case "WATCH" when _multi != Multi.None:
                return Answer(RedisErrors.Make("ERR WATCH inside MULTI is not allowed"));
            case "WATCH":
                if (Pin(command, data, "watch") is { } wait) return wait;
                _watching = true;
                Forward(_own!, command, data, TicketKind.Pass);
                return Step.Next;
            case "UNWATCH" when _multi != Multi.None:
                return Queue(command, data);
            case "UNWATCH" when !_watching:
                return Answer(s_ok);
            case "UNWATCH":
                _watching = false;
                Forward(_own!, command, data, TicketKind.Pass);
                return Step.Next;
            default:
                return EndTransaction(command, data);
        }
    }

    /// <summary>EXEC or DISCARD.</summary>
    private Step EndTransaction(RedisCommand command, ReadOnlySpan<byte> data)
    {
        bool executes = command.Name == "EXEC";
        if (_multi == Multi.None) return Answer(RedisErrors.Make($"ERR {command.Name} without MULTI"));
        if (executes && !_aborted && (_multi == Multi.Open || _watching))
        {
            if (_multi == Multi.Begun) Unasked(s_multi, TicketKind.MustSucceed);
            Forward(_own!, command, data, TicketKind.Pass);
        }
        else
        {
            // What was watched is no longer, whether the server heard of the transaction or not.
            if (_multi == Multi.Begun && _watching) Unasked(s_multi, TicketKind.MustSucceed);
            if (_multi == Multi.Open || _watching) Unasked(s_discard, TicketKind.Drop);
            Answer(!executes ? s_ok : _aborted ? RedisErrors.Make("EXECABORT Transaction discarded because of previous errors.") : [.. "*0\r\n"u8]);
        }

        _multi = Multi.None;
        _watching = _aborted = false;
        Touch();
        return Step.Next;
    }

    /// <summary>A command of a transaction: the server is told of that with the first.</summary>
    private Step Queue(RedisCommand command, ReadOnlySpan<byte> data)
    {
        if (Pin(command, data, "transaction") is { } wait) return wait;
        if (Target.Database.RedisCluster && Elsewhere(command, data)) return Abort("CROSSSLOT Keys in request don't hash to the same slot");
        if (_multi == Multi.Begun) Unasked(s_multi, TicketKind.MustSucceed);
        _multi = Multi.Open;
        Forward(_own!, command, data, TicketKind.Pass);
        return Step.Next;
    }

    /// <summary>Whether a key lies on another node than the transaction's.</summary>
    private bool Elsewhere(RedisCommand command, ReadOnlySpan<byte> data)
    {
        ClusterMap map = Db.Redis.Cluster(Target);
        var keys = new RedisKeys(command, _reader, data);
        for (int key = keys.Next(); key > 0; key = keys.Next())
        {
            if (map.Primary(RedisSlot.Of(_reader.Argument(data, key))) != _own!.Key.Share) return true;
        }

        return false;
    }
}
