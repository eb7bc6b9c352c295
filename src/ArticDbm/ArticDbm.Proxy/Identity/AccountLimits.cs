using System.Collections.Concurrent;
using System.Net;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Identity;

/// <summary>
/// What accounts use of what they may: statements a second and an hour, counted for the process; and wrong passwords by address. Shared by all loops without a lock on the way of a
/// statement whose account has no limit.
/// </summary>
internal sealed class AccountLimits(TimeProvider time)
{
    /// <summary>Wrong passwords that an address may give at once, and then one every three seconds: as the forward proxy's.</summary>
    private const int Guesses = 20, SecondsPerGuess = 3;
    private const int MostAddresses = 100_000;
    private readonly ConcurrentDictionary<string, Usage> _usage = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IPAddress, Guesser> _guessers = new();

    /// <summary>Counts a statement.</summary>
    /// <param name="account">Whose.</param>
    /// <returns>Null when it may run; else why not.</returns>
    public string? Statement(DbAccount account)
    {
        if (account is { RateLimit: 0, QuotaPerHour: 0 }) return null;
        long now = time.GetTimestamp();
        Usage usage = _usage.GetOrAdd(account.Name, static (_, at) => new Usage { Full = at, Hour = at }, now);
        lock (usage)
        {
            if (account.QuotaPerHour > 0)
            {
                if (time.GetElapsedTime(usage.Hour, now) >= TimeSpan.FromHours(1))
                {
                    usage.Hour = now;
                    usage.InHour = 0;
                }

                if (usage.InHour >= account.QuotaPerHour) return "quota-per-hour";
            }

            if (account.RateLimit > 0)
            {
                // GCRA, as many at once as in a second.
                long interval = Math.Max(1, time.TimestampFrequency / account.RateLimit), next = Math.Max(usage.Full, now) + interval;
                if (next - now > time.TimestampFrequency + (interval / 2)) return "rate-limit";
                usage.Full = next;
            }

            usage.InHour++;
            return null;
        }
    }

    /// <summary>Whether an address has given so many wrong passwords that it must wait.</summary>
    public bool IsGuessing(IPAddress? address) => address is not null && _guessers.TryGetValue(address, out Guesser? guesser) && guesser.Left(time) <= 0;

    /// <summary>Notes a wrong password.</summary>
    public void Failed(IPAddress? address)
    {
        if (address is null) return;
        if (_guessers.Count >= MostAddresses) _guessers.Clear();
        _guessers.GetOrAdd(address, static _ => new Guesser()).Failed(time);
    }

    private sealed class Usage
    {
        public long Full { get; set; }

        public long Hour { get; set; }

        public long InHour { get; set; }
    }

    private sealed class Guesser
    {
        private readonly Lock _lock = new();
        private double _left = Guesses;
        private long _at;

        public double Left(TimeProvider time)
        {
            lock (_lock) return Refill(time);
        }

        public void Failed(TimeProvider time)
        {
            lock (_lock) _left = Refill(time) - 1;
        }

        private double Refill(TimeProvider time)
        {
            long now = time.GetTimestamp();
            if (_at != 0) _left = Math.Min(Guesses, _left + (time.GetElapsedTime(_at, now).TotalSeconds / SecondsPerGuess));
            _at = now;
            return _left;
        }
    }
}
