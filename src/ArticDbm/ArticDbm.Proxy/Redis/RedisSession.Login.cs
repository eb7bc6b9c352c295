using System.Diagnostics;
using System.Text;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Config;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Redis;

/// <content>From the accept to a proven password, and again behind RESET. The listener names the database; an account that exists and one that does not look alike.</content>
internal sealed partial class RedisSession
{
    /// <summary>The first byte of a TLS record with a handshake: no command of Redis begins so.</summary>
    private const byte TlsHandshake = 0x16;

    private const string DefaultUser = "default", NoAuth = "NOAUTH Authentication required.", WrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

    private bool _secured;

    protected override async ValueTask<bool> LogInAsync()
    {
        long deadline = Db.Loop.NowMs + Db.Settings.LoginMs;
        if (!_secured && Listener.Tls is not null && !await SecureAsync(deadline)) return false;
        _secured = true;
        while (!Client.IsClosed)
        {
            RespStatus status = _reader.Read(_input.Pending, RedisLimits.StrangerBytes, RedisLimits.StrangerArguments);
            if (status == RespStatus.NeedMore)
            {
                if (await FillAsync(Math.Max(1, deadline - Db.Loop.NowMs)) >= 0 && Db.Loop.NowMs < deadline) continue;
                if (Db.Loop.NowMs >= deadline) Db.Metrics.AuthFailure("login-timeout");
                Client.Abort();
                return false;
            }

            if (status != RespStatus.Ok)
            {
                Say(RedisErrors.Make(status == RespStatus.TooLarge ? "ERR Protocol error: unauthenticated command too large" : "ERR Protocol error: this is no command"));
                Db.Metrics.AuthFailure("not-redis");
                await EndAsync();
                return false;
            }

            bool goOn = _reader.Count == 0 || await GreetAsync();
            if (Client.IsClosed) return false;
            Consume();
            if (!goOn)
            {
                await EndAsync();
                return false;
            }

            if (LoggedIn) return true;
        }

        return false;
    }

    /// <summary>A command of somebody who has not proven anything.</summary>
    private async ValueTask<bool> GreetAsync()
    {
        ReadOnlySpan<byte> name = _reader.Argument(_input.Pending, 0);
        if (_reader.IsInline && ArticDbm.Security.RedisFirewall.IsHttp(name))
        {
            Db.Metrics.Found(ArticDbm.Security.RedisFirewall.CrossProtocol.Name, "block");
            Refused("", "cross-protocol");
            Client.Abort();
            return false;
        }

        switch (RedisCommands.Find(name).Name)
        {
            case "AUTH":
                return await AuthAsync();
            case "HELLO":
                return await HelloAsync();
            case "QUIT":
                Say(s_ok);
                return false;
            case "RESET":
                Say("+RESET\r\n"u8);
                return true;
            default:
                Say(RedisErrors.Make(NoAuth));
                return true;
        }
    }

    private async ValueTask<bool> SecureAsync(long deadline)
    {
        var first = new byte[1];
        if (await Client.PeekAsync(first, 0, Math.Max(1, deadline - Db.Loop.NowMs)) <= 0) return false;
        if (first[0] != TlsHandshake) return true;
        if (await Client.StartTlsAsync(Listener.Tls!.CreateSession(Client.TlsDescriptor), Math.Max(1, deadline - Db.Loop.NowMs)) == 0) return true;
        Refused("", "tls-handshake-failed");
        return false;
    }

    /// <summary>AUTH [user] password.</summary>
    private async ValueTask<bool> AuthAsync()
    {
        if (_reader.Count is not (2 or 3))
        {
            Say(RedisErrors.Make("ERR wrong number of arguments for 'auth' command"));
            return true;
        }

        string user = _reader.Count == 3 ? Text(1) : DefaultUser, password = Text(_reader.Count - 1);
        if (await ProveAsync(user, password)) Say(s_ok);
        return !_closing;
    }

