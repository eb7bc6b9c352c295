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

    /// <summary>Rounds of PBKDF2: PostgreSQL's own default.</summary>
    private const int Iterations = 4096;
    private const int SaltBytes = 16;
    private static readonly byte[] s_saltKey = RandomNumberGenerator.GetBytes(32);

    private const string Prefix = "SCRAM-SHA-256$";

    /// <summary>The verifiers of a password, with a fresh salt.</summary>
    /// <param name="password">The password.</param>
    public static DbVerifiers MakeVerifiers(string password) => MakeVerifiers(password, RandomNumberGenerator.GetBytes(SaltBytes));

    private static DbVerifiers MakeVerifiers(string password, byte[] salt)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(password);
#pragma warning disable CA5350 // mysql_native_password is made of SHA-1: whoever speaks it needs this one.
        string native = Hex(SHA1.HashData(SHA1.HashData(bytes)));
#pragma warning restore CA5350
        return new DbVerifiers(Scram(bytes, salt, Iterations), native, Hex(SHA256.HashData(SHA256.HashData(bytes))));
    }

    /// <summary>
    /// The verifiers of a password that stands in a file which is read again and again: in one process the same password of the same account makes the same ones, so that nobody is
    /// taken for changed who is not.
    /// </summary>
    /// <param name="account">The account.</param>
    /// <param name="password">The password.</param>
    public static DbVerifiers MakeVerifiers(string account, string password) =>
        MakeVerifiers(password, HMACSHA256.HashData(s_saltKey, Encoding.UTF8.GetBytes($"{account}\0{password}"))[..SaltBytes]);

    /// <summary>Whether a password is the one that verifiers were made of; in constant time.</summary>
    /// <param name="verifiers">The verifiers.</param>
    /// <param name="password">The password.</param>
    public static bool Matches(DbVerifiers verifiers, string password)
    {
        if (password.Length > MaxLength || !TryParseScram(verifiers.Scram, out ScramVerifier scram)) return false;
        string made = Scram(Encoding.UTF8.GetBytes(password), scram.Salt, scram.Iterations);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(made), Encoding.ASCII.GetBytes(verifiers.Scram));
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
