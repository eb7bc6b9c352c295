using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ArticDbm.Protocols.Scram;

/// <summary>The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677).</summary>
public sealed class ScramClient
{
    /// <summary>More rounds than any server asks for in earnest: a hostile one must not buy our time (CVE-2024-4317's kin).</summary>
    private const int MaxIterations = 1_000_000;

    private readonly string _password;
    private readonly string _firstBare;
    private readonly string _header;
    private readonly byte[] _binding;
    private byte[] _serverSignature = [];

    /// <summary>Begins an exchange.</summary>
    /// <param name="password">The password.</param>
    /// <param name="nonce">Our part of the nonce; random when left out.</param>
    /// <param name="user">The user; PostgreSQL takes it from the start packet and wants it empty here.</param>
    /// <param name="binding">The channel's tls-server-end-point; null when it cannot be bound.</param>
    /// <param name="offered">Whether the server offers the mechanism with channel binding. When it does not though the channel could be bound, that is told: a server that did offer it then knows that somebody took the offer away.</param>
    public ScramClient(string password, string? nonce = null, string user = "", byte[]? binding = null, bool offered = false)
    {
        _password = password;
        Binds = binding is not null && offered;
        _header = Binds ? "p=tls-server-end-point,," : binding is not null ? "y,," : "n,,";
        _binding = Binds ? binding! : [];
        _firstBare = $"n={user},r={nonce ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(18))}";
    }

    /// <summary>Whether the log-in is bound to the channel: the mechanism is then SCRAM-SHA-256-PLUS.</summary>
    public bool Binds { get; }

    /// <summary>client-first-message.</summary>
    public string First => _header + _firstBare;

    /// <summary>Takes server-first-message.</summary>
    /// <param name="serverFirst">The message.</param>
    /// <returns>client-final-message; null when the server breaks the protocol.</returns>
    public string? Final(string serverFirst)
    {
        string[] parts = serverFirst.Split(',');
        string ours = _firstBare[_firstBare.IndexOf("r=", StringComparison.Ordinal)..];
        bool sound = parts.Length >= 3 && parts[0].StartsWith(ours, StringComparison.Ordinal) && parts[0].Length > ours.Length && parts[1].StartsWith("s=", StringComparison.Ordinal) && parts[2].StartsWith("i=", StringComparison.Ordinal);
        if (!sound || !int.TryParse(parts[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations is < 1 or > MaxIterations) return null;
        byte[] salt = new byte[256];
        if (!Convert.TryFromBase64String(parts[1][2..], salt, out int saltLength)) return null;
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(_password), salt.AsSpan(0, saltLength), iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        byte[] clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        string withoutProof = $"c={Convert.ToBase64String([.. Encoding.ASCII.GetBytes(_header), .. _binding])},{parts[0]}";
        byte[] auth = Encoding.UTF8.GetBytes($"{_firstBare},{serverFirst},{withoutProof}");
        byte[] signature = HMACSHA256.HashData(SHA256.HashData(clientKey), auth);
        for (int i = 0; i < signature.Length; i++) signature[i] ^= clientKey[i];
        _serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), auth);
        return $"{withoutProof},p={Convert.ToBase64String(signature)}";
    }

    /// <summary>Whether server-final-message proves that the server knows the password too.</summary>
    /// <param name="serverFinal">The message.</param>
    public bool IsServer(string serverFinal)
    {
        Span<byte> told = stackalloc byte[SHA256.HashSizeInBytes];
        return serverFinal.StartsWith("v=", StringComparison.Ordinal) && Convert.TryFromBase64String(serverFinal.Split(',')[0][2..], told, out int length) && length == told.Length
            && CryptographicOperations.FixedTimeEquals(told, _serverSignature);
    }
}
