using System.Globalization;
using System.Text;
using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace ArticDbm.Proxy.Redis;

/// <summary>Opens connections to Redis servers: TLS from the first byte where the database demands it (Redis has no way to ask for it), then AUTH with our credential.</summary>
internal static class RedisLogin
{
    /// <summary>Answers of a log-in are short; CLUSTER SLOTS of a large cluster is not.</summary>
    private const int MaxReply = 4 << 20;

    public static async ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool)
    {
        Database database = pool.Share.Target.Database;
        long deadline = loop.Loop.NowMs + (long)database.Pool.ConnectTimeout.TotalMilliseconds;
        (MarchProxy.Net.Tcp.TcpConnection? connection, string unreached) = await ServerDialer.DialAsync(loop, pool.Share, deadline);
        if (connection is null) return new ServerResult(null, unreached);
        var server = new RedisServer(connection, pool.Share);
        string? fault = (database.Tls.Mode is DbTlsMode.Disable or DbTlsMode.Prefer ? null : await server.SecureAsync(deadline)) ?? await LogInAsync(server, database, deadline);
        if (fault is null) return new ServerResult(server);
        server.Close();
        return new ServerResult(null, $"{pool.Share.Label}: {fault}");
    }

    /// <summary>Sets a connection up as a client needs it.</summary>
    /// <returns>Null, or what the server has against it.</returns>
    public static async ValueTask<string?> SetUpAsync(RedisServer server, int protocol, int number, bool readsReplica, long deadline)
    {
        if (server.Protocol != protocol)
        {
            if (await AskAsync(server, deadline, "HELLO", protocol == 3 ? "3" : "2") is { Length: > 0 } unwilling) return unwilling;
            server.Protocol = protocol;
        }

        if (server.Number != number)
        {
            if (await AskAsync(server, deadline, "SELECT", number.ToString(CultureInfo.InvariantCulture)) is { Length: > 0 } unknown) return unknown;
            server.Number = number;
        }

        if (readsReplica && !server.ReadsReplica)
        {
            if (await AskAsync(server, deadline, "READONLY") is { Length: > 0 } refused) return refused;
            server.ReadsReplica = true;
        }

        return null;
    }

    /// <summary>Asks and waits for the whole answer; only while nothing else is on its way.</summary>
    /// <returns>The error, or empty.</returns>
    public static async ValueTask<string> AskAsync(RedisServer server, long deadline, params string[] words)
    {
        (byte[]? reply, string fault) = await QueryAsync(server, deadline, words);
        return reply is null ? fault : reply[0] == (byte)'-' ? Encoding.UTF8.GetString(reply.AsSpan(1)).TrimEnd() : "";
    }

    /// <summary>Asks and waits for the whole answer; only while nothing else is on its way.</summary>
    public static async ValueTask<(byte[]? Reply, string Fault)> QueryAsync(RedisServer server, long deadline, params string[] words)
    {
        var question = new RespWriter();
        question.Command(words);
        if (await server.Connection.SendAllAsync(question.Written.ToArray(), Left(server, deadline)) is var sent and < 0) return (null, "it went away: " + Errno.Name(sent));
        var scanner = new RespReplyScanner();
        int seen = 0;
        while (true)
        {
            RespStatus status = scanner.Scan(server.Input.Pending[seen..], out int used);
            seen += used;
            if (status == RespStatus.Ok)
            {
                byte[] reply = server.Input.Pending[..seen].ToArray();
                server.Input.Consume(seen);

                // An answer is awaited, and what the server says unasked is none.
                seen = 0;
                if (reply[0] == (byte)'>') continue;
                return (reply, "");
            }

            if (status != RespStatus.NeedMore) return (null, "it is no Redis server");
            if (await server.FillAsync(deadline, MaxReply) is { } fault) return (null, fault);
        }
    }

    private static long Left(RedisServer server, long deadline) => Math.Max(1, deadline - server.Connection.Loop.NowMs);

    private static async ValueTask<string?> LogInAsync(RedisServer server, Database database, long deadline)
    {
        DbCredential credential = database.Credential;
        if (credential.Password is { } password)
        {
            string refused = credential.User.Length > 0 ? await AskAsync(server, deadline, "AUTH", credential.User, password) : await AskAsync(server, deadline, "AUTH", password);
            if (refused.Length > 0) return refused;
        }

        // Whoever may not ask for the version may still serve: clients are then told the oldest that we know.
        (byte[]? info, string fault) = await QueryAsync(server, deadline, "INFO", "server");
        if (info is null) return fault;
        string text = Encoding.UTF8.GetString(info);
        if (text.StartsWith("-NOAUTH", StringComparison.Ordinal)) return text[1..].TrimEnd();
        int at = text.IndexOf("redis_version:", StringComparison.Ordinal);
        if (at >= 0) server.Share.Target.Parameters["redis_version"] = text[(at + 14)..].Split('\r', '\n')[0];
        return null;
    }
}
