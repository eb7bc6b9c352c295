using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Model.Identity;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Identity;

/// <summary>Tokens of every algorithm, and the ways in which one can be wrong.</summary>
public sealed class JsonWebTokenTests : IDisposable
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _point = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _rsa.Dispose();
        _point.Dispose();
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void Each_algorithm_verifies_its_own_and_no_altered_byte(string algorithm)
    {
        Service service = Of(algorithm);
        JsonWebKeySet keys = Keys();
        string token = Sign(algorithm, Claims());
        Assert.Null(JsonWebToken.Verify(token, service, keys, s_now));
        foreach (string other in new[] { "HS256", "HS384", "HS512", "RS256", "ES256" })
        {
            if (other != algorithm) Assert.NotNull(JsonWebToken.Verify(token, Of(other), keys, s_now));
        }

        var random = new Random(7);
        for (int i = 0; i < 300; i++)
        {
            char[] altered = token.ToCharArray();

            // The last character of a part may carry bits that decode to nothing.
            int at = random.Next(altered.Length - 2);
            altered[at] = altered[at] == 'A' ? 'B' : 'A';
            if (altered[at] == token[at] || (at + 1 < token.Length && token[at + 1] == '.')) continue;
            Assert.NotNull(JsonWebToken.Verify(altered, service, keys, s_now));
            Assert.NotNull(JsonWebToken.Verify(token.AsSpan(0, at), service, keys, s_now));
        }
    }

    [Theory]
    [InlineData("""{"sub":"other","exp":EXP}""", "another service's")]
    [InlineData("""{"service":"a","sub":"ignored","exp":EXP}""", null)]
    [InlineData("""{"sub":"a"}""", "no end")]
    [InlineData("""{"sub":"a","exp":"EXP"}""", "no end")]
    [InlineData("""{"sub":"a","exp":PAST}""", "expired")]
    [InlineData("""{"sub":"a","exp":RECENT}""", null)]
    [InlineData("""{"sub":"a","exp":EXP,"nbf":EXP}""", "does not hold yet")]
    [InlineData("""["a"]""", "no JWT")]
    [InlineData("""{"sub":"\ud800","exp":EXP}""", "another service's")]
    public void Claims_are_demanded(string claims, string? told)
    {
        long now = s_now.ToUnixTimeSeconds();
        claims = claims.Replace("EXP", $"{now + 600}", StringComparison.Ordinal).Replace("PAST", $"{now - 61}", StringComparison.Ordinal).Replace("RECENT", $"{now - 59}", StringComparison.Ordinal);
        string? verdict = JsonWebToken.Verify(Sign("HS256", claims), Of("HS256"), null, s_now);
        if (told is null) Assert.Null(verdict);
        else Assert.Contains(told, verdict, StringComparison.Ordinal);
    }

    [Fact]
    public void Issuer_and_audience_are_compared_and_extensions_refused()
    {
        Service service = Of("HS256") with { Auth = Of("HS256").Auth with { Issuer = "idp", Audience = "egress" } };
        long end = s_now.ToUnixTimeSeconds() + 60;
        Assert.Null(Verify($$"""{"sub":"a","exp":{{end}},"iss":"idp","aud":["x","egress"]}"""));
        Assert.Contains("issuer", Verify($$"""{"sub":"a","exp":{{end}},"iss":"evil","aud":"egress"}"""), StringComparison.Ordinal);
        Assert.Contains("audience", Verify($$"""{"sub":"a","exp":{{end}},"iss":"idp","aud":["x",1]}"""), StringComparison.Ordinal);
        Assert.Contains("extension", JsonWebToken.Verify(Sign("HS256", Claims(), ",\"crit\":[\"b64\"]"), Of("HS256"), null, s_now), StringComparison.Ordinal);

        string? Verify(string claims) => JsonWebToken.Verify(Sign("HS256", claims), service, null, s_now);
    }

    [Fact]
    public void The_secret_before_the_last_rotation_holds_until_its_end()
    {
        string token = Sign("HS256", $$"""{"sub":"a","exp":{{s_now.AddHours(9).ToUnixTimeSeconds()}}}""");
        Service rotated = Of("HS256") with { Auth = Of("HS256").Auth with { Secret = "a new secret for everybody", PreviousSecret = "a secret that is shared", PreviousUntil = s_now.AddHours(1) } };
        Assert.Null(JsonWebToken.Verify(token, rotated, null, s_now));
        Assert.Null(JsonWebToken.Verify(token, rotated, null, s_now.AddMinutes(59)));
        Assert.Contains("signature", JsonWebToken.Verify(token, rotated, null, s_now.AddHours(1)), StringComparison.Ordinal);
        Assert.NotNull(JsonWebToken.Verify(token, rotated with { Auth = rotated.Auth with { PreviousUntil = null } }, null, s_now));
        Assert.NotNull(JsonWebToken.Verify(token, rotated with { Auth = rotated.Auth with { PreviousSecret = "" } }, null, s_now));
    }

    [Fact]
    public void A_public_key_is_no_shared_secret_and_none_is_no_algorithm()
    {
        // RFC 8725 section 2.1: HS256 under the public key's text, for a service of RS256.
        string publicKey = _rsa.ExportSubjectPublicKeyInfoPem();
        string body = Part("""{"alg":"HS256"}""") + "." + Part(Claims());
        string forged = body + "." + Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(publicKey), Encoding.ASCII.GetBytes(body)));
        Assert.Contains("algorithm", JsonWebToken.Verify(forged, Of("RS256"), Keys(), s_now), StringComparison.Ordinal);
        foreach (string none in new[] { "none", "None", "" }) Assert.NotNull(JsonWebToken.Verify(Part($$"""{"alg":"{{none}}"}""") + "." + Part(Claims()) + ".", Of("HS256"), null, s_now));
        Assert.NotNull(JsonWebToken.Verify(Sign("RS256", Claims()), Of("RS256"), null, s_now));
    }

    [Theory]
    [InlineData("{}", "no list")]
    [InlineData("x", "not JSON")]
    [InlineData("""{"keys":[{"kty":"oct","k":"AAAA"}]}""", "holds no RSA key")]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AAAA","e":"AQAB"}]}""", "holds no RSA key")]
    [InlineData("""{"keys":[1,null,{"kty":"EC","crv":"P-256","x":"AA","y":1}]}""", "holds no RSA key")]
    public void A_set_without_a_key_of_use_is_told(string json, string told) => Assert.Contains(told, Assert.Throws<FormatException>(() => JsonWebKeySet.Parse(Encoding.UTF8.GetBytes(json))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_point_off_the_curve_verifies_nothing()
    {
        string zero = Base64Url.EncodeToString(new byte[32]);
        JsonWebKeySet keys = JsonWebKeySet.Parse(Encoding.UTF8.GetBytes($$"""{"keys":[{"kty":"EC","crv":"P-256","x":"{{zero}}","y":"{{zero}}"}]}"""));
        Assert.NotNull(JsonWebToken.Verify(Sign("ES256", Claims()), Of("ES256"), keys, s_now));
    }

    private static string Claims() => $$"""{"sub":"a","exp":{{s_now.ToUnixTimeSeconds() + 60}}}""";

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private static Service Of(string algorithm) => new() { Name = "a", Auth = new ServiceAuth { Type = AuthType.Jwt, Algorithm = algorithm, Secret = "a secret that is shared" } };

    private JsonWebKeySet Keys()
    {
        RSAParameters rsa = _rsa.ExportParameters(false);
        ECParameters point = _point.ExportParameters(false);
        return JsonWebKeySet.Parse(Encoding.UTF8.GetBytes($$"""
            {"keys":[{"kty":"RSA","kid":"r","n":"{{Base64Url.EncodeToString(rsa.Modulus)}}","e":"{{Base64Url.EncodeToString(rsa.Exponent)}}"},
            {"kty":"EC","crv":"P-256","x":"{{Base64Url.EncodeToString(point.Q.X)}}","y":"{{Base64Url.EncodeToString(point.Q.Y)}}"}]}
            """));
    }

    private string Sign(string algorithm, string claims, string header = "")
    {
        string body = Part($$"""{"alg":"{{algorithm}}"{{header}}}""") + "." + Part(claims);
        byte[] bytes = Encoding.ASCII.GetBytes(body), secret = "a secret that is shared"u8.ToArray();
        return body + "." + Base64Url.EncodeToString(algorithm switch
        {
            "HS256" => HMACSHA256.HashData(secret, bytes),
            "HS384" => HMACSHA384.HashData(secret, bytes),
            "HS512" => HMACSHA512.HashData(secret, bytes),
            "RS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            _ => _point.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        });
    }
}
