using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Identity;

/// <summary>What a token says, before anybody has verified it.</summary>
/// <param name="Service">The service that it claims: <c>service</c>, or else <c>sub</c>.</param>
/// <param name="KeyId">The header's <c>kid</c>.</param>
/// <param name="Expires">When it ends, by its own word.</param>
public sealed record JsonWebTokenClaims(string Service, string? KeyId, DateTimeOffset Expires);

/// <summary>
/// JSON Web Tokens in compact form (RFC 7519, RFC 7515), as services prove themselves with them. The algorithm is the service's, never the token's own choice
/// (RFC 8725 section 3.1); a token must end (<c>exp</c>).
/// </summary>
public static class JsonWebToken
{
    /// <summary>Characters of a token; more is refused unread.</summary>
    public const int MaxLength = 8192;

    /// <summary>By how much clocks may differ.</summary>
    public static TimeSpan Leeway { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Reads whose a token claims to be; null when it is none.</summary>
    /// <param name="token">The token.</param>
    public static JsonWebTokenClaims? Read(ReadOnlySpan<char> token)
    {
        if (!Split(token, out ReadOnlySpan<char> header, out ReadOnlySpan<char> payload, out _)) return null;
        using JsonDocument? head = Json(header);
        using JsonDocument? body = Json(payload);
        if (head is null || body is null) return null;
        string? service = Text(body, "service") ?? Text(body, "sub");
        return service is { Length: > 0 } && Time(body, "exp") is { } expires ? new JsonWebTokenClaims(service, Text(head, "kid"), expires) : null;
    }

    /// <summary>Verifies a token for a service.</summary>
    /// <param name="token">The token.</param>
    /// <param name="service">The service that it is to prove.</param>
    /// <param name="keys">The keys of RS256 and ES256; null when they are not at hand.</param>
    /// <param name="now">The time.</param>
    /// <returns>Null when it holds; else what is wrong, for the log.</returns>
    public static string? Verify(ReadOnlySpan<char> token, Service service, JsonWebKeySet? keys, DateTimeOffset now)
    {
        ServiceAuth auth = service.Auth;
        if (auth.Type != AuthType.Jwt) return "the service does not prove itself by JWT";
        if (!Split(token, out ReadOnlySpan<char> header, out ReadOnlySpan<char> payload, out ReadOnlySpan<char> signature)) return "it is no JWT";
        using JsonDocument? head = Json(header);
        if (head is null) return "it is no JWT";
        if (Text(head, "alg") != auth.Algorithm) return $"its algorithm is not {auth.Algorithm}";
        if (head.RootElement.TryGetProperty("crit", out _)) return "it demands an extension that is not known";
        if (!IsSigned(auth, Text(head, "kid"), token[..(header.Length + 1 + payload.Length)], signature, keys, now)) return "its signature is wrong";
        using JsonDocument? body = Json(payload);
        return body is null ? "it is no JWT" : Claims(body, service, now);
    }

    private static string? Claims(JsonDocument body, Service service, DateTimeOffset now)
    {
        if ((Text(body, "service") ?? Text(body, "sub")) != service.Name) return "it is another service's";
        if (Time(body, "exp") is not { } expires) return "it has no end (exp)";
        if (expires + Leeway <= now) return "it has expired";
        if (Time(body, "nbf") is { } from && from - Leeway > now) return "it does not hold yet (nbf)";
        if (service.Auth.Issuer is { } issuer && Text(body, "iss") != issuer) return "its issuer (iss) is another";
        return service.Auth.Audience is { } audience && !Names(body, audience) ? "its audience (aud) is another" : null;
    }

    private static bool IsSigned(ServiceAuth auth, string? keyId, ReadOnlySpan<char> signed, ReadOnlySpan<char> signature, JsonWebKeySet? keys, DateTimeOffset now)
    {
        Span<byte> given = stackalloc byte[1024];
        if (signature.Length > 1360 || Base64Url.DecodeFromChars(signature, given, out _, out int length) != OperationStatus.Done) return false;
        byte[] bytes = Encoding.ASCII.GetBytes(signed.ToArray());
        if (auth.Algorithm is "RS256" or "ES256") return keys?.Verify(auth.Algorithm, keyId, bytes, given[..length]) == true;
        return IsSignedWith(auth.Secret, auth.Algorithm, bytes, given[..length]) || (auth.PreviousUntil > now && IsSignedWith(auth.PreviousSecret, auth.Algorithm, bytes, given[..length]));
    }

    private static bool IsSignedWith(string? secret, string algorithm, byte[] bytes, ReadOnlySpan<byte> given)
    {
        if (string.IsNullOrEmpty(secret)) return false;
        byte[] key = Encoding.UTF8.GetBytes(secret);
        byte[] computed = algorithm switch
        {
            "HS256" => HMACSHA256.HashData(key, bytes),
            "HS384" => HMACSHA384.HashData(key, bytes),
            "HS512" => HMACSHA512.HashData(key, bytes),
            _ => [],
        };
        return computed.Length > 0 && CryptographicOperations.FixedTimeEquals(computed, given);
    }

    private static bool Split(ReadOnlySpan<char> token, out ReadOnlySpan<char> header, out ReadOnlySpan<char> payload, out ReadOnlySpan<char> signature)
    {
        header = payload = signature = default;
        if (token.Length > MaxLength) return false;
        int first = token.IndexOf('.'), last = token.LastIndexOf('.');
        if (first <= 0 || last <= first + 1 || token[(first + 1)..last].Contains('.')) return false;
        header = token[..first];
        payload = token[(first + 1)..last];
        signature = token[(last + 1)..];
        return true;
    }

    private static JsonDocument? Json(ReadOnlySpan<char> part)
    {
        byte[] bytes = new byte[Base64Url.GetMaxDecodedLength(part.Length)];
        if (Base64Url.DecodeFromChars(part, bytes, out _, out int length) != OperationStatus.Done) return null;
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(bytes.AsMemory(0, length), new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        }
        catch (JsonException)
        {
            // What is no JSON is no token.
        }

        document?.Dispose();
        return null;
    }

    private static string? Text(JsonDocument document, string name)
    {
        try
        {
            return document.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // A string that is no UTF-16, as "\ud800".
            return null;
        }
    }

    private static DateTimeOffset? Time(JsonDocument document, string name) =>
        document.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double seconds) && seconds is > 0 and < 2.5e11
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : null;

    // RFC 7519 section 4.1.3: one string, or a list of them.
    private static bool Names(JsonDocument body, string audience)
    {
        if (Text(body, "aud") == audience) return true;
        return body.RootElement.TryGetProperty("aud", out JsonElement all) && all.ValueKind == JsonValueKind.Array && all.EnumerateArray().Any(a => a.ValueKind == JsonValueKind.String && a.ValueEquals(audience));
    }
}
