using System.Security.Cryptography;
using System.Text;

namespace MarchProxy.Model.Secrets;

/// <summary>
/// Seals what is kept at rest with AES-256-GCM under one key. Whoever has the database or the file alone reads no secret of it.
/// </summary>
public sealed class SecretBox
{
    private const string Prefix = "sealed:v1:";
    private const int NonceBytes = 12, TagBytes = 16, KeyBytes = 32;
    private readonly byte[] _key;

    /// <summary>Makes a box.</summary>
    /// <param name="key">32 bytes.</param>
    public SecretBox(byte[] key)
    {
        if (key.Length != KeyBytes) throw new ArgumentException("A key has 32 bytes.", nameof(key));
        _key = key;
    }

    /// <summary>A key for another purpose, made from this one.</summary>
    /// <param name="purpose">What for.</param>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>Seals a text.</summary>
    /// <param name="text">The text.</param>
    public string Seal(string text) => Prefix + Convert.ToBase64String(Seal(Encoding.UTF8.GetBytes(text)));

    /// <summary>Seals bytes.</summary>
    /// <param name="plain">The bytes.</param>
    public byte[] Seal(ReadOnlySpan<byte> plain)
    {
        byte[] box = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes));
        return box;
    }

    /// <summary>Opens a text; one that was not sealed is returned as it is.</summary>
    /// <param name="text">From <see cref="Seal(string)"/>.</param>
    /// <exception cref="SecretBoxException">It was sealed with another key, or altered.</exception>
    public string Open(string text) => text.StartsWith(Prefix, StringComparison.Ordinal) ? Encoding.UTF8.GetString(Open(Convert.FromBase64String(text[Prefix.Length..]))) : text;

    /// <summary>Opens bytes.</summary>
    /// <param name="box">From <see cref="Seal(ReadOnlySpan{byte})"/>.</param>
    /// <exception cref="SecretBoxException">It was sealed with another key, or altered.</exception>
    public byte[] Open(ReadOnlySpan<byte> box)
    {
        try
        {
            if (box.Length < NonceBytes + TagBytes) throw new CryptographicException("too short");
            byte[] plain = new byte[box.Length - NonceBytes - TagBytes];
            using var aes = new AesGcm(_key, TagBytes);
            aes.Decrypt(box[..NonceBytes], box[(NonceBytes + TagBytes)..], box.Slice(NonceBytes, TagBytes), plain);
            return plain;
        }
        catch (CryptographicException e)
        {
            throw new SecretBoxException("A sealed value was sealed with another key, or altered; put the key file back that belongs to this database.", e);
        }
    }
}

/// <summary>What was sealed cannot be opened.</summary>
public sealed class SecretBoxException : Exception
{
    /// <summary>Makes one.</summary>
    public SecretBoxException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is told.</param>
    public SecretBoxException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is told.</param>
    /// <param name="innerException">What lies behind.</param>
    public SecretBoxException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