    /// <summary>HELLO [version [AUTH user password] [SETNAME name]].</summary>
    private async ValueTask<bool> HelloAsync()
    {
        int version = _protocol;
        if (_reader.Count > 1 && Text(1) is var text && !(int.TryParse(text, out version) && version is 2 or 3))
        {
            Say(RedisErrors.Make("NOPROTO unsupported protocol version"));
            return true;
        }

        string? user = null, password = null, name = null;
        for (int i = 2; i < _reader.Count; i++)
        {
            string option = Text(i).ToUpperInvariant();
            if (option == "AUTH" && i + 2 < _reader.Count) (user, password) = (Text(++i), Text(++i));
            else if (option == "SETNAME" && i + 1 < _reader.Count) name = Text(++i);
            else
            {
                Say(RedisErrors.Make($"ERR Syntax error in HELLO option '{option}'"));
                return true;
            }
        }

        if (user is not null && !await ProveAsync(user, password!)) return !_closing;
        if (!LoggedIn)
        {
            Say(RedisErrors.Make("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"));
            return true;
        }

        if (version != _protocol && HoldsState)
        {
            Say(RedisErrors.Make("ERR marchproxy: the protocol cannot change while the server holds something for this connection"));
            return true;
        }

        if (name is not null && !Named(Encoding.UTF8.GetBytes(name)))
        {
            Say(RedisErrors.Make("ERR Client names cannot contain spaces, newlines or special characters."));
            return true;
        }

        if (version != _protocol) LeaveOwn();
        _protocol = version;
        SayHello();
        return true;
    }

    private void LeaveOwn()
    {
        _own?.Release(reusable: true);
        _own = null;
    }

    private void SayHello()
    {
        _say.Map(_protocol, 7);
        _say.Bulk("server");
        _say.Bulk("redis");
        _say.Bulk("version");
        _say.Bulk(Target.Parameters.GetValueOrDefault("redis_version", "6.0.0"));
        _say.Bulk("proto");
        _say.Header((byte)':', _protocol);
        _say.Bulk("id");
        _say.Header((byte)':', Id);
        _say.Bulk("mode");
        _say.Bulk("standalone");
        _say.Bulk("role");
        _say.Bulk("master");
        _say.Bulk("modules");
        _say.Header((byte)'*', 0);
        SayWritten();
    }

    /// <summary>Checks a password and what goes with the account; whoever fails has been told.</summary>
    private async ValueTask<bool> ProveAsync(string user, string password)
    {
        Record.Started = Stopwatch.GetTimestamp();
        if (LoggedIn && HoldsState) return Tell("ERR marchproxy: AUTH is not carried while the server holds something for this connection");
        if (Db.Shared.Limits.IsGuessing(Address))
        {
            Refused(user, "too-many-failures");
            _closing = true;
            return Tell("WRONGPASS too many wrong passwords came from this address; wait a few seconds");
        }

        DbAccount? account = Db.Config.Access.FindAccount(user);
        (bool proven, DbKey? key) = await Db.Shared.Proofs.CheckAsync(account, password);
        await Db.Loop.Enter();
        if (Client.IsClosed) return false;
        if (!proven)
        {
            Db.Shared.Limits.Failed(Address);
            Refused(user, account is null ? "no-account" : "wrong-password");
            return Tell(WrongPassword);
        }

        string database = Listener.Resource.Database;
        if (Db.Config.Target(database) is not { Database.Engine: DbEngine.Redis } target)
        {
            Refused(user, "no-database");
            return Tell($"ERR marchproxy: there is no database \"{database}\"");
        }

        Target = target;
        Key = key;
        if (Refusal(account!, Db.Config) is { } refusal)
        {
            Refused(user, refusal.Reason);
            return Tell($"NOPERM {refusal.Message} (marchproxy: {refusal.Reason})");
        }

        Welcome(account!, target);
        return true;
    }

    private void Welcome(DbAccount account, DbTarget target)
    {
        if (LoggedIn) FlushTally();
        Account = account;
        Turn(target);
        _rulesSeen = null;
        _securitySeen = null;
        if (!LoggedIn) _number = Home();
        LoggedIn = true;
        (Record.Account, Record.Database, Record.Tenant) = (account.Name, target.Database.Name, account.Tenant);
        (Record.Decision, Record.Reason, Record.Rule, Record.Fingerprint) = ("allow", null, null, "");
        Finish("login");
        (_queries, _duration) = Db.Metrics.Cells(target.Database.Name, "allow");
    }

    private bool Tell(string error)
    {
        Say(RedisErrors.Make(error));
        return false;
    }

    private void Refused(string user, string reason)
    {
        Db.Metrics.AuthFailure(reason);
        string before = Record.Account;
        (Record.Account, Record.Database, Record.Decision, Record.Reason) = (user, Listener.Resource.Database, "deny", reason);
        Finish("login");
        if (LoggedIn) Record.Account = before;
    }

    private string Text(int argument) => Encoding.UTF8.GetString(_reader.Argument(_input.Pending, argument));
}
