using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace MarchProxy.Model.Resources;

/// <summary>
/// A token as it is kept: its SHA-256. Tokens are 32 random bytes, so that a plain hash tells nothing about them; whoever reads a store or a
/// snapshot cannot use it.
/// </summary>
public sealed class SecretHash : IEquatable<SecretHash>
{
    private const string Prefix = "sha256:";
    private const int MaxChars = 512;
    private static readonly byte[] s_nothing = new byte[SHA256.HashSizeInBytes];
    private readonly byte[] _hash;

    private SecretHash(byte[] hash) => _hash = hash;

    /// <summary>Hashes a token.</summary>
    /// <param name="token">The token.</param>
    public static SecretHash Of(ReadOnlySpan<char> token)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(token)];
        Encoding.UTF8.GetBytes(token, bytes);
        return new SecretHash(SHA256.HashData(bytes));
    }

    /// <summary>Reads <c>sha256:</c> and 64 hexadecimal digits.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="hash">The hash.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SecretHash? hash)
    {
        hash = null;
        if (text?.Length != Prefix.Length + (SHA256.HashSizeInBytes * 2) || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        byte[] bytes = new byte[SHA256.HashSizeInBytes];
        if (Convert.FromHexString(text.AsSpan(Prefix.Length), bytes, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        hash = new SecretHash(bytes);
        return true;
    }

    /// <summary>Hashes what a client brought, once for all comparisons. Longer ones than any token match nothing.</summary>
    /// <param name="given">What was brought.</param>
    /// <param name="digest">32 bytes.</param>
    public static void Digest(ReadOnlySpan<char> given, Span<byte> digest)
    {
        Span<byte> bytes = stackalloc byte[MaxChars * 3];
        int length = given.Length > MaxChars ? 0 : Encoding.UTF8.GetBytes(given, bytes);
        SHA256.HashData(bytes[..length], digest);
    }

    /// <summary>Compares in constant time; null is compared too, and never equal.</summary>
    /// <param name="kept">The hash kept, or null.</param>
    /// <param name="digest">From <see cref="Digest"/>.</param>
    public static bool Matches(SecretHash? kept, ReadOnlySpan<byte> digest) =>
        CryptographicOperations.FixedTimeEquals(kept?._hash ?? s_nothing, digest) & kept is not null;

    /// <inheritdoc/>
    public override string ToString() => Prefix + Convert.ToHexStringLower(_hash);

    /// <inheritdoc/>
    public bool Equals(SecretHash? other) => other is not null && _hash.AsSpan().SequenceEqual(other._hash);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SecretHash);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_hash);
}
