using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace MarchProxy.Model.Identity;

/// <summary>Public keys that tokens are verified by (RFC 7517): RSA of 2,048 bits or more, and P-256. Others in the set are left out.</summary>
public sealed class JsonWebKeySet
{
    /// <summary>Keys that one set may hold; an issuer has a handful.</summary>
    public const int MaxKeys = 100;

    private readonly List<JsonWebKey> _keys = [];

    private JsonWebKeySet()
    {
    }

    /// <summary>How many keys can be used.</summary>
    public int Count => _keys.Count;

    /// <summary>Reads a set.</summary>
    /// <param name="json">The document.</param>
    /// <exception cref="FormatException">It is no key set, or none of its keys can be used; the message says which.</exception>
    public static JsonWebKeySet Parse(ReadOnlySpan<byte> json)
    {
        var set = new JsonWebKeySet();
        try
        {
            var reader = new Utf8JsonReader(json);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out JsonElement keys) || keys.ValueKind != JsonValueKind.Array) throw new FormatException("it has no list \"keys\"");
            foreach (JsonElement key in keys.EnumerateArray().Take(MaxKeys))
            {
                if (Read(key) is { } read) set._keys.Add(read);
            }
        }
        catch (JsonException e)
        {
            throw new FormatException("it is not JSON", e);
        }

        return set.Count > 0 ? set : throw new FormatException("it holds no RSA key of 2048 bits or more and no P-256 key for signatures");
    }

    /// <summary>Whether one of the keys made a signature. A token that names its key is tried with that one alone.</summary>
    /// <param name="algorithm">RS256 or ES256.</param>
    /// <param name="keyId">The token's <c>kid</c>, or null.</param>
    /// <param name="signed">What was signed.</param>
    /// <param name="signature">The signature.</param>
    public bool Verify(string algorithm, string? keyId, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        foreach (JsonWebKey key in _keys)
        {
            if (keyId is not null && key.Id is not null && key.Id != keyId) continue;
            if (key.Verify(algorithm, signed, signature)) return true;
        }

        return false;
    }

    /// <summary>Whether a key of this id is in the set.</summary>
    /// <param name="keyId">A <c>kid</c>.</param>
    public bool Has(string keyId) => _keys.Exists(k => k.Id == keyId);

    private static JsonWebKey? Read(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || Text(key, "use") is not (null or "sig")) return null;
        string? algorithm = Text(key, "alg");
        string? type = Text(key, "kty");
        if (type == "RSA" && algorithm is null or "RS256" && Bytes(key, "n") is { Length: >= 256 and <= 1024 } n && Bytes(key, "e") is { Length: > 0 and <= 8 } e)
        {
            return new JsonWebKey(Text(key, "kid"), new RSAParameters { Modulus = n, Exponent = e }, null);
        }

        bool p256 = type == "EC" && algorithm is null or "ES256" && Text(key, "crv") == "P-256";
        return p256 && Bytes(key, "x") is { Length: 32 } x && Bytes(key, "y") is { Length: 32 } y
            ? new JsonWebKey(Text(key, "kid"), null, new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } })
            : null;
    }

    private static string? Text(JsonElement key, string name) => key.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[]? Bytes(JsonElement key, string name)
    {
        try
        {
            return Text(key, name) is { } text ? Base64Url.DecodeFromChars(text) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private sealed record JsonWebKey(string? Id, RSAParameters? Rsa, ECParameters? Curve)
    {
        public bool Verify(string algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
        {
            try
            {
                if (algorithm == "RS256" && Rsa is { } rsa)
                {
                    using var verifier = RSA.Create(rsa);
                    return verifier.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                }

                if (algorithm != "ES256" || Curve is not { } curve) return false;
                using var point = ECDsa.Create(curve);
                return point.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }
            catch (CryptographicException)
            {
                // The point is not on the curve: such a key verifies nothing.
                return false;
            }
        }
    }
}
