using System.Numerics;
using ArticDbm.Protocols.Redis;
using ArticDbm.Security;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Redis;

/// <content>Whether a command may run: limits, firewall, grants.</content>
internal sealed partial class RedisSession
{
    /// <summary>Grants may end at any time; how often what is granted on every key is worked out anew.</summary>
    private const long GrantsMs = 1_000;

    private AccessRules? _rulesSeen;
    private DbSecurity? _securitySeen;
    private DbActions _onEveryKey;
    private bool _anyGrant;
    private long _grantsUntil;
    private uint _blocking, _watched;

    /// <summary>Decides; a command that may not run has been refused.</summary>
    private bool Admit(RedisCommand command, ReadOnlySpan<byte> data)
    {
        Obey();
        if (!ReferenceEquals(_rulesSeen, Rules) || !ReferenceEquals(_securitySeen, Security) || Db.Loop.NowMs >= _grantsUntil) Renew();
        if (Count(null) is { } limited)
        {
            Refuse(command, limited.Reason, $"ERR {limited.Message} (marchproxy: {limited.Reason})", null);
            return false;
        }

        if (_watched != 0 && !Inspect(command, data)) return false;
        DbActions wanted = Wanted(command);
        if ((wanted & ~_onEveryKey) == DbActions.None && (wanted != DbActions.None || _anyGrant)) return true;
        return AdmitByKeys(command, data, wanted);
    }

    private void Renew()
    {
        _rulesSeen = Rules;
        _grantsUntil = Db.Loop.NowMs + GrantsMs;
        _onEveryKey = Rules.OnEveryKey(Db.Now);
        _anyGrant = Rules.Any(Db.Now);
        if (ReferenceEquals(_securitySeen, Security)) return;
        _securitySeen = Security;
        _blocking = _watched = 0;
        for (int i = 0; i < RedisFirewall.Rules.Length; i++)
        {
            DetectionMode mode = Judge.Mode(Security, RedisFirewall.Rules[i]);
            if (mode != DetectionMode.Off) _watched |= 1u << i;
            if (mode == DetectionMode.Block) _blocking |= 1u << i;
        }
    }

    /// <summary>The actions that a command takes. What is admin is that alone: whoever may work on the server needs no further leave.</summary>
    private static DbActions Wanted(RedisCommand command)
    {
        if (command.Is(RedisTraits.Admin)) return DbActions.Admin;
        DbActions actions = DbActions.None;
        if (command.Is(RedisTraits.Read)) actions |= DbActions.Read;
        if (command.Is(RedisTraits.Write)) actions |= DbActions.Write;
        if (command.Is(RedisTraits.Scripting)) actions |= DbActions.Scripting;
        return actions;
    }

    /// <summary>Not everything is granted on every key: perhaps on those that the command names.</summary>
    private bool AdmitByKeys(RedisCommand command, ReadOnlySpan<byte> data, DbActions wanted)
    {
        if (wanted == DbActions.None)
        {
            if (_anyGrant) return true;
            return Deny(command, data, DbActions.None, default);
        }

        // A script reaches keys that it does not name, and so does what works on all of them.
        if (command.Is(RedisTraits.AllKeys | RedisTraits.Scripting | RedisTraits.Unknown)) return Deny(command, data, wanted & ~_onEveryKey, default);
        var keys = new RedisKeys(command, _reader, data);
        int key = keys.Next();
        if (key == 0 || keys.IsOpen) return Deny(command, data, wanted & ~_onEveryKey, default);
        for (; key > 0; key = keys.Next())
        {
            ReadOnlySpan<byte> name = _reader.Argument(data, key);

            // A pattern of channels must lie within the grant's: only stars may stand in it, which the grant's own cover.
            bool open = command.Is(RedisTraits.Patterns) && name.IndexOfAny("?[\\"u8) >= 0;
            if (open || !Rules.AllowsKey(wanted, name, Db.Now)) return Deny(command, data, wanted, name);
        }

        return true;
    }

    private bool Deny(RedisCommand command, ReadOnlySpan<byte> data, DbActions missing, ReadOnlySpan<byte> key)
    {
        string name = command.Is(RedisTraits.Unknown) ? Shown(_reader.Argument(data, 0)) : command.Name.Replace('|', ' ');
        string words = missing == DbActions.None ? "any action" : Words(missing);
        string where = key.IsEmpty ? missing != DbActions.None && !command.Is(RedisTraits.Admin) ? " on every key" : "" : $" on \"{Shown(key)}\"";
        Refuse(command, "not-granted", $"NOPERM {name} takes a grant of {words}{where} (marchproxy: not-granted)", null);
        return false;
    }

    /// <summary>The firewall's look at a command.</summary>
    private bool Inspect(RedisCommand command, ReadOnlySpan<byte> data)
    {
        uint found = _reader.IsInline ? RedisFirewall.Inline : 0;
        if (command.Is(RedisTraits.Unknown)) found |= RedisFirewall.Name(_reader.Argument(data, 0));
        if (command.Is(RedisTraits.Scripting) && command.Place == RedisKeyPlace.Counted && _reader.Count > 1) found |= RedisFirewall.Script(_reader.Argument(data, 1));

        // Most commands hold no line break behind their frames: only then are their arguments looked at one by one.
        for (int i = 1; i < _reader.Count; i++)
        {
            ReadOnlySpan<byte> argument = _reader.Argument(data, i);
            if (argument.IndexOfAny((byte)'\n', (byte)'\r') >= 0) found |= IsKey(command, data, i) ? RedisFirewall.Key(argument) : i == 1 && command.Is(RedisTraits.Scripting) ? 0 : RedisFirewall.Value(argument);
        }

        if ((_onEveryKey & DbActions.Admin) != 0) found &= ~RedisFirewall.Dangerous;
        found &= _watched;
        return found == 0 || Found(command, found);
    }

    private bool IsKey(RedisCommand command, ReadOnlySpan<byte> data, int argument)
    {
        var keys = new RedisKeys(command, _reader, data);
        for (int key = keys.Next(); key > 0; key = keys.Next())
        {
            if (key == argument) return true;
        }

        return false;
    }

    private bool Found(RedisCommand command, uint found)
    {
        uint blocked = found & _blocking;
        for (uint left = found & ~_blocking; left != 0; left &= left - 1)
        {
            FirewallRule rule = RedisFirewall.Rules[BitOperations.TrailingZeroCount(left)];
            Db.Metrics.Found(rule.Name, "monitor");
            if (blocked == 0) RecordDecision(command, "monitor", "injection", rule);
        }

        if (blocked == 0) return true;
        FirewallRule refuses = RedisFirewall.Rules[BitOperations.TrailingZeroCount(blocked)];
        Db.Metrics.Found(refuses.Name, "block");
        string reason = refuses.Grade == RuleGrade.Named ? "forbidden" : "injection";
        Refuse(command, reason, $"NOPERM rule {refuses.Name} found {refuses.Finds} (marchproxy: {reason})", refuses);
        return false;
    }
}
