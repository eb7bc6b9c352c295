using System.Collections.Concurrent;
using System.Security.Cryptography;
using ArticDbm.Proxy.Admin;
using ArticDbm.Proxy.Identity;
using ArticDbm.Proxy.MySql;
using ArticDbm.Proxy.Postgres;

namespace ArticDbm.Proxy.Loops;

/// <summary>What the loops of a process share.</summary>
internal sealed class DbShared(int loops, TimeProvider time)
{
    public int Loops => loops;

    /// <summary>Who can be cancelled by which key.</summary>
    public ConcurrentDictionary<long, PgSession> Cancels { get; } = new();

    /// <summary>What MySQL's protocol shares.</summary>
    public MySqlShared MySql { get; } = new();

    /// <summary>What accounts have used of what they may.</summary>
    public AccountLimits Limits { get; } = new(time);

    private long _sessions;

    /// <summary>What operators see and do; set before the first session.</summary>
    public DbAdmin Admin { get; set; } = null!;

    /// <summary>A number for a session, for operators to name it by.</summary>
    public long NextSession() => Interlocked.Increment(ref _sessions);

    /// <summary>How often keys were used whose uses are bounded.</summary>
    public KeyLedger Keys { get; } = new();

    /// <summary>Passwords that come in clear.</summary>
    public PasswordProofs Proofs { get; } = new();

    /// <summary>Makes up secrets for accounts that do not exist.</summary>
    public byte[] MockKey { get; } = RandomNumberGenerator.GetBytes(32);
}
