using System.Threading.RateLimiting;
using MarchProxy.Control.Changes;

namespace MarchProxy.Control.Identity;

/// <summary>Attempts to sign in from one address: 20 at once, then one every three seconds. A person does not notice; a guesser gets nowhere.</summary>
public sealed class LoginLimiter : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address => RateLimitPartition.GetTokenBucketLimiter(address, _ => new TokenBucketRateLimiterOptions
    {
        TokenLimit = 20,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = TimeSpan.FromSeconds(3),
        QueueLimit = 0,
        AutoReplenishment = true,
    }));

    /// <summary>Counts an attempt.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <exception cref="ControlException">There were too many.</exception>
    public void Demand(string address)
    {
        using RateLimitLease lease = _limiter.AttemptAcquire(address);
        if (!lease.IsAcquired) throw new ControlException(RefusalKind.TooMany, "Too many attempts from this address; wait a little.") { RetryAfter = TimeSpan.FromSeconds(3) };
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();
}
