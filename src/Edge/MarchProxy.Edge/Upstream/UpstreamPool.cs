using MarchProxy.Edge.Balancing;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Timers;

namespace MarchProxy.Edge.Upstream;

/// <summary>
/// Idle keep-alive connections to upstreams, of one loop. The youngest is taken first, so that the others can age out. A connection that
/// the upstream closes, or on which it speaks unasked, leaves the pool at once: its next bytes could be anybody's.
/// </summary>
internal sealed class UpstreamPool(EventLoop loop, UpstreamPoolOptions options)
{
    private readonly Dictionary<(Endpoint Endpoint, UpstreamTls? Tls), IdleStack> _idle = [];
    private static readonly Action<object?> s_gone = static state => ((PooledConnection)state!).Drop();

    /// <summary>Connections idle in the pool.</summary>
    public int IdleCount { get; private set; }

    /// <summary>Takes an idle connection to an endpoint, or null.</summary>
    /// <param name="endpoint">Where it must lead.</param>
    /// <param name="tls">Under which TLS; null for none.</param>
    public TcpConnection? TryTake(in Endpoint endpoint, UpstreamTls? tls)
    {
        if (!_idle.TryGetValue((endpoint, tls), out IdleStack? stack)) return null;
        while (stack.TryPop() is { } pooled)
        {
            IdleCount--;
            TcpConnection connection = pooled.Release();
            if (!connection.IsClosed && !connection.HasNews)
            {
                stack.Recycle(pooled);
                return connection;
            }

            connection.Close();
        }

        return null;
    }

    /// <summary>Puts a connection aside for the next request to the same endpoint, or closes it when there are enough.</summary>
    /// <param name="connection">One whose last response was read to its exact end.</param>
    /// <param name="tls">The TLS that it was opened under.</param>
    public void Return(TcpConnection connection, UpstreamTls? tls)
    {
        if (connection.IsClosed) return;
        if (!_idle.TryGetValue((connection.Remote, tls), out IdleStack? stack))
        {
            if (_idle.Count >= options.MaxEndpoints) Trim();
            _idle[(connection.Remote, tls)] = stack = new IdleStack(this);
        }

        if (connection.HasNews || stack.Count >= options.MaxIdlePerEndpoint || connection.Watch() < 0)
        {
            connection.Close();
            return;
        }

        PooledConnection pooled = stack.Push(connection);
        connection.OnEnded = true;
        connection.OnHangUp = s_gone;
        connection.HangUpState = pooled;
        IdleCount++;
        loop.Timers.Arm(pooled, loop.NowMs + options.IdleMs);
    }

    /// <summary>Closes one idle connection to any of these addresses.</summary>
    public void DropOneIdle(IEnumerable<EndpointState> endpoints, UpstreamTls? tls)
    {
        foreach (EndpointState state in endpoints)
        {
            if (TryTake(state.Endpoint, tls) is not { } connection) continue;
            connection.Close();
            return;
        }
    }

    /// <summary>Closes everything idle.</summary>
    public void Clear()
    {
        foreach (IdleStack stack in _idle.Values)
        {
            while (stack.TryPop() is { } pooled) pooled.Release().Close();
        }

        _idle.Clear();
        IdleCount = 0;
    }

    /// <summary>Endpoints without idle connections are forgotten; names that resolve to ever new addresses leave no trace.</summary>
    private void Trim()
    {
        foreach (((Endpoint, UpstreamTls?) endpoint, IdleStack stack) in _idle)
        {
            if (stack.Count == 0) _idle.Remove(endpoint);
        }
    }

    /// <summary>The idle connections to one endpoint: an array in the order of return, with holes closed at once.</summary>
    private sealed class IdleStack(UpstreamPool pool)
    {
        private PooledConnection[] _items = new PooledConnection[8];
        private PooledConnection? _spare;

        public int Count { get; private set; }

        public UpstreamPool Pool => pool;

        public PooledConnection Push(TcpConnection connection)
        {
            PooledConnection pooled = _spare ?? new PooledConnection(this);
            _spare = pooled.NextSpare;
            pooled.NextSpare = null;
            pooled.Connection = connection;
            pooled.Index = Count;
            if (Count == _items.Length) Array.Resize(ref _items, Count * 2);
            _items[Count++] = pooled;
            return pooled;
        }

        public PooledConnection? TryPop() => Count == 0 ? null : _items[--Count];

        public void Remove(PooledConnection pooled)
        {
            Count--;
            for (int i = pooled.Index; i < Count; i++)
            {
                _items[i] = _items[i + 1];
                _items[i].Index = i;
            }

            pool.IdleCount--;
        }

        /// <summary>The holder serves again: its timer entry is lazy and stays in the wheel.</summary>
        public void Recycle(PooledConnection pooled)
        {
            pooled.NextSpare = _spare;
            _spare = pooled;
        }
    }

    private sealed class PooledConnection(IdleStack stack) : TimerNode
    {
        public TcpConnection? Connection { get; set; }

        public int Index { get; set; }

        public PooledConnection? NextSpare { get; set; }

        public TcpConnection Release()
        {
            TcpConnection connection = Connection!;
            Connection = null;
            connection.OnEnded = false;
            connection.OnHangUp = null;
            connection.HangUpState = null;
            Disarm();
            return connection;
        }

        public void Drop()
        {
            if (Connection is null) return;
            stack.Remove(this);
            Release().Close();
            stack.Recycle(this);
        }

        protected override void OnExpired() => Drop();
    }
}

/// <summary>What bounds the pool of a loop.</summary>
internal sealed record UpstreamPoolOptions
{
    /// <summary>Idle connections kept for one endpoint, a loop. Default 256: as many as that loop's usual parallel requests to a busy origin.</summary>
    public int MaxIdlePerEndpoint { get; init; } = 256;

    /// <summary>Milliseconds an idle connection is kept. Default 50 s: below the 60 s or more after which common origins close, so that a request rarely meets a closing one.</summary>
    public long IdleMs { get; init; } = DefaultIdleMs;

    /// <summary>The default of <see cref="IdleMs"/>.</summary>
    public const long DefaultIdleMs = 50_000;

    /// <summary>Endpoints remembered. Default 4,096.</summary>
    public int MaxEndpoints { get; init; } = 4096;
}
