using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ArticDbm.Protocols.Scram;

/// <summary>What a client's SCRAM is checked against.</summary>
/// <param name="Iterations">Rounds of PBKDF2.</param>
/// <param name="Salt">The salt.</param>
/// <param name="StoredKey">H(ClientKey), 32 bytes.</param>
/// <param name="ServerKey">32 bytes.</param>
public sealed record ScramSecret(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey)
{
    /// <summary>
    /// A secret for an account that does not exist: the same for the same name, so that an unknown account cannot be told from a known one, and one that no password proves.
    /// </summary>
    /// <param name="account">The name that was given.</param>
    /// <param name="key">A key of this process.</param>
    public static ScramSecret Mock(string account, ReadOnlySpan<byte> key)
    {
        byte[] seed = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(account));
        return new ScramSecret(4096, seed[..16], SHA256.HashData([.. seed, 1]), SHA256.HashData([.. seed, 2]));
    }
}

/// <summary>The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): two messages in, two out, then a verdict.</summary>
public sealed class ScramServer
{
    /// <summary>The longest message taken: an honest one has under 200 bytes.</summary>
    public const int MaxMessage = 2048;

    private readonly ScramSecret _secret;
    private readonly IReadOnlyList<ScramSecret> _others;
    private readonly byte[]? _binding;
    private readonly string _nonce;
    private readonly bool _plus;
    private string _gs2 = "", _clientFirstBare = "", _serverFirst = "";

    /// <summary>Begins an exchange.</summary>
    /// <param name="secret">What to check against.</param>
    /// <param name="plus">Whether the client chose the mechanism with channel binding.</param>
    /// <param name="binding">The channel's tls-server-end-point (RFC 5929); null without TLS or when it was not offered.</param>
    /// <param name="nonce">Our part of the nonce; random when left out.</param>
    /// <param name="others">Further secrets, any of which proves the client as well; of the same salt and rounds, since these are told before the client says which it has.</param>
    public ScramServer(ScramSecret secret, bool plus, byte[]? binding, string? nonce = null, IReadOnlyList<ScramSecret>? others = null)
    {
        _secret = secret;
        _others = others ?? [];
        _plus = plus;
        _binding = binding;
        _nonce = nonce ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
    }

    /// <summary>Which secret the client has proven, after <see cref="Final"/>: 0 for the first, and then the others in their order.</summary>
    public int Proven { get; private set; }

    /// <summary>Takes client-first-message.</summary>
    /// <param name="message">The message.</param>
    /// <returns>server-first-message; null when the message breaks the protocol.</returns>
    // RFC 5802 section 7: client-first-message = gs2-header client-first-message-bare; gs2-header = gs2-cbind-flag "," [ authzid ] ","
    public string? First(string message)
    {
        if (message.Length > MaxMessage) return null;
        int flagEnd = message.IndexOf(',', StringComparison.Ordinal);
        int headerEnd = flagEnd < 0 ? -1 : message.IndexOf(',', flagEnd + 1);
        if (headerEnd < 0 || headerEnd != flagEnd + 1) return null;
        string flag = message[..flagEnd];

        // "y": the client could bind the channel and thinks that we cannot. If we offered it, somebody in between took the offer away.
        bool fits = flag switch { "n" => !_plus, "y" => !_plus && _binding is null, "p=tls-server-end-point" => _plus && _binding is not null, _ => false };
        if (!fits) return null;
        _gs2 = message[..(headerEnd + 1)];
        _clientFirstBare = message[(headerEnd + 1)..];
        string[] parts = _clientFirstBare.Split(',');
        if (parts.Length < 2 || !parts[0].StartsWith("n=", StringComparison.Ordinal) || !parts[1].StartsWith("r=", StringComparison.Ordinal) || parts[1].Length < 3) return null;
        return _serverFirst = string.Create(CultureInfo.InvariantCulture, $"{parts[1]}{_nonce},s={Convert.ToBase64String(_secret.Salt)},i={_secret.Iterations}");
    }

    /// <summary>Takes client-final-message.</summary>
    /// <param name="message">The message.</param>
    /// <returns>server-final-message when the client has proven the password; else null.</returns>
    // RFC 5802 section 7: client-final-message = "c=" channel-binding "," "r=" nonce "," "p=" proof
    public string? Final(string message)
    {
        if (message.Length > MaxMessage || _serverFirst.Length == 0) return null;
        int proofAt = message.LastIndexOf(",p=", StringComparison.Ordinal);
        if (proofAt < 0) return null;
        string withoutProof = message[..proofAt];
        string[] parts = withoutProof.Split(',');
        if (parts.Length < 2 || !parts[0].StartsWith("c=", StringComparison.Ordinal)) return null;
        byte[] bound = [.. Encoding.UTF8.GetBytes(_gs2), .. _plus ? _binding! : []];
        if (parts[0][2..] != Convert.ToBase64String(bound) || parts[1] != _serverFirst[.._serverFirst.IndexOf(',', StringComparison.Ordinal)]) return null;
        Span<byte> proof = stackalloc byte[SHA256.HashSizeInBytes];
        if (!Convert.TryFromBase64String(message[(proofAt + 3)..], proof, out int length) || length != proof.Length) return null;

        // ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); H(ClientKey) must be StoredKey.
        byte[] auth = Encoding.UTF8.GetBytes($"{_clientFirstBare},{_serverFirst},{withoutProof}");
        for (int i = -1; i < _others.Count; i++)
        {
            ScramSecret secret = i < 0 ? _secret : _others[i];
            if (!Proves(proof, auth, secret)) continue;
            Proven = i + 1;
            return "v=" + Convert.ToBase64String(HMACSHA256.HashData(secret.ServerKey, auth));
        }

        return null;
    }

    private static bool Proves(ReadOnlySpan<byte> proof, byte[] auth, ScramSecret secret)
    {
        byte[] key = HMACSHA256.HashData(secret.StoredKey, auth);
        for (int i = 0; i < key.Length; i++) key[i] ^= proof[i];
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(key), secret.StoredKey);
    }
}
