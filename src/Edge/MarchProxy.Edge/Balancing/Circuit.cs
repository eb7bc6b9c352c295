using System.Collections.Concurrent;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Balancing;

/// <summary>How much of a service is used now, by all loops together, and what was refused for it. Kept over changes of the configuration, since what is under way is.</summary>
internal sealed class Circuit(string service)
{
    private volatile CircuitLimits _limits = new();
    private int _requests, _retries;
    private long _refusedRequests, _refusedConnections, _refusedRetries;

    public string Service => service;

    /// <summary>The connections to the service.</summary>
    public ConnectionSlots Connections { get; } = new();

    /// <summary>Requests under way.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Tries after the first under way.</summary>
    public int Retries => Volatile.Read(ref _retries);

    /// <summary>What was refused, by what was used up.</summary>
    public IEnumerable<(string What, long Count)> Refused =>
        [("requests", Volatile.Read(ref _refusedRequests)), ("connections", Volatile.Read(ref _refusedConnections)), ("retries", Volatile.Read(ref _refusedRetries))];

    /// <summary>Puts bounds in force.</summary>
    public void Obey(CircuitLimits limits)
    {
        _limits = limits;
        Connections.Obey(limits.Connections, limits.Pending);
    }

    /// <summary>Counts a request in; false when there are as many as may be.</summary>
    public bool TryRequest() => TryEnter(ref _requests, _limits.Requests, ref _refusedRequests);

    public void EndRequest() => Interlocked.Decrement(ref _requests);

    /// <summary>Counts another try of a request in; false when there are as many as may be.</summary>
    public bool TryRetry() => TryEnter(ref _retries, _limits.Retries, ref _refusedRetries);

    public void EndRetry() => Interlocked.Decrement(ref _retries);

    /// <summary>Has loops asked for an idle connection to give up, since a request waits.</summary>
    public Action<Config.CompiledBackend>? OnWanted { get; set; }

    /// <summary>A request waits for a connection.</summary>
    public void Want(Config.CompiledBackend backend) => OnWanted?.Invoke(backend);

    /// <summary>Counts a request that got no connection.</summary>
    public void NoteNoConnection() => Interlocked.Increment(ref _refusedConnections);

    private static bool TryEnter(ref int count, int most, ref long refused)
    {
        if (Interlocked.Increment(ref count) <= most || most == 0) return true;
        Interlocked.Decrement(ref count);
        Interlocked.Increment(ref refused);
        return false;
    }
}

/// <summary>The circuits of all services that have bounds.</summary>
internal sealed class CircuitTable(Action<Config.CompiledBackend> onWanted)
{
    private readonly ConcurrentDictionary<string, Circuit> _all = new(StringComparer.Ordinal);

    /// <summary>The circuit of a service, obeying its bounds; null when it has none.</summary>
    public Circuit? For(Service service)
    {
        if (service.Circuit is not { } limits) return null;
        Circuit circuit = _all.GetOrAdd(service.Name, name => new Circuit(name) { OnWanted = onWanted });
        circuit.Obey(limits);
        return circuit;
    }

    /// <summary>Values for metrics, told apart by service and what is counted.</summary>
    public IEnumerable<(string Service, double Value)> Read(Func<Circuit, double> value) => _all.Values.Select(c => (c.Service, value(c)));

    /// <summary>What was refused: service and kind in one label, as upstreams have it.</summary>
    public IEnumerable<(string Circuit, double Count)> Refused() => _all.Values.SelectMany(c => c.Refused.Select(r => ($"{c.Service} {r.What}", (double)r.Count)));
}
