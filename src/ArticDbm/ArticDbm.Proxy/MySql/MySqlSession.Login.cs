using System.Security.Cryptography;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.MySql;

/// <content>From the greeting to the first OK, and the same again for COM_CHANGE_USER.</content>
internal sealed partial class MySqlSession
{
    private const MySqlCapabilities Offered = MySqlCapabilities.LongPassword | MySqlCapabilities.FoundRows | MySqlCapabilities.LongFlag | MySqlCapabilities.ConnectWithDb | MySqlCapabilities.LocalFiles
        | MySqlCapabilities.Protocol41 | MySqlCapabilities.Interactive | MySqlCapabilities.Transactions | MySqlCapabilities.SecureConnection | MySqlCapabilities.MultiStatements
        | MySqlCapabilities.MultiResults | MySqlCapabilities.PsMultiResults | MySqlCapabilities.PluginAuth | MySqlCapabilities.ConnectAttributes | MySqlCapabilities.PluginAuthLenEnc
        | MySqlCapabilities.SessionTrack | MySqlCapabilities.DeprecateEof;

    /// <summary>What we call ourselves until a server has told what it is.</summary>
    private const string UnknownVersion = "8.0.11-articdbm";

    private MySqlSettings _atLogin = MySqlSettings.None;

    protected override async ValueTask<bool> LogInAsync()
    {
        long deadline = Db.Loop.NowMs + Db.Settings.LoginMs;
        _id = Db.Shared.MySql.NextId();
        byte[] scramble = Challenge();
        string version = Version(), preferred = version.Contains("MariaDB", StringComparison.OrdinalIgnoreCase) ? MySqlAuth.Native : MySqlAuth.CachingSha2;
        MySqlCapabilities offered = Offered | (Listener.Tls is null ? 0 : MySqlCapabilities.Ssl);
        new MySqlGreeting(version, _id, scramble, offered, MySqlSettings.Collation, MySqlStatus.AutoCommit, preferred).Write(_reply);
        if (!await SayAsync() || await FirstAsync(deadline) is not { } login) return false;
        _capabilities = login.Capabilities & offered;
        if (!await EnterAsync(login.User, login.Database, login.Collation, new Proof(login.Plugin, preferred, login.Answer, scramble), deadline)) return false;
        Db.MySql.FoundRows = (_capabilities & MySqlCapabilities.FoundRows) != 0;
        Db.Shared.MySql.Connections[_id] = this;
        return true;
    }

    /// <summary>TLS, where the client asks for it, and its log-in.</summary>
    private async ValueTask<MySqlLogin?> FirstAsync(long deadline)
    {
        while (true)
        {
            if (await LoginPacketAsync(deadline) is not { } payload) return null;
            bool wantsTls = payload.Length == MySqlLogin.SslRequestLength && MySqlLogin.CapabilitiesOf(payload).HasFlag(MySqlCapabilities.Ssl);
            if (!wantsTls)
            {
                if (MySqlLogin.Read(payload) is { User.Length: > 0 } login) return login;
                await RefuseAsync(MySqlErrors.OutOfOrder, "08S01", "malformed-login", "This is not how a MySQL client logs in; the protocol of 4.1 and a user name are needed.");
                return null;
            }

            if (Listener.Tls is null || Client.Tls is not null)
            {
                await RefuseAsync(MySqlErrors.OutOfOrder, "08S01", "tls-not-offered", "TLS is not offered here.");
                return null;
            }

            TlsSession session = Listener.Tls.CreateSession(Client.TlsDescriptor);
            if (await Client.StartTlsAsync(session, Math.Max(1, deadline - Db.Loop.NowMs)) == 0) continue;
            Db.Metrics.AuthFailure("tls-handshake-failed");
            return null;
        }
    }

