using System.Security.Cryptography;
using System.Text;

namespace ArticDbm.Protocols.MySql;

/// <summary>Answers to challenges, made of a password and checked against its double hash.</summary>
public static class MySqlScramble
{
#pragma warning disable CA5350 // mysql_native_password is made of SHA-1: whoever speaks it needs this one.

    /// <summary>mysql_native_password: SHA1(password) xor SHA1(challenge, SHA1(SHA1(password))).</summary>
    /// <param name="password">The password.</param>
    /// <param name="challenge">Twenty bytes.</param>
    public static byte[] Native(string password, ReadOnlySpan<byte> challenge)
    {
        if (password.Length == 0) return [];
        byte[] once = SHA1.HashData(Encoding.UTF8.GetBytes(password));
        return Xor(once, SHA1.HashData([.. challenge, .. SHA1.HashData(once)]));
    }

    /// <summary>Whether an answer was made of the password whose double SHA-1 this is.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="challenge">The challenge.</param>
    /// <param name="twice">SHA1(SHA1(password)).</param>
    public static bool IsNative(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> twice)
    {
        if (answer.Length != SHA1.HashSizeInBytes || twice.Length != SHA1.HashSizeInBytes) return false;
        byte[] once = Xor(answer, SHA1.HashData([.. challenge, .. twice]));
        return CryptographicOperations.FixedTimeEquals(SHA1.HashData(once), twice);
    }

#pragma warning restore CA5350

    /// <summary>caching_sha2_password's fast way: SHA256(password) xor SHA256(SHA256(SHA256(password)), challenge).</summary>
    /// <param name="password">The password.</param>
    /// <param name="challenge">Twenty bytes.</param>
    public static byte[] Sha2(string password, ReadOnlySpan<byte> challenge)
    {
        if (password.Length == 0) return [];
        byte[] once = SHA256.HashData(Encoding.UTF8.GetBytes(password));
        return Xor(once, SHA256.HashData([.. SHA256.HashData(once), .. challenge]));
    }

    /// <summary>Whether an answer was made of the password whose double SHA-256 this is.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="challenge">The challenge.</param>
    /// <param name="twice">SHA256(SHA256(password)).</param>
    public static bool IsSha2(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> twice)
    {
        if (answer.Length != SHA256.HashSizeInBytes || twice.Length != SHA256.HashSizeInBytes) return false;
        byte[] once = Xor(answer, SHA256.HashData([.. twice, .. challenge]));
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(once), twice);
    }

    /// <summary>The password with its zero, xored by the challenge over and over: what goes under RSA.</summary>
    /// <param name="password">The password.</param>
    /// <param name="challenge">The challenge.</param>
    public static byte[] Veil(string password, ReadOnlySpan<byte> challenge)
    {
        byte[] veiled = [.. Encoding.UTF8.GetBytes(password), 0];
        for (int i = 0; i < veiled.Length; i++) veiled[i] ^= challenge[i % challenge.Length];
        return veiled;
    }

    /// <summary>The password back.</summary>
    /// <param name="veiled">What came out of RSA.</param>
    /// <param name="challenge">The challenge.</param>
    /// <returns>Null when it is none.</returns>
    public static string? Unveil(ReadOnlySpan<byte> veiled, ReadOnlySpan<byte> challenge)
    {
        byte[] plain = veiled.ToArray();
        for (int i = 0; i < plain.Length; i++) plain[i] ^= challenge[i % challenge.Length];
        return plain is [.., 0] ? Encoding.UTF8.GetString(plain.AsSpan(0, plain.Length - 1)) : null;
    }

    private static byte[] Xor(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        byte[] result = new byte[a.Length];
        for (int i = 0; i < result.Length; i++) result[i] = (byte)(a[i] ^ b[i]);
        return result;
    }
}
