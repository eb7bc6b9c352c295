using ArticDbm.Proxy.Pools;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Redis;

/// <summary>A connection to a Redis server, logged in, and how it was set up.</summary>
internal sealed class RedisServer(TcpConnection connection, ServerShare share) : ServerConnection(connection, share)
{
    /// <summary>RESP 2 or 3.</summary>
    public int Protocol { get; set; } = 2;

    /// <summary>The number of the database that is selected.</summary>
    public int Number { get; set; }

    /// <summary>Whether it was told READONLY: a cluster's replica then answers.</summary>
    public bool ReadsReplica { get; set; }

    public override void Close()
    {
        Input.Release();
        Connection.Close();
    }
}
