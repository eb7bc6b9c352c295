using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Protocols.Scram;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <summary>Opens connections to PostgreSQL servers: TLS as the database wants it, then the log-in that the server asks for.</summary>
internal static class PgLogin
{
    public static async ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool)
    {
        Database database = pool.Share.Target.Database;
        long deadline = loop.Loop.NowMs + (long)database.Pool.ConnectTimeout.TotalMilliseconds;
        (TcpConnection? connection, string unreached) = await ServerDialer.DialAsync(loop, pool.Share, deadline);
        if (connection is null) return new ServerResult(null, unreached);
        var opened = new PgServer(connection, pool.Share, loop.Settings.MaxPreparedPerServer);
        var conversation = new PgConversation(opened, deadline);
        string? fault = await SecureAsync(conversation, deadline) ?? await LogInAsync(conversation, database, pool);
        if (fault is null) return new ServerResult(opened);
        opened.Close();
        return new ServerResult(null, $"{pool.Share.Label}: {fault}");
    }

    private static async ValueTask<string?> SecureAsync(PgConversation conversation, long deadline)
    {
        PgServer server = conversation.Server;
        if (server.Share.Target.Tls is null) return null;
        PgMessages.SslRequest(conversation.Out);
        if (await conversation.SendAsync() is { } unsent) return unsent;
        if (await server.FillAsync(deadline) is { } silent) return silent;
        byte answer = server.Input.Pending[0];
        server.Input.Consume(1);

        // Bytes behind the answer came in clear and would count as secured: an attack (CVE-2021-23222).
        if (!server.Input.IsEmpty) return "it sent more than an answer to the request for TLS";
        if (answer == (byte)'N') return server.Share.Target.Database.Tls.Mode == DbTlsMode.Prefer ? null : "it offers no TLS, which the database demands";
        if (answer != (byte)'S') return "it is no PostgreSQL server";
        return await server.SecureAsync(deadline);
    }

    private static async ValueTask<string?> LogInAsync(PgConversation conversation, Database database, ServerPool pool)
    {
        DbCredential credential = database.Credential;
        PgMessages.Startup(conversation.Out, ("user", credential.User), ("database", database.ServerDatabase), ("application_name", "articdbm"));
        if (await conversation.SendAsync() is { } unsent) return unsent;
        ScramClient? scram = null;
        while (true)
        {
            if (await conversation.ReadAsync() is { } fault) return fault;
            PgFrame frame = conversation.Frame;
            ReadOnlySpan<byte> body = conversation.Body;
            string? answer = null;
            switch (frame.Type)
            {
                case BackendMessage.ErrorResponse:
                    PgError error = PgError.Read(body);
                    return $"{error.Message} ({error.SqlState})";
                case BackendMessage.Authentication when body.Length >= 4:
                    answer = Authenticate(conversation, credential, body, ref scram);
                    break;
                case BackendMessage.ParameterStatus:
                    Parameter(conversation.Server, body);
                    break;
                case BackendMessage.BackendKeyData when body.Length >= 8:
                    conversation.Server.Process = BinaryPrimitives.ReadInt32BigEndian(body);
                    conversation.Server.Secret = BinaryPrimitives.ReadInt32BigEndian(body[4..]);
                    break;
                case BackendMessage.ReadyForQuery:
                    conversation.Take();
                    foreach ((string name, string value) in conversation.Server.Reported) pool.Share.Target.Parameters[name] = value;
                    return null;
                default:
                    break;
            }

            conversation.Take();
            if (answer is not null) return answer;
            if (conversation.Out.Length > 0 && await conversation.SendAsync() is { } stuck) return stuck;
        }
    }

    private static string? Authenticate(PgConversation conversation, DbCredential credential, ReadOnlySpan<byte> body, ref ScramClient? scram)
    {
        string password = credential.Password ?? "";
        int method = BinaryPrimitives.ReadInt32BigEndian(body);
        ReadOnlySpan<byte> data = body[4..];
        switch (method)
        {
            case 0:
                return null;
            case 3:
                PgMessages.Password(conversation.Out, password);
                return null;
            case 5 when data.Length >= 4:
                PgMessages.Password(conversation.Out, PgMd5.Answer(credential.User, password, data[..4]));
                return null;
            case 10:
                string[] offered = Encoding.UTF8.GetString(data).Split('\0');
                if (!offered.Contains("SCRAM-SHA-256")) return "it offers no way to log in that we know";
                using (X509Certificate2? certificate = conversation.Server.Connection.Tls?.GetPeerCertificate())
                {
                    scram = new ScramClient(password, binding: certificate is null ? null : ChannelBinding.TlsServerEndPoint(certificate), offered: offered.Contains("SCRAM-SHA-256-PLUS"));
                }

                PgMessages.SaslInitial(conversation.Out, scram.Binds ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256", scram.First);
                return null;
            case 11 when scram is not null:
                if (scram.Final(Encoding.UTF8.GetString(data)) is not { } final) return "its log-in breaks the protocol";
                PgMessages.SaslResponse(conversation.Out, final);
                return null;
            case 12 when scram is not null:
                return scram.IsServer(Encoding.UTF8.GetString(data)) ? null : "it does not know the password that it asks for: somebody is in between";
            default:
                return string.Create(CultureInfo.InvariantCulture, $"it asks for the log-in {method}, which we do not know");
        }
    }

    /// <summary>Takes over a setting that a server tells of.</summary>
    public static void Parameter(PgServer server, ReadOnlySpan<byte> body)
    {
        int end = body.IndexOf((byte)0);
        if (end < 0) return;
        ReadOnlySpan<byte> value = body[(end + 1)..];
        int last = value.IndexOf((byte)0);
        server.SettledFor = null;
        server.Reported[Encoding.UTF8.GetString(body[..end])] = Encoding.UTF8.GetString(last < 0 ? value : value[..last]);
    }
}
