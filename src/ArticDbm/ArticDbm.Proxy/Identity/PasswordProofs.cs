using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Identity;

/// <summary>
/// Checks passwords that come in clear (Redis' AUTH) against the verifiers of accounts. That takes thousands of rounds of hashing, so it is done off the loops, few at a time; what was proven is remembered
/// by a hash whose key lives in this process alone. A wrong password always takes the full time, and so does an account that does not exist.
/// </summary>
internal sealed class PasswordProofs : IDisposable
{
    /// <summary>Accounts whose password is remembered: more than any process serves at a time.</summary>
    private const int Remembered = 10_000;

    /// <summary>Checks at a time: a flood of log-ins must leave the loops their cores.</summary>
    private const int AtOnce = 2;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<(string Account, string Key), byte[]> _proven = new();
    private readonly SemaphoreSlim _room = new(AtOnce, AtOnce);
    private readonly DbAccount _nobody = DbPassword.Seal(new DbAccount { Name = "nobody", Password = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)) });

    /// <summary>Whether a password is an account's, or one of its keys. It may continue anywhere: enter your loop behind it.</summary>
    /// <param name="account">The account; null for one that does not exist.</param>
    /// <param name="password">The password.</param>
    public ValueTask<(bool Proven, DbKey? Key)> CheckAsync(DbAccount? account, string password)
    {
        foreach ((DbVerifiers verifiers, DbKey? key) in account?.Proofs ?? [])
        {
            if (_proven.TryGetValue((account!.Name, key?.Name ?? ""), out byte[]? known) && CryptographicOperations.FixedTimeEquals(known, Mark(verifiers, password))) return new((true, key));
        }

        return new(ComputeAsync(account, password));
    }

    public void Dispose() => _room.Dispose();

    private async Task<(bool Proven, DbKey? Key)> ComputeAsync(DbAccount? account, string password)
    {
        await _room.WaitAsync();
        try
        {
            DbKey? key = null;
            bool right = await Task.Run(() => DbPassword.TryProve(account ?? _nobody, password, out key)) && account is not null;
            if (!right) return (false, null);
            if (_proven.Count >= Remembered) _proven.Clear();
            _proven[(account!.Name, key?.Name ?? "")] = Mark((key is null ? account.Verifiers : key.Verifiers)!, password);
            return (true, key);
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>The verifier is part of it: a changed password makes what was proven worth nothing.</summary>
    private byte[] Mark(DbVerifiers verifiers, string password) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{verifiers.Scram}\0{password}"));
}
