using System.Net;
using System.Net.Sockets;
using MarchProxy.Edge.Listeners;
using MarchProxy.Net;
using MarchProxy.Net.Handover;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using Microsoft.AspNetCore.Connections;
using TcpListener = MarchProxy.Net.Tcp.TcpListener;

namespace MarchProxy.Edge.Kestrel;

/// <summary>
/// Runs Kestrel on our loops: their listeners accept, their connections carry the bytes, and application code stays on the thread pool.
/// A loop can also hand over a connection of its own once it has seen that HTTP/2 is spoken on it.
/// </summary>
public sealed class LoopTransport : IConnectionListenerFactory
{
    private readonly IReadOnlyList<EventLoop> _loops;
    private readonly LoopTransportOptions _options;
    private volatile AcceptQueue? _handOver;
    private readonly List<(string Key, TcpListener Listener)> _listening = [];

    /// <summary>Makes a transport on running loops.</summary>
    /// <param name="loops">The loops that accept; each opens its own listener for an address.</param>
    /// <param name="options">The bounds.</param>
    public LoopTransport(IReadOnlyList<EventLoop> loops, LoopTransportOptions? options = null)
    {
        if (loops.Count == 0) throw new ArgumentException("A transport needs a loop.", nameof(loops));
        _loops = loops;
        _options = options ?? LoopTransportOptions.Default;
    }

    /// <summary>Have Kestrel listen on it, with the protocol that handed-over connections speak, to make <see cref="HandOver"/> work.</summary>
    public HandOverEndPoint HandOverPoint { get; } = new();

    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">Somebody else listens there.</exception>
    /// <exception cref="IOException">The address is not ours, or not permitted.</exception>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (ReferenceEquals(endpoint, HandOverPoint))
        {
            var handOver = new AcceptQueue(endpoint, _options.MaxPending, () =>
            {
                _handOver = null;
                return ValueTask.CompletedTask;
            });
            return _handOver = handOver;
        }

        var listeners = new List<TcpListener>();
        Endpoint local = ToEndpoint(endpoint);
        string key = InheritedSockets.Key("admin", local, "");
        IReadOnlyList<int> inherited = _options.Inherited?.Take(key) ?? [];
        var accepted = new AcceptGate();
        try
        {
            // A Unix socket cannot be bound twice; the first loop accepts for all.
            int wanted = local.Path is null ? _loops.Count : 1;
            for (int i = 0; i < Math.Max(wanted, inherited.Count); i++)
            {
                Endpoint at = local;
                EventLoop loop = _loops[i % _loops.Count];
                int descriptor = i < inherited.Count ? inherited[i] : -1;
                TcpListener listener = await loop.InvokeAsync(() => descriptor < 0
                    ? TcpListener.Open(loop, at, accepted.Take, _options.Listener)
                    : TcpListener.Adopt(loop, descriptor, accepted.Take, _options.Listener));
                listeners.Add(listener);
                local = listener.Local;
            }
        }
        catch (Exception e)
        {
            await CloseAsync(listeners);
            if (e is IOException { HResult: Errno.EADDRINUSE }) throw new AddressInUseException(e.Message, e);
            throw;
        }

        _listening.AddRange(listeners.Select(l => (key, l)));
        var queue = new AcceptQueue(ToEndPoint(local), _options.MaxPending, () => CloseAsync(listeners));
        accepted.Open(connection => Offer(queue, connection, default));
        return queue;
    }

    /// <summary>The sockets that listen for Kestrel, for another process to go on with; they stay open here.</summary>
    public IEnumerable<HandedSocket> Export() => _listening.Where(l => l.Listener.Descriptor >= 0).Select(l => new HandedSocket(l.Key, l.Listener.Descriptor));

    /// <summary>Closes the sockets that listen for Kestrel here; another process has them now.</summary>
    public async Task ReleaseAsync()
    {
        foreach ((_, TcpListener listener) in _listening)
        {
            await listener.Loop.InvokeAsync(() =>
            {
                listener.Release();
                return true;
            });
        }
    }

    /// <summary>Hands a connection to Kestrel, which closes it in the end. Call it on the connection's loop, with nobody waiting on it.</summary>
    /// <param name="connection">An open connection, with or without TLS; with TLS it counts as one that agreed on <c>h2</c>.</param>
    /// <param name="alreadyRead">What was read from it and Kestrel must see first; copied.</param>
    /// <returns>False when Kestrel does not listen on <see cref="HandOverPoint"/> or is overrun: the connection is still the caller's.</returns>
    public bool HandOver(TcpConnection connection, ReadOnlyMemory<byte> alreadyRead) => HandOver<object>(connection, alreadyRead, null);

    /// <summary>The same, with something for the application to find among the connection's features.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="alreadyRead">What was read from it.</param>
    /// <param name="feature">What the application finds; null for nothing.</param>
    public bool HandOver<T>(TcpConnection connection, ReadOnlyMemory<byte> alreadyRead, T? feature)
        where T : class
    {
        if (_handOver is not { } queue) return false;
        var handed = new LoopConnection(connection, _options, alreadyRead);
        if (feature is not null) handed.Features.Set(feature);
        return queue.TryAdd(handed);
    }

    private void Offer(AcceptQueue queue, TcpConnection connection, ReadOnlyMemory<byte> alreadyRead)
    {
        if (!queue.TryAdd(new LoopConnection(connection, _options, alreadyRead))) connection.Abort();
    }

    private static async ValueTask CloseAsync(List<TcpListener> listeners)
    {
        foreach (TcpListener listener in listeners)
        {
            try
            {
                await listener.Loop.InvokeAsync(() =>
                {
                    listener.Dispose();
                    return true;
                });
            }
            catch (ObjectDisposedException)
            {
                // The loop has ended, and closed its listener with it.
            }
        }
    }

    private static Endpoint ToEndpoint(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint ip => Endpoint.From(ip.Address, ip.Port),
        UnixDomainSocketEndPoint unix => Endpoint.Unix(unix.ToString()),
        _ => throw new NotSupportedException($"The loops cannot listen on {endpoint}."),
    };

    internal static EndPoint ToEndPoint(in Endpoint endpoint) =>
        endpoint.Address is { } address ? new IPEndPoint(address, endpoint.Port) : new UnixDomainSocketEndPoint(endpoint.Path is { Length: > 0 } path ? path : "-");

    /// <summary>Where the listeners deliver; what comes before the queue exists is reset.</summary>
    private sealed class AcceptGate
    {
        private volatile Action<TcpConnection>? _target;

        public void Open(Action<TcpConnection> target) => _target = target;

        public void Take(TcpConnection connection)
        {
            if (_target is { } target) target(connection);
            else connection.Abort();
        }
    }
}
