using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MarchProxy.Control.Identity;

/// <summary>Access tokens: JSON Web Tokens (RFC 7519) under HS256, for our own API alone. Nothing but this one form is accepted.</summary>
public sealed class AccessTokens(byte[] key, TimeProvider time)
{
    private const int MaxLength = 2048;
    private static readonly string s_header = Base64Url.EncodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"u8);

    /// <summary>How long one holds. Short: it cannot be called back.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(15);

    /// <summary>Makes a token.</summary>
    /// <param name="who">For whom.</param>
    public string Issue(Principal who)
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        byte[] payload = JsonSerializer.SerializeToUtf8Bytes(new Payload(who.Email, who.Role, who.Cluster, who.MustChangePassword, now, now + (long)Lifetime.TotalSeconds));
        string body = s_header + "." + Base64Url.EncodeToString(payload);
        return body + "." + Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(body)));
    }

    /// <summary>Who a token proves, or null when it is not ours, altered or over.</summary>
    /// <param name="token">The token.</param>
    public Principal? Verify(ReadOnlySpan<char> token)
    {
        int signature = token.LastIndexOf('.');
        if (token.Length > MaxLength || signature < 0 || !token.StartsWith(s_header, StringComparison.Ordinal) || token[s_header.Length] != '.') return null;
        Span<byte> given = stackalloc byte[33], computed = stackalloc byte[32];
        if (Base64Url.DecodeFromChars(token[(signature + 1)..], given, out _, out int length) != System.Buffers.OperationStatus.Done || length != 32) return null;
        Span<byte> body = stackalloc byte[signature];
        if (Encoding.ASCII.GetBytes(token[..signature], body) != signature) return null;
        HMACSHA256.HashData(key, body, computed);
        if (!CryptographicOperations.FixedTimeEquals(computed, given[..32])) return null;
        Payload? payload = JsonSerializer.Deserialize<Payload>(Base64Url.DecodeFromChars(token[(s_header.Length + 1)..signature]));
        return payload is null || payload.exp <= time.GetUtcNow().ToUnixTimeSeconds() ? null : new Principal(payload.sub, payload.role, payload.cluster, payload.change);
    }

#pragma warning disable IDE1006, SA1300 // Claims have the names that RFC 7519 gives them.
    private sealed record Payload(string sub, string role, string? cluster, bool change, long iat, long exp);
#pragma warning restore IDE1006, SA1300
}
