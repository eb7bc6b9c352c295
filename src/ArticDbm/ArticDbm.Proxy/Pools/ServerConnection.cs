using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Pools;

/// <summary>A connection to a database server, logged in; belongs to one loop.</summary>
internal abstract class ServerConnection(TcpConnection connection, ServerShare share)
{
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

    /// <summary>Ends it, telling the server where that costs nothing.</summary>
    public abstract void Close();
}
