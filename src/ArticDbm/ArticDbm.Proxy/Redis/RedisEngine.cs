using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Redis;

/// <summary>Redis and Valkey.</summary>
internal sealed class RedisEngine : IDbEngine
{
    public DbEngine Engine => DbEngine.Redis;

    public DbSession Accept(DbLoop loop, TcpConnection client, DbListener listener) => new RedisSession(loop, client, listener);

    public ValueTask<ServerStanding?> AskStandingAsync(ServerConnection connection, long deadline) => RedisStanding.AskAsync((RedisServer)connection, deadline);

    public ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool) => RedisLogin.OpenAsync(loop, pool);
}
