using System.Collections.Concurrent;
using System.Security.Cryptography;
using ArticDbm.Proxy.Identity;
using ArticDbm.Proxy.Postgres;

namespace ArticDbm.Proxy.Loops;

/// <summary>What the loops of a process share.</summary>
internal sealed class DbShared(int loops, TimeProvider time)
{
    public int Loops => loops;

    /// <summary>Who can be cancelled by which key.</summary>
    public ConcurrentDictionary<long, PgSession> Cancels { get; } = new();

    /// <summary>What accounts have used of what they may.</summary>
    public AccountLimits Limits { get; } = new(time);

    /// <summary>Makes up secrets for accounts that do not exist.</summary>
    public byte[] MockKey { get; } = RandomNumberGenerator.GetBytes(32);
}
