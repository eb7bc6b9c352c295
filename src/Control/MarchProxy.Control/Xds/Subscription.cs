using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using MarchProxy.Control.State;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Control.Xds;

/// <summary>What goes out next on a stream.</summary>
/// <param name="Version">The version that it leads to.</param>
/// <param name="Changed">Resources to send, by name.</param>
/// <param name="Removed">Names that are gone.</param>
internal sealed record Push(string Version, IReadOnlyDictionary<string, Entry> Changed, IReadOnlyCollection<string> Removed);

/// <summary>
/// What one stream knows and wants of one cluster. Pure: told of edits and answers, it says what to send. Costs of an edit grow with the edit: what may differ is
/// kept as a set of names, and only at the start, or when all may have changed, everything is compared.
/// </summary>
internal sealed class Subscription
{
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _dirty = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private Dictionary<string, string?>? _refused;
    private bool _all = true;
    private Push? _outstanding;

    /// <summary>Whether everything is wanted.</summary>
    public bool IsWildcard { get; private set; }

    /// <summary>Whether a push waits for its answer.</summary>
    public bool IsWaiting => _outstanding is not null;

    /// <summary>Whether a refusal was settled without a push; whoever acts on it takes it back.</summary>
    public bool HasRecovered { get; set; }

    /// <summary>How resources are named on the wire: <c>KIND/NAME</c>.</summary>
    public static string NameOf(Entry entry) => $"{entry.Kind.Plural}/{entry.Name}";

    /// <summary>What the peer has from an earlier stream.</summary>
    public void Knows(IEnumerable<KeyValuePair<string, string>> versions)
    {
        foreach ((string name, string version) in versions) _known[name] = version;
        _all = true;
    }

    /// <summary>Wants names, or everything (<c>*</c>).</summary>
    public void Subscribe(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (name == "*")
            {
                IsWildcard = true;
                _all = true;
            }
            else if (_names.Add(name))
            {
                _dirty.Add(name);
            }
            else
            {
                // Asked for again: the peer lost it, and gets it anew.
                _known.Remove(name);
                _dirty.Add(name);
            }
        }
    }

    /// <summary>No longer wants names; the peer forgets them by itself.</summary>
    public void Unsubscribe(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (name == "*") IsWildcard = false;
            else _names.Remove(name);
        }

        foreach (string name in _known.Keys.Where(n => !Wanted(n)).ToArray()) _known.Remove(name);
    }

    /// <summary>Names were touched; null when anything may have been.</summary>
    public void Touch(IEnumerable<string>? names)
    {
        if (names is null) _all = true;
        else _dirty.UnionWith(names);
    }

    /// <summary>What to send now; null when there is nothing, or an answer is awaited.</summary>
    /// <param name="cluster">The state now.</param>
    /// <param name="find">Finds a resource by its name on the wire.</param>
    public Push? Next(ClusterState cluster, Func<ClusterState, string, Entry?> find)
    {
        if (_outstanding is not null) return null;
        var changed = new Dictionary<string, Entry>(StringComparer.Ordinal);
        var removed = new List<string>();
        if (_all)
        {
            var present = new HashSet<string>(StringComparer.Ordinal);
            foreach (Entry entry in cluster.All)
            {
                string name = NameOf(entry);
                if (!Wanted(name)) continue;
                present.Add(name);
                if (_known.GetValueOrDefault(name) != entry.Digest.ToString()) changed[name] = entry;
            }

            removed.AddRange(_known.Keys.Where(n => !present.Contains(n)));
        }
        else
        {
            IEnumerable<string> candidates = _refused is null ? _dirty : _dirty.Concat(_refused.Keys).Distinct(StringComparer.Ordinal);
            foreach (string name in candidates)
            {
                if (!Wanted(name)) continue;
                Entry? entry = find(cluster, name);
                if (entry is null)
                {
                    if (_known.ContainsKey(name) || _names.Contains(name)) removed.Add(name);
                }
                else if (_known.GetValueOrDefault(name) != entry.Digest.ToString())
                {
                    changed[name] = entry;
                }
            }
        }

        _dirty.Clear();
        _all = false;
        if (changed.Count == 0 && removed.Count == 0)
        {
            // What was refused was taken back: the peer has what it should.
            HasRecovered |= _refused is not null;
            _refused = null;
            return null;
        }

        // What was refused is not sent again until something about it is different.
        if (_refused is not null && _refused.Count == changed.Count + removed.Count
            && changed.All(c => _refused.TryGetValue(c.Key, out string? v) && v == c.Value.Digest.ToString())
            && removed.TrueForAll(r => _refused.TryGetValue(r, out string? v) && v is null)) return null;
        return _outstanding = new Push(cluster.Version, changed, removed);
    }

    /// <summary>The peer took the push.</summary>
    public Push? Accepted()
    {
        Push? push = _outstanding;
        _outstanding = null;
        if (push is null) return null;
        foreach ((string name, Entry entry) in push.Changed) _known[name] = entry.Digest.ToString();
        foreach (string name in push.Removed) _known.Remove(name);
        foreach (string name in _known.Keys.Where(n => !Wanted(n)).ToArray()) _known.Remove(name);
        _refused = null;
        return push;
    }

    /// <summary>The peer refused the push: it stays as it was, and gets it again once something about it is different.</summary>
    public Push? Refused()
    {
        Push? push = _outstanding;
        _outstanding = null;
        if (push is null) return null;
        _refused = push.Changed.ToDictionary(c => c.Key, c => (string?)c.Value.Digest.ToString(), StringComparer.Ordinal);
        foreach (string name in push.Removed) _refused[name] = null;
        return push;
    }

    /// <summary>A resource as it goes over the wire.</summary>
    public static Any Pack(Entry entry) => new()
    {
        TypeUrl = DiscoveryMethods.DomainType,
        Value = new DomainResource { Kind = entry.Kind.Plural, Name = entry.Name, Json = UnsafeByteOperations.UnsafeWrap(entry.Content) }.ToByteString(),
    };

    private bool Wanted(string name) => IsWildcard || _names.Contains(name);
}
