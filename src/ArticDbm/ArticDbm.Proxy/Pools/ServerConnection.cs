using ArticDbm.Proxy.Config;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Pools;

/// <summary>A connection to a database server, logged in; belongs to one loop.</summary>
internal abstract class ServerConnection(TcpConnection connection, ServerShare share)
{
    /// <summary>What was read and not yet passed on.</summary>
    public StreamInput Input;

    /// <summary>The bytes.</summary>
    public TcpConnection Connection { get; } = connection;

    /// <summary>The server that it leads to.</summary>
    public ServerShare Share { get; } = share;

    /// <summary>The pool that it waits in.</summary>
    public ServerPool? Pool { get; set; }

    /// <summary>When it was opened; the loop's milliseconds.</summary>
    public long OpenedAt { get; set; }

    /// <summary>When it is to be closed, once free; the loop's milliseconds.</summary>
    public long EndsAt { get; set; }

    /// <summary>Since when it has been free; the loop's milliseconds.</summary>
    public long FreeSince { get; set; }

    /// <summary>Whether it can serve another client.</summary>
    public bool IsUsable => !Connection.IsClosed && !Connection.HasNews;

    /// <summary>Turns to TLS, under the name that the database's settings want; only where <see cref="DbTarget.Tls"/> is not null.</summary>
    /// <param name="deadline">The loop's milliseconds.</param>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> SecureAsync(long deadline)
    {
        string wanted = Share.Target.Database.Tls.ServerName;
        TlsSession session = Share.Target.Tls!.CreateSession(Connection.TlsDescriptor, wanted.Length > 0 ? wanted : Share.Server.Host);
        int secured = await Connection.StartTlsAsync(session, Math.Max(1, deadline - Connection.Loop.NowMs));
        return secured == 0 ? null : $"TLS failed: {Connection.Tls?.FailureReason ?? Errno.Name(secured)}";
    }

    /// <summary>Waits for more of an answer to a question of our own.</summary>
    /// <param name="deadline">The loop's milliseconds.</param>
    /// <param name="most">Bytes of an answer at most.</param>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> FillAsync(long deadline, int most = 0)
    {
        while (true)
        {
            int n = Input.TryFill(Connection, most);
            if (n > 0) return null;
            if (n == 0) return "it closed the connection";
            if (n == -Errno.EAGAIN)
            {
                n = await Connection.ReadableAsync(Math.Max(1, deadline - Connection.Loop.NowMs));
                if (n >= 0) continue;
            }

            return n == -Errno.ETIMEDOUT ? "it does not answer" : "it went away: " + Errno.Name(n);
        }
    }

    /// <summary>Ends it, telling the server where that costs nothing.</summary>
    public abstract void Close();
}
