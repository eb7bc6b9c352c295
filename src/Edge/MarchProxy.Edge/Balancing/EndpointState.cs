using System.Collections.Concurrent;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace MarchProxy.Edge.Balancing;

/// <summary>What is known of one address of a service: shared by all loops and routes, kept over changes of the configuration.</summary>
internal sealed class EndpointState
{
    /// <summary>An address that fails again and again is set aside for at most so many times the first stretch.</summary>
    private const int MaxStretches = 30;
    private int _failures, _ejections;
    private long _ejectedUntil, _lastEjection, _upSince;
    private bool _isHealthy = true;

    /// <summary>Requests under way to it; counted where a route balances by it.</summary>
    public int Active;

    /// <param name="service">Its service.</param>
    /// <param name="endpoint">The address.</param>
    /// <param name="sinceMs">Since when it is known.</param>
    public EndpointState(string service, Endpoint endpoint, long sinceMs = long.MinValue / 2)
    {
        Service = service;
        Endpoint = endpoint;
        _upSince = sinceMs;
        _ejectedUntil = long.MinValue / 2;
    }

    public string Service { get; }

    public Endpoint Endpoint { get; }

    /// <summary>Its share beside the others of its service.</summary>
    public int Weight { get; set; } = 1;

    /// <summary>How it comes to its share; null for at once.</summary>
    public SlowStart? SlowStart { get; set; }

    /// <summary>What its health check says; true until one has spoken.</summary>
    public bool IsHealthy => Volatile.Read(ref _isHealthy);

    /// <summary>Notes what its health check says.</summary>
    public void SetHealth(bool isHealthy, long nowMs)
    {
        if (isHealthy && !_isHealthy) Volatile.Write(ref _upSince, nowMs);
        Volatile.Write(ref _isHealthy, isHealthy);
    }

    /// <summary>How much of its share it has by now: 1 once it has been up for the whole window.</summary>
    public double Warmth(long nowMs)
    {
        if (SlowStart is not { } slow) return 1;
        double passed = nowMs - Math.Max(Volatile.Read(ref _upSince), Volatile.Read(ref _ejectedUntil));
        return passed >= slow.Window.TotalMilliseconds ? 1 : Math.Max(slow.MinPercent / 100.0, passed / slow.Window.TotalMilliseconds);
    }

    public bool IsEjected(long nowMs) => nowMs < Volatile.Read(ref _ejectedUntil);

    public bool IsAvailable(long nowMs) => IsHealthy && !IsEjected(nowMs);

    public void Succeeded()
    {
        if (_failures != 0) Volatile.Write(ref _failures, 0);
    }

    /// <summary>Counts a failure.</summary>
    /// <returns>Whether there were so many in a row that it should be set aside.</returns>
    public bool Failed(OutlierEjection rule) => rule.Failures > 0 && Interlocked.Increment(ref _failures) >= rule.Failures;

    /// <summary>Sets it aside: longer when it was aside not long ago.</summary>
    public void Eject(OutlierEjection rule, long nowMs)
    {
        long stretch = (long)rule.EjectFor.TotalMilliseconds;
        _ejections = nowMs - _lastEjection < stretch * MaxStretches ? Math.Min(_ejections + 1, MaxStretches) : 1;
        _lastEjection = nowMs;
        Volatile.Write(ref _failures, 0);
        Volatile.Write(ref _ejectedUntil, nowMs + (stretch * _ejections));
    }
}

/// <summary>The addresses of all services.</summary>
internal sealed class EndpointTable
{
    private readonly ConcurrentDictionary<(string Service, Endpoint Endpoint), EndpointState> _all = new();

    public EndpointState Get(string service, Endpoint endpoint) => _all.GetOrAdd((service, endpoint), static key => new EndpointState(key.Service, key.Endpoint, Environment.TickCount64));

    /// <summary>Forgets what no configuration names any more.</summary>
    public void Keep(HashSet<EndpointState> wanted)
    {
        foreach ((var key, EndpointState state) in _all)
        {
            if (!wanted.Contains(state)) _all.TryRemove(key, out _);
        }
    }

    /// <summary>One or zero for each address, for metrics.</summary>
    public IEnumerable<(string Upstream, double Up)> Up(Func<long> nowMs)
    {
        long now = nowMs();
        return _all.Values.Select(s => ($"{s.Service} {s.Endpoint}", s.IsAvailable(now) ? 1.0 : 0.0));
    }
}
