using System.Collections.Concurrent;
using System.Threading.Channels;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;

namespace MarchProxy.Control.Xds;

/// <summary>Tells every open stream of edits in its cluster.</summary>
public sealed class AdsHub : IDisposable
{
    private readonly Manager _manager;
    private readonly ConcurrentDictionary<AdsFeed, byte> _feeds = new();

    /// <summary>Begins to listen to a manager's edits.</summary>
    /// <param name="manager">The manager.</param>
    public AdsHub(Manager manager)
    {
        _manager = manager;
        manager.Changed += OnChanged;
    }

    /// <summary>Open streams.</summary>
    public int Count => _feeds.Count;

    /// <inheritdoc/>
    public void Dispose() => _manager.Changed -= OnChanged;

    internal AdsFeed Open(string cluster)
    {
        var feed = new AdsFeed(cluster, this);
        _feeds[feed] = 0;
        return feed;
    }

    internal void Close(AdsFeed feed) => _feeds.TryRemove(feed, out _);

    internal ClusterState? State(string cluster) => _manager.State.Cluster(cluster);

    internal static Entry? Find(ClusterState cluster, string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && ResourceKind.Find(name[..slash]) is { } kind ? cluster.Find(kind, name[(slash + 1)..]) : null;
    }

    private void OnChanged(ManagerState state, IReadOnlyList<Change>? changes)
    {
        if (changes is null)
        {
            foreach (AdsFeed feed in _feeds.Keys) feed.Tell(state.Cluster(feed.Cluster), null);
            return;
        }

        foreach (IGrouping<string, ResourceKey> cluster in changes.Select(c => c.Key).GroupBy(k => k.Cluster))
        {
            string[] names = [.. cluster.Select(k => $"{k.Kind}/{k.Name}")];
            foreach (AdsFeed feed in _feeds.Keys.Where(f => f.Cluster == cluster.Key)) feed.Tell(state.Cluster(cluster.Key), names);
        }
    }
}

/// <summary>
/// What one stream hears of edits: the latest state and the names that led there, taken together, so that a push never mixes two states. Bounded: past the bound everything
/// counts as touched.
/// </summary>
internal sealed class AdsFeed(string cluster, AdsHub hub) : IDisposable
{
    private const int MostNames = 10_000;
    private readonly Lock _lock = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private HashSet<string> _names = new(StringComparer.Ordinal);
    private ClusterState? _state;
    private bool _all = true;

    public string Cluster => cluster;

    public ChannelReader<bool> Signal => _signal.Reader;

    public void Tell(ClusterState? state, string[]? names)
    {
        lock (_lock)
        {
            _state = state ?? ClusterState.Empty(cluster);
            if (names is null || _names.Count + names.Length > MostNames) _all = true;
            else _names.UnionWith(names);
        }

        _signal.Writer.TryWrite(true);
    }

    /// <summary>Tells a subscription what was touched, and gives the state that goes with it.</summary>
    public ClusterState TakeInto(Subscription subscription)
    {
        lock (_lock)
        {
            subscription.Touch(_all ? null : _names);
            _names = new HashSet<string>(StringComparer.Ordinal);
            _all = false;
            return _state ??= hub.State(cluster) ?? ClusterState.Empty(cluster);
        }
    }

    public void Dispose() => hub.Close(this);
}
