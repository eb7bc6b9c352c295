using System.Security.Cryptography;
using System.Text;
using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.MySql;

/// <summary>Opens connections to MySQL and MariaDB servers: TLS as the database wants it, then the log-in that the server asks for.</summary>
internal static class MySqlDialer
{
    private const MySqlCapabilities Wanted = MySqlCapabilities.LongPassword | MySqlCapabilities.LongFlag | MySqlCapabilities.ConnectWithDb | MySqlCapabilities.Protocol41 | MySqlCapabilities.Transactions
        | MySqlCapabilities.SecureConnection | MySqlCapabilities.MultiResults | MySqlCapabilities.PsMultiResults | MySqlCapabilities.PluginAuth | MySqlCapabilities.ConnectAttributes
        | MySqlCapabilities.PluginAuthLenEnc | MySqlCapabilities.SessionTrack | MySqlCapabilities.DeprecateEof;

    public static async ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerShare share, bool foundRows)
    {
        Database database = share.Target.Database;
        long deadline = loop.Loop.NowMs + (long)database.Pool.ConnectTimeout.TotalMilliseconds;
        (TcpConnection? connection, string unreached) = await ServerDialer.DialAsync(loop, share, deadline);
        if (connection is null) return new ServerResult(null, unreached);
        var opened = new MySqlServer(connection, share, loop.Settings.MaxPreparedPerServer);
        var conversation = new MySqlConversation(opened, deadline);
        string? fault = await LogInAsync(loop, conversation, foundRows, deadline) ?? await PrepareAsync(conversation);
        if (fault is null) return new ServerResult(opened);
        opened.Close();
        return new ServerResult(null, $"{share.Label}: {fault}");
    }

    /// <summary>Has a connection forget its last session.</summary>
    /// <returns>What went wrong, or null.</returns>
    public static async ValueTask<string?> ResetAsync(MySqlServer server, long deadline)
    {
        var conversation = new MySqlConversation(server, deadline);
        conversation.Out.Begin(0).Byte(MySqlCommand.ResetConnection).End();
        if ((await conversation.AnswerAsync()).Fault is { } fault) return fault;
        server.ForgetAll();

        // The reset has put the server's own character set in the place of ours.
        return (await conversation.AskAsync("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")).Fault ?? await PrepareAsync(conversation);
    }

    private static async ValueTask<string?> LogInAsync(DbLoop loop, MySqlConversation conversation, bool foundRows, long deadline)
    {
        MySqlServer server = conversation.Server;
        Database database = server.Share.Target.Database;
        if (await conversation.ReadAsync() is { } silent) return silent;
        if (conversation.Payload[0] == MySqlError.Header) return Words(conversation.Payload);
        if (MySqlGreeting.Read(conversation.Payload) is not { } greeting) return "it is no MySQL server";
        conversation.Take();
        if (!greeting.Capabilities.HasFlag(MySqlCapabilities.Protocol41)) return "it is older than MySQL 4.1";
        MySqlCapabilities wanted = Wanted | (foundRows ? MySqlCapabilities.FoundRows : 0) | (database.LocalInfile ? MySqlCapabilities.LocalFiles : 0);
        server.Capabilities = wanted & greeting.Capabilities;
        server.ThreadId = greeting.ConnectionId;
        server.Version = greeting.Version;
        byte sequence = 1;
        if (server.Share.Target.Tls is not null)
        {
            if (greeting.Capabilities.HasFlag(MySqlCapabilities.Ssl))
            {
                server.Capabilities |= MySqlCapabilities.Ssl;
                if (await SecureAsync(conversation, deadline) is { } insecure) return insecure;
                sequence = 2;
            }
            else if (database.Tls.Mode != DbTlsMode.Prefer)
            {
                return "it offers no TLS, which the database demands";
            }
        }

        (byte[] answer, string plugin) = await AnswerAsync(loop, database.Credential, greeting.Plugin, greeting.Scramble) is { } known ? (known, greeting.Plugin) : ([], MySqlAuth.Native);
        new MySqlLogin(server.Capabilities, MySqlSettings.Collation, database.Credential.User, answer, database.ServerDatabase, plugin).Write(conversation.Out, sequence);
        if (await conversation.SendAsync() is { } unsent) return unsent;
        return await ProveAsync(loop, conversation, database.Credential, plugin, greeting.Scramble);
    }

    private static async ValueTask<string?> SecureAsync(MySqlConversation conversation, long deadline)
    {
        MySqlServer server = conversation.Server;

        // Bytes behind the greeting came in clear and would count as secured.
        if (!server.Input.IsEmpty) return "it sent more than its greeting";
        new MySqlLogin(server.Capabilities, MySqlSettings.Collation, "", [], "", "").WriteSslRequest(conversation.Out);
        if (await conversation.SendAsync() is { } unsent) return unsent;
        return await server.SecureAsync(deadline);
    }

    /// <summary>The answer to a challenge; null when we do not know the way to log in.</summary>
    private static async ValueTask<byte[]?> AnswerAsync(DbLoop loop, DbCredential credential, string plugin, byte[] challenge)
    {
        string password = credential.Password ?? "";
        switch (plugin)
        {
            case MySqlAuth.Native:
                return MySqlScramble.Native(password, challenge);
            case MySqlAuth.CachingSha2:
                return MySqlScramble.Sha2(password, challenge);
            case MySqlAuth.Ed25519:
                // It takes milliseconds: not on the loop.
                byte[] signature = await Task.Run(() => MySqlEd25519.Sign(password, challenge));
                await loop.Loop.Enter();
                return signature;
            default:
                return null;
        }
    }

    private static async ValueTask<string?> ProveAsync(DbLoop loop, MySqlConversation conversation, DbCredential credential, string plugin, byte[] challenge)
    {
        while (true)
        {
            if (await conversation.ReadAsync() is { } lost) return lost;
            byte next = (byte)(conversation.Packet.Sequence + 1);
            byte[] payload = conversation.Payload.ToArray();
            conversation.Take();
            switch (payload[0])
            {
                case MySqlOk.Header:
                    return MySqlOk.TryRead(payload, conversation.Server.Tracks, out MySqlOk ok) && (conversation.Server.Status = ok.Status) >= 0 ? null : "its log-in breaks the protocol";
                case MySqlError.Header:
                    return Words(payload);
                case MySqlOk.EofHeader when payload.Length > 1:
                    int end = payload.AsSpan(1).IndexOf((byte)0);
                    if (end < 0) return "its log-in breaks the protocol";
                    plugin = Encoding.UTF8.GetString(payload, 1, end);
                    challenge = payload[(end + 2)..];
                    if (challenge is [.., 0]) challenge = challenge[..^1];
                    if (challenge.Length == 0 || await AnswerAsync(loop, credential, plugin, challenge) is not { } answer) return $"it asks for the log-in {plugin}, which we do not know";
                    MySqlMessages.Raw(conversation.Out, next, answer);
                    break;
                case 1 when plugin == MySqlAuth.CachingSha2 && payload.Length > 1:
                    if (Continue(conversation, credential.Password ?? "", challenge, payload.AsSpan(1), next) is { } fault) return fault;
                    break;
                default:
                    return "its log-in breaks the protocol";
            }

            if (conversation.Out.Length > 0 && await conversation.SendAsync() is { } unsent) return unsent;
        }
    }

    /// <summary>caching_sha2_password, when the server does not know the password yet: in clear under TLS, else under its RSA key.</summary>
    private static string? Continue(MySqlConversation conversation, string password, byte[] challenge, ReadOnlySpan<byte> data, byte next)
    {
        switch (data)
        {
            case [3]:
                return null;
            case [4] when conversation.Server.Connection.Tls is not null:
                MySqlMessages.Raw(conversation.Out, next, [.. Encoding.UTF8.GetBytes(password), 0]);
                return null;
            case [4]:
                MySqlMessages.Raw(conversation.Out, next, [2]);
                return null;
            case [(byte)'-', ..]:
                try
                {
                    using var key = RSA.Create();
                    key.ImportFromPem(Encoding.ASCII.GetString(data));
                    MySqlMessages.Raw(conversation.Out, next, key.Encrypt(MySqlScramble.Veil(password, challenge), RSAEncryptionPadding.OaepSHA1));
                    return null;
                }
                catch (Exception e) when (e is ArgumentException or CryptographicException)
                {
                    return "its RSA key cannot be read";
                }

            default:
                return "its log-in breaks the protocol";
        }
    }

    /// <summary>Has the server tell of everything that its session sets, and asks how it reads quotes.</summary>
    private static async ValueTask<string?> PrepareAsync(MySqlConversation conversation)
    {
        MySqlServer server = conversation.Server;
        if (server.Tracks && (await conversation.AskAsync("SET SESSION session_track_system_variables = '*', session_track_schema = 1")).Fault is { } untracked) return untracked;
        (string? fault, List<string?[]> rows) = await conversation.AskAsync("SELECT @@sql_mode");
        if (fault is not null) return fault;
        server.Share.Target.Parameters["sql_mode"] = rows is [[{ } mode], ..] ? mode : "";
        server.Share.Target.Parameters["version"] = server.Version;
        return null;
    }

    private static string Words(ReadOnlySpan<byte> payload)
    {
        MySqlError error = MySqlError.Read(payload);
        return $"{error.Message} ({error.Code}, {error.SqlState})";
    }
}
