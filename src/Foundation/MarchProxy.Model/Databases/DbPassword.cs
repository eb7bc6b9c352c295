using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Databases;

/// <summary>Makes and checks what passwords of accounts are proven by.</summary>
public static class DbPassword
{
    /// <summary>The longest password: more than any client sends, and bounded for what it costs.</summary>
    public const int MaxLength = 512;

    /// <summary>The shortest key that is not made by the manager: nobody remembers it, so it need not be guessable.</summary>
    public const int MinKeyLength = 16;

    /// <summary>Keys of one account: each is tried at a log-in.</summary>
    public const int MaxKeys = 100;

    /// <summary>Rounds of PBKDF2: PostgreSQL's own default.</summary>
    private const int Iterations = 4096;
    private const int SaltBytes = 16;
    private static readonly byte[] s_saltKey = RandomNumberGenerator.GetBytes(32);

    private const string Prefix = "SCRAM-SHA-256$";

    /// <summary>
    /// The account with verifiers in place of its password and the secrets of its keys. They share the account's salt: the one that it had, else a fresh one. A secret that is the
    /// same keeps its verifiers, so that nobody is taken for changed who is not.
    /// </summary>
    /// <param name="account">The account as it is wanted.</param>
    /// <param name="before">As it stood; null for a new one.</param>
    public static DbAccount Seal(DbAccount account, DbAccount? before) => Seal(account, before, static _ => RandomNumberGenerator.GetBytes(SaltBytes));

    /// <summary>
    /// The same of an account that stands in a file which is read again and again: in one process its salt is always the same, so that the same secrets make the same verifiers.
    /// </summary>
    /// <param name="account">The account as it was read.</param>
    public static DbAccount Seal(DbAccount account) =>
        account.Password is null && account.Keys.All(k => k.Secret is null)
            ? account
            : Seal(account, null, static name => HMACSHA256.HashData(s_saltKey, Encoding.UTF8.GetBytes(name))[..SaltBytes]);

    private static DbAccount Seal(DbAccount account, DbAccount? before, Func<string, byte[]> freshSalt)
    {
        byte[] salt = Salt(account) ?? (before is null ? null : Salt(before)) ?? freshSalt(account.Name);
        DbVerifiers? verifiers = account.Password is { } password ? Make(password, before?.Verifiers) : account.Verifiers ?? before?.Verifiers;
        return account with { Password = null, Verifiers = verifiers, Keys = [.. account.Keys.Select(SealKey)] };

        DbKey SealKey(DbKey key)
        {
            DbKey? known = before?.Keys.FirstOrDefault(k => k.Name == key.Name);
            return key.Secret is { } secret ? key with { Secret = null, Verifiers = Make(secret, known?.Verifiers) } : key.Verifiers is null ? key with { Verifiers = known?.Verifiers } : key;
        }

        DbVerifiers Make(string secret, DbVerifiers? kept) => kept is not null && Matches(kept, secret) ? kept : MakeVerifiers(secret, salt);
    }

    private static byte[]? Salt(DbAccount account) => account.Keys.Select(k => k.Verifiers).Prepend(account.Verifiers)
        .Select(v => v is not null && TryParseScram(v.Scram, out ScramVerifier scram) && scram.Iterations == Iterations ? scram.Salt : null).FirstOrDefault(s => s is not null);

    /// <summary>Whether verifiers can stand beside each other in one account: made with one salt and as many rounds.</summary>
    /// <param name="account">The account.</param>
    public static bool ShareSalt(DbAccount account) => account.Keys.Select(k => k.Verifiers).Prepend(account.Verifiers).OfType<DbVerifiers>()
        .Select(v => TryParseScram(v.Scram, out ScramVerifier scram) ? $"{scram.Iterations}:{Convert.ToBase64String(scram.Salt)}" : "").Distinct(StringComparer.Ordinal).Count() <= 1;

    private static DbVerifiers MakeVerifiers(string password, byte[] salt)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(password);
#pragma warning disable CA5350 // mysql_native_password is made of SHA-1: whoever speaks it needs this one.
        string native = Hex(SHA1.HashData(SHA1.HashData(bytes)));
#pragma warning restore CA5350
        return new DbVerifiers(Scram(bytes, salt, Iterations), native, Hex(SHA256.HashData(SHA256.HashData(bytes))));
    }

    /// <summary>Whether a password is the one that verifiers were made of; in constant time.</summary>
    /// <param name="verifiers">The verifiers.</param>
    /// <param name="password">The password.</param>
    public static bool Matches(DbVerifiers verifiers, string password)
    {
        if (password.Length > MaxLength || !TryParseScram(verifiers.Scram, out ScramVerifier scram)) return false;
        string made = Scram(Encoding.UTF8.GetBytes(password), scram.Salt, scram.Iterations);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(made), Encoding.ASCII.GetBytes(verifiers.Scram));
    }

    /// <summary>Which of an account's secrets a password is that came in clear: its own, or a key's. They share a salt, so it is hashed once however many there are.</summary>
    /// <param name="account">The account.</param>
    /// <param name="password">The password.</param>
    /// <param name="key">The key; null for the account's own.</param>
    public static bool TryProve(DbAccount account, string password, out DbKey? key)
    {
        key = null;
        if (password.Length > MaxLength) return false;
        (string Salt, byte[] Made) last = ("", []);
        bool found = false;
        foreach ((DbVerifiers verifiers, DbKey? one) in account.Proofs)
        {
            if (!TryParseScram(verifiers.Scram, out ScramVerifier scram)) continue;
            string salt = string.Create(CultureInfo.InvariantCulture, $"{scram.Iterations}:{Convert.ToBase64String(scram.Salt)}");
            if (salt != last.Salt) last = (salt, Encoding.ASCII.GetBytes(Scram(Encoding.UTF8.GetBytes(password), scram.Salt, scram.Iterations)));
            if (found || !CryptographicOperations.FixedTimeEquals(last.Made, Encoding.ASCII.GetBytes(verifiers.Scram))) continue;
            found = true;
            key = one;
        }

        return found;
    }

    /// <summary>Reads PostgreSQL's notation of a SCRAM verifier.</summary>
    /// <param name="text">The notation.</param>
    /// <param name="verifier">Its parts.</param>
    public static bool TryParseScram(string text, out ScramVerifier verifier)
    {
        verifier = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        string[] parts = text[Prefix.Length..].Split('$', ':');
        if (parts.Length != 4 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations is < 1 or > 1_000_000) return false;
        try
        {
            verifier = new ScramVerifier(iterations, Convert.FromBase64String(parts[1]), Convert.FromBase64String(parts[2]), Convert.FromBase64String(parts[3]));
            return verifier.StoredKey.Length == SHA256.HashSizeInBytes && verifier.ServerKey.Length == SHA256.HashSizeInBytes && verifier.Salt.Length is > 0 and <= 64;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // RFC 5802 section 3: StoredKey := H(HMAC(SaltedPassword, "Client Key")), ServerKey := HMAC(SaltedPassword, "Server Key").
    private static string Scram(byte[] password, byte[] salt, int iterations)
    {
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        byte[] stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8)), server = HMACSHA256.HashData(salted, "Server Key"u8);
        return string.Create(CultureInfo.InvariantCulture, $"{Prefix}{iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}");
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);
}

/// <summary>The parts of a SCRAM-SHA-256 verifier.</summary>
/// <param name="Iterations">Rounds of PBKDF2.</param>
/// <param name="Salt">The salt.</param>
/// <param name="StoredKey">32 bytes.</param>
/// <param name="ServerKey">32 bytes.</param>
public readonly record struct ScramVerifier(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey);
