using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <summary>PostgreSQL.</summary>
internal sealed class PgEngine : IDbEngine
{
    public DbEngine Engine => DbEngine.PostgreSql;

    public DbSession Accept(DbLoop loop, TcpConnection client, DbListener listener) => new PgSession(loop, client, listener);

    public ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool) => PgLogin.OpenAsync(loop, pool);

    public ValueTask<ServerStanding?> AskStandingAsync(ServerConnection connection, long deadline) => PgStanding.AskAsync((PgServer)connection, deadline);
}
