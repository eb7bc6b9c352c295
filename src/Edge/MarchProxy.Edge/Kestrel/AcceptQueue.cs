using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace MarchProxy.Edge.Kestrel;

/// <summary>Connections on their way from the loops to Kestrel. Bounded: past the bound a connection is refused.</summary>
internal sealed class AcceptQueue(EndPoint endPoint, int capacity, Func<ValueTask> unbind) : IConnectionListener
{
    private readonly Channel<LoopConnection> _waiting =
        Channel.CreateBounded<LoopConnection>(new BoundedChannelOptions(capacity) { SingleReader = true });

    public EndPoint EndPoint => endPoint;

    /// <summary>Adds a connection; false when the queue is full or closed, and the connection is still the caller's.</summary>
    public bool TryAdd(LoopConnection connection) => _waiting.Writer.TryWrite(connection);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
        {
            if (!_waiting.Reader.TryRead(out LoopConnection? connection)) continue;
            connection.Start();
            return connection;
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (!_waiting.Writer.TryComplete()) return;
        await unbind();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        while (_waiting.Reader.TryRead(out LoopConnection? connection)) await connection.DisposeAsync();
    }
}
