using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.MySql;

/// <summary>MySQL and MariaDB.</summary>
internal sealed class MySqlEngine : IDbEngine
{
    public DbEngine Engine => DbEngine.MySql;

    public DbSession Accept(DbLoop loop, TcpConnection client, DbListener listener) => new MySqlSession(loop, client, listener);

    public ValueTask<ServerResult> OpenAsync(DbLoop loop, ServerPool pool) => MySqlDialer.OpenAsync(loop, pool.Share, loop.MySql.FoundRows);

    public ValueTask<ServerStanding?> AskStandingAsync(ServerConnection connection, long deadline) => MySqlStanding.AskAsync((MySqlServer)connection, deadline);
}