    /// <summary>A client proves who it is, and is let to its database.</summary>
    private async ValueTask<bool> EnterAsync(string user, string database, byte collation, Proof proof, long deadline)
    {
        Record.Account = user;
        Record.Database = database;
        Record.Decision = "allow";
        Record.Reason = null;
        Record.SqlState = null;
        if (Db.Shared.Limits.IsGuessing(Address)) return await RefuseAsync(MySqlErrors.AccessDenied, "28000", "too-many-failures", "Too many wrong passwords came from this address; wait a few seconds.");

        // Whether account and database exist is told to nobody who has not proven a password.
        DbAccount? account = Db.Config.Access.FindAccount(user);
        bool proven = await ProveAsync(account, proof, deadline);
        if (Client.IsClosed) return false;
        if (!proven || account is null)
        {
            Db.Shared.Limits.Failed(Address);
            return await RefuseAsync(MySqlErrors.AccessDenied, "28000", account is null ? "no-account" : "wrong-password", $"Access denied for user '{user}'@'{Address}' (using password: {(proof.Answer.Length > 0 ? "YES" : "NO")})");
        }

        Account = account;
        (DbTarget? target, string names) = Choose(account, Listener.Resource.Database.Length > 0 ? Listener.Resource.Database : database);
        if (target is null)
        {
            return database.Length > 0
                ? await RefuseAsync(MySqlErrors.UnknownDatabase, "42000", "no-database", $"Unknown database '{database}'")
                : await RefuseAsync(MySqlErrors.NoDatabaseSelected, "3D000", "no-database", $"No database selected: name one of those that you may use ({names}) when you connect.");
        }

        Turn(target);
        Record.Database = target.Database.Name;
        if (Refusal(account, Db.Config) is { } refusal)
        {
            bool granted = refusal.Reason != LoginRefusal.NotGranted;
            return await RefuseAsync(granted ? MySqlErrors.AccessDenied : MySqlErrors.DatabaseDenied, granted ? "28000" : "42000", refusal.Reason, refusal.Message);
        }

        if (MySqlCharsets.IsUnsafe(collation)) return await RefuseAsync(MySqlErrors.UnknownCharset, "42000", "charset", "Big5, GBK, GB18030, SJIS and CP932 are not let through: a quote may be half a character in them. Use utf8mb4.");
        if (target.Parameters.IsEmpty && await FirstServerAsync() is { } away) return await RefuseAsync(MySqlErrors.CannotConnect, "HY000", "server-away", $"No connection to the database could be had: {away}.");
        _settings = _atLogin = Db.MySql.Same(MySqlCharsets.AtLogin(collation));
        NoteQuoting();
        LoggedIn = true;
        Record.Tenant = account.Tenant;
        Record.Server = "";
        Finish("login");
        MySqlMessages.Ok(_reply, proof.Next, Status);
        return await SayAsync();
    }

    /// <summary>The database that was asked for; where none was, the only one that the account may use.</summary>
    private (DbTarget? Target, string Names) Choose(DbAccount account, string asked)
    {
        DbConfig config = Db.Config;
        if (asked.Length > 0) return (config.Target(asked) is { Database.Engine: DbEngine.MySql } named ? named : null, "");
        DbTarget[] granted = [.. config.Targets.Where(t => t.Database.Engine == DbEngine.MySql && config.Access.Rules(account.Name, t.Database.Name).Any(Db.Now)).OrderBy(t => t.Database.Name, StringComparer.Ordinal)];
        return (granted.Length == 1 ? granted[0] : null, string.Join(", ", granted.Select(t => t.Database.Name)));
    }

    private async ValueTask<string?> FirstServerAsync()
    {
        Pools.ServerPool pool = Db.Pool(Target.Primary);
        Pools.ServerResult first = await pool.AcquireAsync();
        if (first.Connection is null) return first.Fault;
        pool.Release(first.Connection, reusable: true);
        return null;
    }

    /// <summary>What the servers are, as far as one was asked; of the listener's database, where it has one.</summary>
    private string Version()
    {
        DbTarget? bound = Db.Config.Target(Listener.Resource.Database);
        foreach (DbTarget target in bound is null ? Db.Config.Targets : [bound])
        {
            if (target.Database.Engine == DbEngine.MySql && target.Parameters.TryGetValue("version", out string? version)) return version;
        }

        return UnknownVersion;
    }

    /// <summary>Random, of seven bits, without the zero and the dollar that some clients stumble over.</summary>
    private static byte[] Challenge()
    {
        byte[] scramble = RandomNumberGenerator.GetBytes(MySqlAuth.ScrambleLength);
        for (int i = 0; i < scramble.Length; i++)
        {
            scramble[i] &= 0x7F;
            if (scramble[i] is 0 or (byte)'$') scramble[i]++;
        }

        return scramble;
    }

    private async ValueTask<bool> RefuseAsync(ushort code, string sqlState, string reason, string message)
    {
        Db.Metrics.AuthFailure(reason);
        Record.Decision = "deny";
        Record.Reason = reason;
        Record.SqlState = sqlState;
        Finish("login");
        MySqlMessages.Error(_reply, _nextInLogin, code, sqlState, message);
        await SayAsync();
        await Client.LingerAndCloseAsync();
        return false;
    }
}
