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
/// </summary>
public sealed class LoopTransport : IConnectionListenerFactory
{
    private readonly IReadOnlyList<EventLoop> _loops;
    private readonly LoopTransportOptions _options;
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

    /// <inheritdoc/>
    /// <exception cref="AddressInUseException">Somebody else listens there.</exception>
    /// <exception cref="IOException">The address is not ours, or not permitted.</exception>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
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
        accepted.Open(connection => Offer(queue, connection));
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

    private void Offer(AcceptQueue queue, TcpConnection connection)
    {
        if (!queue.TryAdd(new LoopConnection(connection, _options))) connection.Abort();
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
