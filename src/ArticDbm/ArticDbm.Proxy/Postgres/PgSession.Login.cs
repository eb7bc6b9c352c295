using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Protocols.Scram;
using ArticDbm.Proxy.Admin;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Postgres;

/// <content>From the first packet to the first ReadyForQuery.</content>
internal sealed partial class PgSession
{
    /// <summary>Settings that a start packet may ask for and that are put on server connections; others would need the server's own log-in.</summary>
    private readonly WantedSettings _wanted = new();

    /// <summary>The same as it was at the log-in: what RESET ALL goes back to.</summary>
    private Dictionary<string, string> _atLogin = [];

    protected override async ValueTask<bool> LogInAsync()
    {
        long deadline = Db.Loop.NowMs + Db.Settings.LoginMs;
        if (await StartAsync(deadline) is not { } parameters) return false;
        string user = parameters.GetValueOrDefault("user", ""), asked = Listener.Resource.Database.Length > 0 ? Listener.Resource.Database : parameters.GetValueOrDefault("database", user);
        Record.Account = user;
        Record.Database = asked;
        if (user.Length == 0) return await RefuseAsync("28000", "no-user", "The client names no user.");
        if (parameters.TryGetValue("replication", out string? replication) && replication is not ("false" or "off" or "no" or "0")) return await RefuseAsync("0A000", "replication", "Replication is not let through the proxy; connect to the server itself.");
        if (Db.Shared.Limits.IsGuessing(Address)) return await RefuseAsync("28P01", "too-many-failures", "Too many wrong passwords came from this address; wait a few seconds.");

        // Whether account and database exist is told to nobody who has not proven a password.
        DbAccount? account = Db.Config.Access.FindAccount(user);
        if (!IsProvenByCertificate(account) && !await ProveAsync(account, user, deadline))
        {
            if (Client.IsClosed) return false;
            Db.Shared.Limits.Failed(Address);
            return await RefuseAsync("28P01", account is null ? "no-account" : "wrong-password", $"Password authentication failed for user \"{user}\".");
        }

        Account = account!;
        if (asked == AdminConsole.Database && Db.Config.Target(asked) is null) return await WelcomeConsoleAsync();
        if (Db.Config.Target(asked) is not { Database.Engine: DbEngine.PostgreSql } target) return await RefuseAsync("3D000", "no-database", $"There is no database \"{asked}\".");
        Target = target;
        if (Refusal(Account, Db.Config) is { } refusal) return await RefuseAsync(refusal.Reason == LoginRefusal.NotGranted ? "42501" : "28000", refusal.Reason, refusal.Message);
        if (Settings(parameters) is { } fault) return await RefuseAsync("08P01", "bad-parameter", fault);
        if (Target.Parameters.IsEmpty && await FirstServerAsync() is { } away) return await RefuseAsync("08006", "server-away", away);
        return await WelcomeAsync();
    }

    /// <summary>TLS, cancels, and the start packet.</summary>
    /// <returns>Its parameters; null when the connection is over.</returns>
    private async ValueTask<Dictionary<string, string>?> StartAsync(long deadline)
    {
        while (true)
        {
            PgStartup start = PgStartup.Read(_input.Pending);
            switch (start.Kind)
            {
                case StartupKind.NeedMore:
                    if (await FillAsync(deadline) is false) return null;
                    continue;
                case StartupKind.SslRequest or StartupKind.GssEncRequest:
                    bool secure = start.Kind == StartupKind.SslRequest && Listener.Tls is not null && Client.Tls is null;
                    _input.Consume(start.Length);

                    // What came behind the request came in clear: it must not count as secured (CVE-2021-23222).
                    if (secure && !_input.IsEmpty) return await LoseAsync("tls-injection");
                    _reply.Byte(secure ? (byte)'S' : (byte)'N');
                    if (!await SayAsync()) return null;
                    if (secure && !await SecureAsync(deadline)) return await LoseAsync("tls-handshake-failed");
                    continue;
                case StartupKind.Cancel:
                    Cancel(Db, _input.Pending[8..start.Length]);
                    return null;
                case StartupKind.Startup:
                    Dictionary<string, string>? parameters = PgStartup.Parameters(_input.Pending[..start.Length]);
                    bool newer = start.Version != PgStartup.Version30;
                    _input.Consume(start.Length);
                    if (parameters is null) return await LoseAsync("malformed-startup");
                    if (newer) Negotiate(parameters);
                    return parameters;
                default:
                    return await LoseAsync("not-postgresql");
            }
        }
    }

