using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.MySql;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Postgres;
using ArticDbm.Proxy.Redis;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Engines;

/// <summary>What the proxy must know of an engine: how a client's connection becomes a session, and how a connection to a server is opened.</summary>
internal interface IDbEngine
{
    /// <summary>Which one it is.</summary>
    DbEngine Engine { get; }

    /// <summary>A session on a fresh connection; whoever asks starts it.</summary>
    DbSession Accept(DbLoop loop, TcpConnection client, DbListener listener);

    /// <summary>Opens a connection to the pool's server and logs in.</summary>
    ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool);

    /// <summary>Asks a server what it is, over a connection that serves nothing else.</summary>
    /// <param name="connection">One that <see cref="OpenAsync"/> opened.</param>
    /// <param name="deadline">The loop's milliseconds.</param>
    /// <returns>What it said; null when it does not answer, and then the connection is of no more use.</returns>
    ValueTask<ServerStanding?> AskStandingAsync(ServerConnection connection, long deadline);
}

/// <summary>The engines that this program serves.</summary>
internal static class DbEngineList
{
    private static readonly IDbEngine[] s_all = [new PgEngine(), new MySqlEngine(), new RedisEngine()];

    /// <summary>An engine, or null when it is not served.</summary>
    public static IDbEngine? Find(DbEngine engine) => Array.Find(s_all, e => e.Engine == engine);

    /// <summary>An engine by the name that listeners use, or null when it is not served.</summary>
    public static IDbEngine? Find(string engine) => Array.Find(s_all, e => DbEngines.Name(e.Engine) == engine);
}
