using System.Collections.Concurrent;
using System.Net;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Identity;

/// <summary>What services use of what they may: shared by all loops, so that a limit is one limit, and kept over changes of the configuration.</summary>
internal sealed class EgressLimits(TimeProvider time, RateTable rates)
{
    /// <summary>Wrong proofs that an address may bring at once, and how fast they are forgiven: twenty, then one in three seconds.</summary>
    private const int FailureBurst = 20;
    private const long FailureInterval = 3_000_000, Second = 1_000_000;
    private const int MaxAddresses = 100_000;
    private readonly ConcurrentDictionary<string, int> _tunnels = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IPAddress, RateBucket> _failures = new();

    private long Now => time.GetTimestamp() / (time.TimestampFrequency / Second);

    /// <summary>Counts a request against its mapping's rate for this source, and its source's own.</summary>
    /// <returns>Zero when it may pass; else seconds until the next may.</returns>
    public int Request(in EgressDecision decision)
    {
        if (decision.Mapping is not { } mapping) return 0;
        string source = decision.Source?.Name ?? "";
        Span<byte> key = stackalloc byte[64];
        int length = System.Text.Encoding.UTF8.TryGetBytes(source, key, out int written) ? written : 0;
        int wait = mapping.RateLimit > 0 ? rates.Take(mapping.Name, key[..length], mapping.RateLimit, mapping.RateLimit) : 0;
        return wait == 0 && decision.Source?.Limits is { RequestsPerSecond: > 0 } limits ? rates.Take("service", key[..length], limits.RequestsPerSecond, limits.RequestsPerSecond) : wait;
    }

    /// <summary>Counts a tunnel that opens.</summary>
    /// <returns>Whether its source may have one more; then <see cref="Close"/> must follow.</returns>
    public bool Open(Service? source)
    {
        if (source is null) return true;
        int open = _tunnels.AddOrUpdate(source.Name, 1, static (_, n) => n + 1);
        if (source.Limits is not { Tunnels: > 0 } limits || open <= limits.Tunnels) return true;
        Close(source);
        return false;
    }

    /// <summary>Counts a tunnel that closed.</summary>
    public void Close(Service? source)
    {
        if (source is not null) _tunnels.AddOrUpdate(source.Name, 0, static (_, n) => n - 1);
    }

    /// <summary>Open tunnels by source, for metrics.</summary>
    public IEnumerable<(string Source, double Count)> Tunnels() => _tunnels.Select(t => (t.Key, (double)t.Value));

    /// <summary>Whether an address has brought too many wrong proofs to be heard now.</summary>
    public bool IsGuessing(IPAddress? address) => address is not null && _failures.TryGetValue(address, out RateBucket? bucket) && bucket.IsEmpty(Now, FailureInterval, FailureBurst);

    /// <summary>Notes a wrong proof.</summary>
    public void Failed(IPAddress? address)
    {
        if (address is null) return;
        long now = Now;
        if (_failures.Count >= MaxAddresses)
        {
            foreach ((IPAddress old, RateBucket bucket) in _failures)
            {
                if (bucket.IsFull(now)) _failures.TryRemove(old, out _);
            }

            if (_failures.Count >= MaxAddresses) return;
        }

        _failures.GetOrAdd(address, static _ => new RateBucket()).Take(now, FailureInterval, FailureBurst);
    }
}
