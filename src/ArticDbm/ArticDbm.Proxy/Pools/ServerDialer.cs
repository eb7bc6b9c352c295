using ArticDbm.Proxy.Loops;
using MarchProxy.Net;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Pools;

/// <summary>Connects to database servers; the log-in is the engine's.</summary>
internal static class ServerDialer
{
    /// <summary>Resolves the server's name and connects to the first address that answers.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="share">The server.</param>
    /// <param name="deadline">The loop's milliseconds.</param>
    /// <returns>A connection, or why there is none.</returns>
    public static async ValueTask<(TcpConnection? Connection, string Fault)> DialAsync(DbLoop loop, ServerShare share, long deadline)
    {
        ResolveResult resolved = await loop.Resolver.ResolveAsync(share.Server.Host);
        await loop.Loop.Enter();
        if (resolved.Addresses.IsDefaultOrEmpty) return (null, $"{share.Server.Host} cannot be resolved");
        Endpoint[] targets = [.. resolved.Addresses.Select(a => Endpoint.From(a, share.Server.Port))];
        ConnectResult result = await TcpConnector.ConnectAsync(loop.Loop, targets, Math.Max(1, deadline - loop.Loop.NowMs));
        return result.Connection is { } connection ? (connection, "") : (null, $"{share.Label} cannot be reached: {Errno.Name(result.Error)}");
    }
}
