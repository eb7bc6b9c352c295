using System.Globalization;

namespace MarchProxy.Net.Handover;

/// <summary>Sockets that a process before this one has handed over, by what they are for, until who needs them takes them.</summary>
public sealed class InheritedSockets : IDisposable
{
    private readonly Dictionary<string, List<int>> _sockets = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>What a socket is for: the same in both processes.</summary>
    /// <param name="kind">tcp, tproxy, udp, admin or nfqueue.</param>
    /// <param name="configured">Where it was to be opened.</param>
    /// <param name="name">Tells sockets apart whose port the kernel chose.</param>
    public static string Key(string kind, in Endpoint configured, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"{kind} {configured}{(configured is { Port: 0, Path: null } ? " " + name : "")}");

    /// <summary>Puts one down.</summary>
    /// <param name="key">What it is for.</param>
    /// <param name="descriptor">The socket; this object's until it is taken.</param>
    public void Add(string key, int descriptor)
    {
        lock (_lock)
        {
            if (!_sockets.TryGetValue(key, out List<int>? list)) _sockets[key] = list = [];
            list.Add(descriptor);
        }
    }

    /// <summary>Takes all that are for one purpose, in the order in which they were put down; the caller's from now on.</summary>
    /// <param name="key">What they are for.</param>
    public IReadOnlyList<int> Take(string key)
    {
        lock (_lock) return _sockets.Remove(key, out List<int>? list) ? list : [];
    }

    /// <summary>Closes what nobody took.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (int descriptor in _sockets.Values.SelectMany(s => s)) DescriptorPassing.Close(descriptor);
            _sockets.Clear();
        }
    }
}