    /// <summary>We speak 3.0: a client of a later minor version, or with options of the protocol (_pq_.), is told so and goes on.</summary>
    private void Negotiate(Dictionary<string, string> parameters)
    {
        string[] unknown = [.. parameters.Keys.Where(k => k.StartsWith("_pq_.", StringComparison.Ordinal))];
        _reply.Begin(BackendMessage.NegotiateProtocolVersion).Int32(PgStartup.Version30).Int32(unknown.Length);
        foreach (string name in unknown) _reply.Text(name);
        _reply.End();
    }

    private async ValueTask<bool> SecureAsync(long deadline)
    {
        TlsSession session = Listener.Tls!.CreateSession(Client.TlsDescriptor);
        return await Client.StartTlsAsync(session, Math.Max(1, deadline - Db.Loop.NowMs)) == 0;
    }

    private async ValueTask<bool> ProveAsync(DbAccount? account, string user, long deadline)
    {
        (ScramSecret Secret, DbKey? Key)[] known = [.. Secrets(account)];
        ScramSecret secret = known.Length > 0 ? known[0].Secret : ScramSecret.Mock(user, Db.Shared.MockKey);
        byte[]? binding = Binding();
        PgMessages.Sasl(_reply, binding is null ? ["SCRAM-SHA-256"] : ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        if (!await SayAsync() || await PasswordAsync(deadline) is not { } first) return false;
        int end = first.AsSpan().IndexOf((byte)0);
        bool plus = end > 0 && binding is not null && first.AsSpan(0, end).SequenceEqual("SCRAM-SHA-256-PLUS"u8);
        bool chosen = end > 0 && (plus || first.AsSpan(0, end).SequenceEqual("SCRAM-SHA-256"u8)) && first.Length >= end + 5;
        int length = chosen ? BinaryPrimitives.ReadInt32BigEndian(first.AsSpan(end + 1)) : -1;
        if (length < 0 || length != first.Length - end - 5) return false;
        var scram = new ScramServer(secret, plus, binding, others: [.. known.Skip(1).Select(k => k.Secret)]);
        if (scram.First(Encoding.UTF8.GetString(first, end + 5, length)) is not { } serverFirst) return false;
        PgMessages.SaslContinue(_reply, serverFirst);
        if (!await SayAsync() || await PasswordAsync(deadline) is not { } second || scram.Final(Encoding.UTF8.GetString(second)) is not { } serverFinal || account is null) return false;
        Key = known[scram.Proven].Key;
        PgMessages.SaslFinal(_reply, serverFinal);
        return true;
    }

    /// <summary>What binds the log-in to the client's TLS; null in clear.</summary>
    private byte[]? Binding()
    {
        using X509Certificate2? certificate = Client.Tls?.GetOwnCertificate();
        return certificate is null ? null : ChannelBinding.TlsServerEndPoint(certificate);
    }

    private static IEnumerable<(ScramSecret Secret, DbKey? Key)> Secrets(DbAccount? account)
    {
        foreach ((DbVerifiers verifiers, DbKey? key) in account?.Proofs ?? [])
        {
            if (DbPassword.TryParseScram(verifiers.Scram, out ScramVerifier scram)) yield return (new ScramSecret(scram.Iterations, scram.Salt, scram.StoredKey, scram.ServerKey), key);
        }
    }

    /// <summary>The body of the next password message; null when something else comes, or nothing.</summary>
    private async ValueTask<byte[]?> PasswordAsync(long deadline)
    {
        while (true)
        {
            FrameStatus status = PgFrame.TryRead(_input.Pending, out PgFrame frame);
            if (status == FrameStatus.Malformed || (status == FrameStatus.Ok && (frame.Type != FrontendMessage.Password || frame.BodyLength > ScramServer.MaxMessage))) return null;
            if (status == FrameStatus.Ok && _input.Length >= frame.Length)
            {
                byte[] body = _input.Pending[PgFrame.HeaderLength..frame.Length].ToArray();
                _input.Consume(frame.Length);
                return body;
            }

            if (!await FillAsync(deadline)) return null;
        }
    }

    /// <summary>Takes over what the client wants set.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    private string? Settings(Dictionary<string, string> parameters)
    {
        foreach ((string name, string value) in parameters)
        {
            if (name is "user" or "database" or "replication" || name.StartsWith("_pq_.", StringComparison.Ordinal)) continue;
            if (name == "options")
            {
                if (PgSettings.ParseOptions(value, _wanted) is { } fault) return fault;
            }
            else if (!PgSettings.IsName(name))
            {
                return $"The parameter \"{name}\" is no setting.";
            }
            else
            {
                _wanted.Set(name, value);
            }
        }

        return null;
    }

    /// <summary>What servers say of their settings is told to clients: the first client waits for the first server.</summary>
    private async ValueTask<string?> FirstServerAsync()
    {
        ServerPool pool = Db.Pool(Target.Primary);
        ServerResult first = await pool.AcquireAsync();
        if (first.Connection is null) return first.Fault;
        pool.Release(first.Connection, reusable: true);
        return null;
    }

    private async ValueTask<bool> WelcomeAsync()
    {
        PgMessages.AuthenticationOk(_reply);
        foreach ((string name, string value) in Target.Parameters) PgMessages.Parameter(_reply, name, _wanted.Find(name) ?? value);
        foreach (string name in _wanted.Values.Keys.ToArray())
        {
            // Settings that the server tells of are told as they are wanted, though no server has taken them yet: one that is refused is told then.
            if (!Target.Parameters.ContainsKey(name) && PgSettings.Reported.TryGetValue(name, out string? spelt) && spelt != name)
            {
                _wanted.Set(spelt, _wanted.Find(name)!);
                _wanted.Remove(name);
            }
        }

        do _cancelKey = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8));
        while (_cancelKey == 0 || !Db.Shared.Cancels.TryAdd(_cancelKey, this));
        PgMessages.Key(_reply, (int)(_cancelKey >> 32), (int)_cancelKey);
        PgMessages.Ready(_reply, TransactionStatus.Idle);
        _atLogin = new Dictionary<string, string>(_wanted.Values);
        LoggedIn = true;
        NoteQuoting();
        Record.Account = Account.Name;
        Record.Database = Target.Database.Name;
        Record.Tenant = Account.Tenant;
        Finish("login");
        return await SayAsync();
    }

    private async ValueTask<bool> RefuseAsync(string sqlState, string reason, string message)
    {
        Db.Metrics.AuthFailure(reason);
        Record.Decision = "deny";
        Record.Reason = reason;
        Record.SqlState = sqlState;
        Finish("login");
        PgMessages.Error(_reply, "FATAL", sqlState, message);
        await SayAsync();
        await Client.LingerAndCloseAsync();
        return false;
    }

    private async ValueTask<Dictionary<string, string>?> LoseAsync(string reason)
    {
        await RefuseAsync("08P01", reason, "This is not how a PostgreSQL client begins.");
        return null;
    }

    private async ValueTask<bool> FillAsync(long deadline)
    {
        int n = _input.TryFill(Client);
        if (n == -Errno.EAGAIN)
        {
            long left = deadline - Db.Loop.NowMs;
            n = left <= 0 ? -Errno.ETIMEDOUT : await Client.ReadableAsync(left) is var ready and < 0 ? ready : 1;
        }

        if (n > 0) return true;
        if (n == -Errno.ETIMEDOUT)
        {
            Db.Metrics.AuthFailure("login-timeout");
            Client.Abort();
        }

        return false;
    }
}
