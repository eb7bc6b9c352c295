using MarchProxy.Edge.Balancing;
using MarchProxy.Model.Resources;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Health;

/// <summary>Watches the addresses of services that say how: each by a probe of its own, off the loops. A change of the configuration leaves alone what stays the same.</summary>
internal sealed class HealthMonitor(ProcessLog log, TimeProvider time) : IAsyncDisposable
{
    private readonly Dictionary<EndpointState, Watched> _watched = [];

    /// <summary>Watches these and no others.</summary>
    public async Task WatchAsync(IEnumerable<(Service Service, EndpointState State)> all)
    {
        var wanted = new Dictionary<EndpointState, Service>();
        foreach ((Service service, EndpointState state) in all)
        {
            if (service.Health is not null) wanted[state] = service;
        }

        foreach ((EndpointState state, Watched watched) in _watched.ToArray())
        {
            if (wanted.TryGetValue(state, out Service? service) && service.Health == watched.Service.Health && service.Tls == watched.Service.Tls && service.Protocol == watched.Service.Protocol) continue;
            _watched.Remove(state);
            await watched.DisposeAsync();
            state.SetHealth(true, Environment.TickCount64);
        }

        foreach ((EndpointState state, Service service) in wanted)
        {
            if (!_watched.ContainsKey(state)) _watched[state] = new Watched(service, state, log, time);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (Watched watched in _watched.Values) await watched.DisposeAsync();
        _watched.Clear();
    }

    private sealed class Watched : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly EndpointState _state;
        private readonly HealthCheck _check;
        private readonly ProcessLog _log;
        private readonly TimeProvider _time;
        private readonly Task _running;

        public Watched(Service service, EndpointState state, ProcessLog log, TimeProvider time)
        {
            Service = service;
            _state = state;
            _check = service.Health!;
            _log = log;
            _time = time;
            _running = Task.Run(RunAsync);
        }

        public Service Service { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            int row = 0;
            using var probe = new HealthProbe(Service, _state.Endpoint);

            // The first answer decides at once: a new address that is down should get no request, and one that is up is up already.
            bool first = true;
            try
            {
                while (true)
                {
                    string? fault = await AskAsync(probe);
                    row = fault is null == _state.IsHealthy ? 0 : row + 1;
                    int needed = first ? 1 : _state.IsHealthy ? _check.UnhealthyThreshold : _check.HealthyThreshold;
                    first = false;
                    if (row >= needed)
                    {
                        row = 0;
                        _state.SetHealth(!_state.IsHealthy, Environment.TickCount64);
                        if (_state.IsHealthy) _log.Info("an upstream address is back", ("service", Service.Name), ("address", _state.Endpoint.ToString()));
                        else _log.Warn("an upstream address is out", ("service", Service.Name), ("address", _state.Endpoint.ToString()), ("fault", fault));
                    }

                    // A tenth more or less, so that many proxies do not ask in step.
                    await Task.Delay(_check.Interval * (0.9 + (Random.Shared.NextDouble() * 0.2)), _time, _stop.Token);
                }
            }
            catch (OperationCanceledException)
            {
                // It is no longer watched.
            }
            catch (Exception e)
            {
                _log.Error("a defect of the proxy's own: an address is no longer watched", ("service", Service.Name), ("exception", e.ToString()));
            }
        }

        private async Task<string?> AskAsync(HealthProbe probe)
        {
            using var timeout = new CancellationTokenSource(_check.Timeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
            try
            {
                return await probe.AskAsync(either.Token);
            }
            catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
            {
                return $"no answer within {_check.Timeout.TotalMilliseconds} ms";
            }
        }
    }
}
