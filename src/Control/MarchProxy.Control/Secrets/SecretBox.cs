using System.Security.Cryptography;
using System.Text;
using MarchProxy.Control.Storage;

namespace MarchProxy.Control.Secrets;

/// <summary>
/// Seals what is kept at rest with AES-256-GCM under a key file that is made at the first start. Whoever has the database alone reads no secret of it.
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

    /// <summary>Reads the key file, or makes one that only its owner may read.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="StoreException">The file cannot be read or made, or is no key.</exception>
    public static SecretBox FromFile(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                string fresh = path + ".new";
                File.Delete(fresh);
                using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                {
                    file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes)) + "\n"));
                    file.Flush(flushToDisk: true);
                }

                File.Move(fresh, path, overwrite: false);
            }

            return new SecretBox(Convert.FromBase64String(File.ReadAllText(path).Trim()));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new StoreException($"{path} is not a key of 32 bytes in base64; put the right file back: without it nothing that is sealed can be read.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"The key file {path} cannot be read or made: {e.Message}", e);
        }
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
    /// <exception cref="StoreException">It was sealed with another key, or altered.</exception>
    public string Open(string text) => text.StartsWith(Prefix, StringComparison.Ordinal) ? Encoding.UTF8.GetString(Open(Convert.FromBase64String(text[Prefix.Length..]))) : text;

    /// <summary>Opens bytes.</summary>
    /// <param name="box">From <see cref="Seal(ReadOnlySpan{byte})"/>.</param>
    /// <exception cref="StoreException">It was sealed with another key, or altered.</exception>
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
            throw new StoreException("A sealed value was sealed with another key, or altered; put the key file back that belongs to this database.", e);
        }
    }
}
