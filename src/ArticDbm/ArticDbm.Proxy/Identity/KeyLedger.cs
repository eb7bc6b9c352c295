using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Identity;

/// <summary>
/// How often keys were used whose uses are bounded: decided here at once, and told to the manager, which tells the other planes. Between planes a key may be used once more by each in
/// the moment until they have heard of each other. Bounded by the keys that the configuration has.
/// </summary>
internal sealed class KeyLedger
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Account, string Key), Seen> _seen = [];
    private List<(string Account, string Key, long Count)> _sent = [];

    /// <summary>Told of each use, on the loop that saw it: it is worth a report now rather than later.</summary>
    public Action? Used { get; set; }

    /// <summary>Uses a key once more.</summary>
    /// <returns>False when it was used up before.</returns>
    public bool TryUse(string account, DbKey key)
    {
        lock (_lock)
        {
            string secret = key.Verifiers?.Scram ?? "";
            if (!_seen.TryGetValue((account, key.Name), out Seen? seen) || seen.Secret != secret) _seen[(account, key.Name)] = seen = new Seen(secret);
            if (key.IsUsedUp(seen.Uses)) return false;
            seen.Uses = Math.Max(seen.Uses, key.Uses) + 1;
            seen.Waiting++;
        }

        Used?.Invoke();
        return true;
    }

    /// <summary>What the manager has not been told yet.</summary>
    public IReadOnlyList<(string Account, string Key, long Count)> Take()
    {
        lock (_lock) return _sent = [.. _seen.Where(s => s.Value.Waiting > 0).Select(s => (s.Key.Account, s.Key.Key, s.Value.Waiting))];
    }

    /// <summary>The manager has what was last taken.</summary>
    public void Answered()
    {
        lock (_lock)
        {
            foreach ((string account, string key, long count) in _sent)
            {
                if (_seen.TryGetValue((account, key), out Seen? seen)) seen.Waiting -= count;
            }

            _sent = [];
        }
    }

    /// <summary>Forgets keys that there are no longer.</summary>
    public void Obey(DbAccess access)
    {
        lock (_lock)
        {
            foreach ((string account, string key) gone in _seen.Keys.Where(k => access.FindAccount(k.Account)?.Keys.Any(one => one.Name == k.Key) != true).ToArray()) _seen.Remove(gone);
        }
    }

    private sealed class Seen(string secret)
    {
        public string Secret => secret;

        public long Uses { get; set; }

        public long Waiting { get; set; }
    }
}
