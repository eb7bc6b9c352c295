using System.Text;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Pools;
using ArticDbm.Security;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Redis;

/// <content>What a command is, whether it may run, and where it goes.</content>
internal sealed partial class RedisSession
{
    /// <summary>What an ordinary command has none of.</summary>
    private const RedisTraits Special = RedisTraits.Own | RedisTraits.Transaction | RedisTraits.PubSub | RedisTraits.Blocking | RedisTraits.BlocksWhenAsked | RedisTraits.Admin;

    private static readonly RedisCommand s_select = RedisCommands.Find("SELECT"u8);

    private RedisLink? _link, _readLink;
    private ServerShare? _replica;
    private int _number, _numberBefore;

    /// <summary>Takes one command.</summary>
    private Step Take(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> name = _reader.Argument(data, 0);
        if (_reader.IsInline && RedisFirewall.IsHttp(name)) return CrossProtocol();
        RedisCommand command = RedisCommands.Find(name);
        if (_reader.Count > 1) command = RedisCommands.Narrow(command, _reader.Argument(data, 1));
        if (!Admit(command, data)) return Step.Next;
        if (command.Is(Special) || _own is not null || _multi != Multi.None || Target.Database.Pool.Mode == DbPoolMode.Session) return TakeSpecial(command, data);
        if (Target.Database.RedisCluster) return TakeForCluster(command, data);
        RedisLink link = Ordinary(command);
        if (link.IsCongested) return Crowded(link);
        Forward(link, command, data, TicketKind.Pass);
        return Step.Next;
    }

    /// <summary>Sends a command as it is; one that was typed as a line is written as an array.</summary>
    private RedisTicket Forward(RedisLink link, RedisCommand command, ReadOnlySpan<byte> data, TicketKind kind)
    {
        if (command.Is(RedisTraits.Write | RedisTraits.Scripting | RedisTraits.Admin)) NoteWrite();
        RedisTicket ticket = NewTicket(command, kind);
        if (!_reader.IsInline)
        {
            link.Add(data, ticket);
            return ticket;
        }

        _say.Header((byte)'*', _reader.Count);
        for (int i = 0; i < _reader.Count; i++) _say.Bulk(_reader.Argument(data, i));
        link.Add(_say.Written, ticket);
        _say.Clear();
        return ticket;
    }

    private static bool OnlyReads(RedisCommand command) => command.Is(RedisTraits.Read) && !command.Is(RedisTraits.Write | RedisTraits.Admin | RedisTraits.Scripting);

    /// <summary>The shared connection for an ordinary command.</summary>
    private RedisLink Ordinary(RedisCommand command)
    {
        if (OnlyReads(command) && MayReadFromReplicas && Replica() is { } replica)
        {
            return Current(ref _readLink, new LinkKey(replica, _protocol, _number, ReadsReplica: false));
        }

        return Current(ref _link, new LinkKey(Target.Primary, _protocol, _number, ReadsReplica: false));
    }

    /// <summary>
    /// A shared connection, the same as before while replies are awaited on it: on another one, a later command could overtake an earlier.
    /// </summary>
    private RedisLink Current(ref RedisLink? link, in LinkKey key)
    {
        if (link is { IsClosed: false } && link.Key == key && (!link.IsRetired || _inFlight > 0)) return link;
        return link = Db.Redis.Shared(key);
    }

    /// <summary>The replica that this session reads from, by weight: the same while it is fit, so that what was read once is not unread by another that lags. Null when none is.</summary>
    private ServerShare? Replica()
    {
        ServerShare primary = Target.Primary;
        if (_replica is { IsPaused: false } known && known != primary && known.Target == Target && known.Health.MayRead) return known;
        _replica = Target.ChooseReader();
        return _replica == primary ? null : _replica;
    }

    private Step CrossProtocol()
    {
        Db.Metrics.Found(RedisFirewall.CrossProtocol.Name, "block");
        RecordDecision(RedisCommands.Unknown, "deny", "injection", RedisFirewall.CrossProtocol);
        Client.Abort();
        return Step.Over;
    }

    /// <summary>Refuses a command; within a transaction, all of that is refused with it.</summary>
    private void Refuse(RedisCommand command, string reason, string error, FirewallRule? rule)
    {
        RecordDecision(command, "deny", reason, rule);
        if (_multi != Multi.None) _aborted = true;
        Say(RedisErrors.Make(error));
    }

    private static string Shown(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text.Length > 64 ? text[..64] : text);

    private static string Words(DbActions actions) => actions.ToString().ToLowerInvariant();
}
